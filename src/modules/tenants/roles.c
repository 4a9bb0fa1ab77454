/* roles.c - the four system roles, made from what the modules declare.
 *
 * A role is no table yet: every permission says which roles have it by default,
 * and the catalogue is turned around here. Custom roles of a tenant will be
 * looked up first, in this file. */
#include "modules/tenants/tenants_internal.h"

#include "base/clock.h"

#include <stdlib.h>
#include <talloc.h>

static const struct role_info roles[] = {
	{ "owner", "Owner", 100 },
	{ "admin", "Administrator", 80 },
	{ "member", "Member", 40 },
	{ "viewer", "Viewer", 20 },
};

#define ROLE_COUNT (sizeof(roles) / sizeof(roles[0]))

const struct role_info *role_find(struct str name)
{
	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (str_eq(name, str_of(roles[i].name)))
			return &roles[i];
	return NULL;
}

static bool role_has(const struct permission *p, struct str role)
{
	for (const char *const *name = p->roles; name && *name; name++)
		if (str_eq(str_of(*name), role))
			return true;
	return false;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *const *role_permissions(const void *ctx, const struct registry *r, struct str role,
				    struct str tenant_status, size_t *ret_count)
{
	bool only_reading = !str_eq(tenant_status, STR("active"));
	const struct permission *p;
	const char **names;
	size_t n = 0, total = 0;

	while (registry_permission_at(r, total))
		total++;
	names = talloc_zero_size(ctx, (total + 1) * sizeof(*names));
	for (size_t i = 0; (p = registry_permission_at(r, i)); i++)
		if (role_has(p, role) &&
		    !(only_reading && !str_ends(str_of(p->name), STR(".read"))))
			names[n++] = p->name;
	qsort(names, n, sizeof(*names), compare_names);
	*ret_count = n;
	return names;
}

struct fault *role_grantable(const struct request *rq, struct str name)
{
	const struct role_info *role = role_find(name);

	if (!role)
		return fault_invalid(rq->mem, "/role", "unknown_role", "There is no such role.");
	if (role->rank > rq->who->rank)
		return FAULT(rq->mem, FAULT_FORBIDDEN, "above_your_rank",
			     "You cannot give or change a role above your own.");
	return NULL;
}

static void put_permissions(struct json_out *w, const void *ctx, const struct registry *r,
			    struct str role, struct str tenant_status)
{
	size_t n;
	const char *const *names = role_permissions(ctx, r, role, tenant_status, &n);

	json_key(w, "permissions");
	json_open(w, '[');
	for (size_t i = 0; i < n; i++)
		json_put_str(w, str_of(names[i]));
	json_close(w, ']');
}

static void put_role(struct json_out *w, const struct request *rq, const struct role_info *role)
{
	json_open(w, '{');
	json_key(w, "name");
	json_put_str(w, str_of(role->name));
	json_key(w, "title");
	json_put_str(w, str_of(role->title));
	json_key(w, "rank");
	json_put_int(w, role->rank);
	put_permissions(w, rq->mem, rq->app->registry, str_of(role->name), STR("active"));
	json_close(w, '}');
}

static void put_catalogue(struct json_out *w, const struct registry *r)
{
	json_open(w, '[');
	for (const struct module *const *m = registry_modules(r); *m; m++)
		for (const struct permission *p = (*m)->permissions; p && p->name; p++) {
			json_open(w, '{');
			json_key(w, "name");
			json_put_str(w, str_of(p->name));
			json_key(w, "title");
			json_put_str(w, str_of(p->title));
			json_key(w, "module");
			json_put_str(w, str_of((*m)->name));
			json_close(w, '}');
		}
	json_close(w, ']');
}

void membership_put(struct json_out *w, const void *ctx, const struct registry *r,
		    const struct membership_list_row *m)
{
	char joined_at[CLOCK_TEXT_SIZE];

	json_open(w, '{');
	json_key(w, "tenant");
	json_open(w, '{');
	json_key(w, "id");
	json_put_str(w, uuid_str(ctx, m->id));
	json_key(w, "slug");
	json_put_str(w, m->slug);
	json_key(w, "name");
	json_put_str(w, m->name);
	json_key(w, "status");
	json_put_str(w, m->status);
	json_close(w, '}');
	json_key(w, "role");
	json_put_str(w, m->role);
	put_permissions(w, ctx, r, m->role, m->status);
	json_key(w, "joined_at");
	json_put_str(w, str_of(clock_format(m->joined_at, joined_at)));
	json_close(w, '}');
}

static struct fault *role_list(struct request *rq)
{
	struct json_out w;
	struct buf b;

	buf_init(&b, rq->mem, 1 << 20);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "items");
	json_open(&w, '[');
	for (size_t i = 0; i < ROLE_COUNT; i++)
		put_role(&w, rq, &roles[i]);
	json_close(&w, ']');
	json_key(&w, "catalogue");
	put_catalogue(&w, rq->app->registry);
	json_key(&w, "next_cursor");
	json_put_null(&w);
	json_close(&w, '}');
	return reply_json(rq, 200, buf_view(&b));
}

const struct route role_routes[] = {
	{
		.method = HTTP_GET,
		.path = "/api/v1/t/{tenant}/roles",
		.handler = role_list,
		.permission = "role.read",
		.output = &role_list_out_shape,
		.summary = "The roles, what each may do, and everything that may be allowed",
	},
	{ 0 },
};
