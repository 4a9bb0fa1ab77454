/* contract.c - what must be true of all routes, permissions and events together.
 *
 * Deny by default: whatever is not plainly said stops the start. Each rule is
 * one small function that adds its findings; `bulkhead doctor --contract` and
 * the first test of the suite show the list. Queries are prepared elsewhere,
 * because that needs a database. */
#include "spine/registry_internal.h"

#include "base/clock.h"

#include <ctype.h>

static const char *const system_roles[] = { "owner", "admin", "member", "viewer", NULL };

static void find(struct fault *f, const struct route *route, const char *code, const char *text)
{
	const char *where =
		talloc_asprintf(f, "%s %s", http_method_name(route->method), route->path);

	fault_field(f, where, code, "%s", text);
}

static bool is_word(const char *permission, const char *word)
{
	return strcmp(permission, word) == 0;
}

static void check_permission(struct fault *f, const struct registry *r,
			     const struct route_entry *entry)
{
	const struct route *route = entry->route;
	const char *p = route->permission;

	if (!p) {
		find(f, route, "no_permission",
		     "Say who may: a permission, MEMBER, SIGNED_IN or PUBLIC.");
		return;
	}
	bool open = is_word(p, PUBLIC) || is_word(p, SIGNED_IN);
	bool known = open || is_word(p, MEMBER) || registry_permission(r, p);
	if (!known)
		find(f, route, "unknown_permission", "No module declares this permission.");
	else if (entry->in_tenant && open)
		find(f, route, "open_tenant_route",
		     "A route inside a tenant needs MEMBER or a permission.");
	else if (!entry->in_tenant && !open)
		find(f, route, "permission_without_tenant",
		     "Permissions are given in a tenant; this path has none.");
}

static bool is_mutating(const struct route *route)
{
	return route->method == HTTP_POST || route->method == HTTP_PUT ||
	       route->method == HTTP_PATCH || route->method == HTTP_DELETE;
}

static bool is_param_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!islower((unsigned char)name.p[i]) && !isupper((unsigned char)name.p[i]) &&
		    name.p[i] != '_')
			return false;
	return name.n > 0;
}

static void check_path(struct fault *f, const struct route_entry *entry)
{
	const struct route *route = entry->route;
	struct str path = str_of(route->path), segment;
	bool under_t = str_starts(path, STR("/api/v1/t/"));

	if (under_t != entry->in_tenant ||
	    (under_t && !str_starts(path, STR("/api/v1/t/{tenant}"))))
		find(f, route, "tenant_path",
		     "{tenant} stands in /api/v1/t/{tenant} and only there.");
	for (size_t i = 0; path_segment(path, i, &segment); i++)
		if ((str_find(segment, '{', 0) != SIZE_MAX) !=
		    (str_starts(segment, STR("{")) && str_ends(segment, STR("}"))))
			find(f, route, "partial_parameter", "A parameter is a whole segment.");
	for (size_t i = 0; i < entry->param_count; i++) {
		if (!is_param_name(entry->params[i].name))
			find(f, route, "parameter_name", "A parameter is named by letters and _.");
		for (size_t k = 0; k < i; k++)
			if (str_eq(entry->params[i].name, entry->params[k].name))
				find(f, route, "doubled_parameter",
				     "A parameter stands there twice.");
	}
}

static bool shape_fits_query(const struct shape *shape)
{
	for (size_t i = 0; i < shape->field_count; i++) {
		enum field_type t = shape->fields[i].type;
		if (t == FIELD_LIST)
			t = shape->fields[i].element;
		if (t == FIELD_SHAPE || t == FIELD_JSON || t == FIELD_MAP || t == FIELD_LIST)
			return false;
	}
	return shape->field_count <= 64;
}

static void check_shapes(struct fault *f, const struct route *route)
{
	if (route->input && (route->method == HTTP_GET || route->raw_body))
		find(f, route, "input_unread", "GET and raw routes read no body.");
	if (route->query && !shape_fits_query(route->query))
		find(f, route, "query_shape", "A query string holds scalars and lists of them.");
	if (route->output_is_list && !route->output)
		find(f, route, "list_of_nothing", "A list needs the shape of its items.");
	if (route->input && route->input->field_count > 250)
		find(f, route, "too_many_fields", "A shape may have 250 fields.");
}

static void check_dates(struct fault *f, const struct route *route)
{
	int64_t ignored;

	if (route->deprecated && !clock_parse(str_of(route->deprecated), &ignored))
		find(f, route, "deprecated", "deprecated is a date.");
	if (route->sunset && (!route->deprecated || !clock_parse(str_of(route->sunset), &ignored)))
		find(f, route, "sunset", "sunset is a date, of a route that is deprecated.");
}

static void check_route(struct fault *f, const struct registry *r, const struct route_entry *entry)
{
	const struct route *route = entry->route;

	if (!route->path || route->path[0] != '/')
		return; /* already found */
	check_permission(f, r, entry);
	check_path(f, entry);
	check_shapes(f, route);
	check_dates(f, route);
	if (is_mutating(route) && !route->audit)
		find(f, route, "no_audit", "A route that changes something names what is audited.");
	if (!is_mutating(route) && route->audit)
		find(f, route, "audited_read", "A route that only reads is not audited.");
	if (!route->summary || !*route->summary)
		find(f, route, "no_summary", "A route needs its line for the reference.");
	if (route->status != 0 && (route->status < 200 || route->status > 299))
		find(f, route, "status", "status is the one of success.");
	if (route->limit >= LIMIT_CLASSES || route->lane >= LANE_COUNT)
		find(f, route, "class", "No such limit class or lane.");
}

static bool is_role(const char *name)
{
	for (const char *const *role = system_roles; *role; role++)
		if (strcmp(*role, name) == 0)
			return true;
	return false;
}

static void check_permissions(struct fault *f, const struct registry *r)
{
	for (size_t i = 0; i < r->permissions.n; i++) {
		const struct permission *p = r->permissions.v[i];
		if (i > 0 && strcmp(p->name, r->permissions.v[i - 1]->name) == 0)
			fault_field(f, p->name, "doubled_permission", "It is declared twice.");
		if (!strchr(p->name, '.') || !p->title)
			fault_field(f, p->name, "permission_form",
				    "It is named noun.verb and has a title.");
		for (const char *const *role = p->roles; role && *role; role++)
			if (!is_role(*role))
				fault_field(f, p->name, "unknown_role", "There is no role %s.",
					    *role);
	}
}

static void check_events(struct fault *f, const struct registry *r)
{
	size_t cursor = 0;
	struct str name;
	void *value;

	while (map_next(r->events, &cursor, &name, &value)) {
		const struct event_type *e = value;
		if (str_find(name, ':', 0) == SIZE_MAX)
			fault_field(f, e->name, "event_form", "An event is named noun:verb.");
		if (!e->permission || !registry_permission(r, e->permission))
			fault_field(f, e->name, "unknown_permission",
				    "Who may receive it? No module declares that permission.");
	}
}

void contract_check(struct fault *f, const struct registry *r)
{
	for (size_t i = 0; i < r->routes.n; i++)
		check_route(f, r, r->routes.v[i]);
	check_permissions(f, r);
	check_events(f, r);
}
