/* registry_internal.h - the inside of the registry: what registry.c, match.c,
 * contract.c and metrics.c share.
 *
 * Built once before the first request and only read afterwards; the one thing
 * that changes are the atomic counters of metrics.c. */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "spine/module.h"

#define PATH_SEGMENTS_MAX 32

/* Where {x} stands in the template. */
struct path_param {
	struct str name;
	size_t segment;
};

struct route_stats;

struct route_entry {
	const struct route *route;
	const struct module *module;
	struct path_param params[4];
	size_t param_count;
	bool in_tenant; /* has {tenant} */
	struct route_stats *stats;
};

/* One segment of all paths that begin alike. */
struct match_node {
	struct str literal;
	VEC(struct match_node *) children; /* sorted by literal */
	struct match_node *param;
	struct route_entry *by_method[HTTP_OTHER];
	const char *allow; /* NULL: nothing ends here */
};

struct registry {
	const struct module **modules; /* NULL-ended, in order of dependence */
	size_t module_count;
	VEC(struct route_entry *) routes;
	VEC(const struct permission *) permissions; /* sorted by name */
	struct map *events;
	struct match_node *root;
	struct metrics *metrics;
};

/* match.c: adds a route under a path; an earlier one with the same method and path is
 * returned. */
struct route_entry *match_add(const void *ctx, struct match_node *root, struct route_entry *entry,
			      struct str path);
/* The path as the reference shows it: without a slash at the end. */
struct str path_shown(const struct route *route);
void match_finish(const void *ctx, struct match_node *root); /* Allow values */
struct route_entry *match_find(const struct registry *r, enum http_method method, struct str path,
			       const char **ret_allow);
/* The n-th segment of a path. */
bool path_segment(struct str path, size_t n, struct str *ret_segment);

/* contract.c: lists everything wrong with the whole in f. */
void contract_check(struct fault *f, const struct registry *r);

/* metrics.c */
struct metrics *metrics_new(const void *ctx, size_t routes);
struct route_stats *metrics_route(struct metrics *m, size_t index);
void metrics_count(struct route_stats *stats, int status, int64_t duration_us);
