/* registry.c - everything all modules declare, put together once (module.h).
 *
 * Order: sort modules by their needs, collect permissions, events and routes
 * (those of resources are made here), then let contract.c look at the whole.
 * The start fails with every finding listed, not with the first. */
#include "spine/registry_internal.h"

#include <stdlib.h>

struct builder {
	struct registry *r;
	struct fault *findings; /* always there; thrown away when it has no fields */
};

static const struct module *module_named(const struct module *const *modules, const char *name)
{
	for (; *modules; modules++)
		if (strcmp((*modules)->name, name) == 0)
			return *modules;
	return NULL;
}

static bool is_placed(const struct registry *r, const struct module *m)
{
	for (size_t i = 0; i < r->module_count; i++)
		if (r->modules[i] == m)
			return true;
	return false;
}

static void place_module(struct builder *b, const struct module *const *all, const struct module *m,
			 size_t depth)
{
	if (is_placed(b->r, m))
		return;
	if (depth == 0) {
		fault_field(b->findings, m->name, "needs_in_a_circle",
			    "The modules need each other in a circle.");
		return;
	}
	for (const char *const *need = m->needs; need && *need; need++) {
		const struct module *other = module_named(all, *need);
		if (other)
			place_module(b, all, other, depth - 1);
		else
			fault_field(b->findings, m->name, "unknown_need",
				    "It needs %s, which is not there.", *need);
	}
	if (!is_placed(b->r, m))
		b->r->modules[b->r->module_count++] = m;
}

static void place_modules(struct builder *b, const struct module *const *all)
{
	size_t n = 0;

	while (all[n])
		n++;
	b->r->modules = talloc_zero_size(b->r, (n + 1) * sizeof(*b->r->modules));
	for (size_t i = 0; i < n; i++)
		place_module(b, all, all[i], n + 1);
}

static int by_name(const void *a, const void *b)
{
	const struct permission *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static void take_permissions(struct builder *b, const struct module *m)
{
	for (const struct permission *p = m->permissions; p && p->name; p++)
		*VEC_ADD(&b->r->permissions, b->r) = p;
}

static void take_events(struct builder *b, const struct module *m)
{
	for (const struct event_type *const *e = m->events; e && *e; e++)
		if (map_put(b->r->events, str_of((*e)->name), (void *)(uintptr_t)*e))
			fault_field(b->findings, (*e)->name, "doubled_event",
				    "Two modules declare this event.");
}

static void take_params(struct builder *b, struct route_entry *entry)
{
	struct str segment, path = str_of(entry->route->path);

	for (size_t i = 0; path_segment(path, i, &segment); i++) {
		if (!str_starts(segment, STR("{")) || !str_ends(segment, STR("}")))
			continue;
		if (entry->param_count == sizeof(entry->params) / sizeof(entry->params[0])) {
			fault_field(b->findings, entry->route->path, "too_many_parameters",
				    "A path may have four parameters.");
			return;
		}
		struct str name = str_slice(segment, 1, segment.n - 1);
		entry->params[entry->param_count++] = (struct path_param){ name, i };
		entry->in_tenant = entry->in_tenant || str_eq(name, STR("tenant"));
	}
}

static void take_route(struct builder *b, const struct module *m, const struct route *route)
{
	struct route_entry *entry = talloc_zero(b->r, struct route_entry);

	entry->route = route;
	entry->module = m;
	*VEC_ADD(&b->r->routes, b->r) = entry;
	if (!route->path || route->path[0] != '/' || route->method >= HTTP_OTHER) {
		fault_field(b->findings, route->path ? route->path : "(none)", "no_path",
			    "A route needs a path that begins with a slash, and a method.");
		return;
	}
	take_params(b, entry);
	const struct route_entry *other = match_add(b->r, b->r->root, entry, str_of(route->path));
	if (other)
		fault_field(b->findings, route->path, "doubled_route",
			    "%s of this path stands in %s and in %s.",
			    http_method_name(route->method), other->module->name, m->name);
}

static struct fault *take_routes(struct builder *b, const struct module *m)
{
	for (const struct route *const *list = m->routes; list && *list; list++)
		for (const struct route *route = *list; route->handler; route++)
			take_route(b, m, route);
	for (const struct resource *const *res = m->resources; res && *res; res++) {
		const struct route *const *routes;
		size_t n;
		TRY(resource_routes(b->r, *res, &routes, &n));
		for (size_t i = 0; i < n; i++)
			take_route(b, m, routes[i]);
	}
	return NULL;
}

struct fault *registry_build(const void *ctx, const struct module *const *modules,
			     struct registry **ret_registry)
{
	struct registry *r = talloc_zero(ctx, struct registry);
	struct builder b = { .r = r };

	b.findings = FAULT(ctx, FAULT_INVALID, "contract", "The modules break their contract.");
	r->events = map_new(r);
	r->root = talloc_zero(r, struct match_node);
	place_modules(&b, modules);
	for (size_t i = 0; i < r->module_count; i++) {
		take_permissions(&b, r->modules[i]);
		take_events(&b, r->modules[i]);
		TRY(take_routes(&b, r->modules[i]));
	}
	/* A path with a slash at the end is also served without it, unless that is another. */
	for (size_t i = 0; i < r->routes.n; i++)
		if (r->routes.v[i]->route->path && r->routes.v[i]->route->method < HTTP_OTHER)
			match_add(r, r->root, r->routes.v[i], path_shown(r->routes.v[i]->route));
	if (r->permissions.n > 0)
		qsort(r->permissions.v, r->permissions.n, sizeof(*r->permissions.v), by_name);
	match_finish(r, r->root);
	contract_check(b.findings, r);
	if (b.findings->fields) {
		talloc_free(r);
		return b.findings;
	}
	talloc_free(b.findings);
	r->metrics = metrics_new(r, r->routes.n);
	for (size_t i = 0; i < r->routes.n; i++)
		r->routes.v[i]->stats = metrics_route(r->metrics, i);
	*ret_registry = r;
	return NULL;
}

const struct module *const *registry_modules(const struct registry *r)
{
	return r->modules;
}

const struct route *registry_route_at(const struct registry *r, size_t i)
{
	return i < r->routes.n ? r->routes.v[i]->route : NULL;
}

const struct permission *registry_permission_at(const struct registry *r, size_t i)
{
	return i < r->permissions.n ? r->permissions.v[i] : NULL;
}

const struct permission *registry_permission(const struct registry *r, const char *name)
{
	size_t low = 0, high = r->permissions.n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(name, r->permissions.v[middle]->name);
		if (order == 0)
			return r->permissions.v[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct event_type *registry_event(const struct registry *r, struct str name)
{
	return map_get(r->events, name);
}
