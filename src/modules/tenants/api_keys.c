/* api_keys.c - keys of programs: list, make, revoke.
 *
 * The key is shown in the answer to POST and nowhere else; its SHA-256 stays.
 * Nobody gives a key a right they do not have themselves. */
#include "modules/tenants/tenants_internal.h"

#include "base/clock.h"
#include "services/crypto/crypto.h"
#include "services/events/events.h"

#include <stdlib.h>
#include <talloc.h>

#define KEY_PREFIX_SHOWN 16

static struct fault *api_key_page(struct request *rq)
{
	const struct api_key_query *q = QUERY(rq, api_key_query);
	struct api_key_list_row page;
	struct str after;

	TRY(tenants_page_after(rq, q->has_cursor, q->cursor, &after));
	TRY(api_key_list(rq->tx, after, q->limit, q->count, &page));
	return tenants_page_reply(rq, page.items, page.next, page.has_total ? page.total : -1);
}

/* A permission that no role has is for keys only and may be given by whoever
 * may make keys. */
static struct fault *scope_grantable(const struct request *rq, struct str scope, size_t index)
{
	const char *name = str_dup(rq->mem, scope);
	const struct permission *p = registry_permission(rq->app->registry, name);
	const char *field = talloc_asprintf(rq->mem, "/scopes/%zu", index);

	if (!p)
		return fault_invalid(rq->mem, field, "unknown_permission",
				     "There is no such permission.");
	if (p->roles && *p->roles && !request_may(rq, name))
		return fault_invalid(rq->mem, field, "not_yours",
				     "You cannot give a right that you do not have.");
	return NULL;
}

static int compare_scopes(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	int order = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	return order ? order : x->n < y->n ? -1 : x->n > y->n;
}

static struct fault *scopes_check(const struct request *rq, struct str_list given,
				  struct str_list *ret_scopes)
{
	struct str *list = talloc_memdup(rq->mem, given.v, given.n * sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < given.n; i++)
		TRY(scope_grantable(rq, given.v[i], i));
	qsort(list, given.n, sizeof(*list), compare_scopes);
	for (size_t i = 0; i < given.n; i++)
		if (i == 0 || !str_eq(list[i], list[n - 1]))
			list[n++] = list[i];
	*ret_scopes = (struct str_list){ list, n };
	return NULL;
}

static struct str name_payload(const void *ctx, struct uuid id, struct str name)
{
	return member_payload(ctx, id, name, (struct str){ NULL, 0 });
}

static struct fault *api_key_make(struct request *rq)
{
	const struct api_key_create *in = INPUT(rq, api_key_create);
	bool is_live = str_eq(in->environment, STR("live"));
	struct str key = crypto_key_text(rq->mem, is_live ? STR("bh_live_") : STR("bh_test_"));
	bool has_project = in->has_project_id && !in->project_id_is_null;
	bool has_end = in->has_expires_at && !in->expires_at_is_null;
	struct api_key_insert_row made;
	struct str_list scopes;

	if (rq->who->kind != WHO_USER)
		return FAULT(rq->mem, FAULT_FORBIDDEN, "person_required",
			     "Only a person can make a key, not another key.");
	if (has_end && in->expires_at <= clock_wall_us())
		return fault_invalid(rq->mem, "/expires_at", "in_the_past",
				     "The end must be in the future.");
	TRY(scopes_check(rq, in->scopes, &scopes));
	TRY(api_key_insert(rq->tx, in->name, in->environment, str_slice(key, 0, KEY_PREFIX_SHOWN),
			   crypto_token_hash(rq->mem, key), scopes.v, scopes.n,
			   has_project ? &in->project_id : NULL, has_end ? &in->expires_at : NULL,
			   key, rq->who->name, &made));
	TRY(event_emit(rq->tx, &api_key_created, made.id,
		       name_payload(rq->mem, made.id, in->name)));
	return reply_created(rq, made.id, made.item);
}

static struct fault *api_key_end(struct request *rq)
{
	struct api_key_revoke_row key;
	struct api_key_exists_row old;
	bool found;

	TRY(audit_as(rq->tx, STR("revoke")));
	TRY(api_key_revoke(rq->tx, rq->id, &key, &found));
	if (!found) {
		TRY(api_key_exists(rq->tx, rq->id, &old));
		return reply_empty(rq, 204); /* it is revoked: what was asked for */
	}
	TRY(event_emit(rq->tx, &api_key_revoked, rq->id, name_payload(rq->mem, rq->id, key.name)));
	return reply_empty(rq, 204);
}

const struct route api_key_routes[] = {
	{
		.method = HTTP_GET,
		.path = "/api/v1/t/{tenant}/api-keys",
		.handler = api_key_page,
		.permission = "api_key.read",
		.query = &api_key_query_shape,
		.output = &api_key_shape,
		.output_is_list = true,
		.summary = "API keys, newest first",
	},
	{
		.method = HTTP_POST,
		.path = "/api/v1/t/{tenant}/api-keys",
		.handler = api_key_make,
		.permission = "api_key.create",
		.input = &api_key_create_shape,
		.output = &api_key_new_shape,
		.status = 201,
		.audit = "api_key.create",
		.summary = "Make a key; the answer alone shows it",
		.faults = (const char *const[]){ "person_required", NULL },
	},
	{
		.method = HTTP_DELETE,
		.path = "/api/v1/t/{tenant}/api-keys/{id}",
		.handler = api_key_end,
		.permission = "api_key.revoke",
		.status = 204,
		.audit = "api_key.revoke",
		.summary = "Revoke a key at once",
	},
	{ 0 },
};
