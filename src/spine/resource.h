/* resource.h - nouns that need no C: list, get, create, patch, archive, restore,
 * delete from a descriptor in *.toml ([resource.x]).
 *
 * Statements are built at start from descriptor identifiers only; values are
 * parameters; the set is finite and prepared lazily. A third hook wish means:
 * write a handler. */
#pragma once

#include "spine/request.h"

enum resource_verb {
	VERB_LIST = 1,
	VERB_GET = 2,
	VERB_CREATE = 4,
	VERB_PATCH = 8,
	VERB_ARCHIVE = 16,
	VERB_RESTORE = 32,
	VERB_DELETE = 64,
};

struct event_type;

struct resource_filter {
	const char *column; /* of the view */
	enum field_type type;
};

struct resource {
	const char *noun;  /* "project"; permissions noun.read, noun.create, … unless given */
	const char *path;  /* "/api/v1/t/{tenant}/projects" */
	const char *table; /* "analytics.projects": has tenant_id, id, version, archived status */
	const char *view;  /* "analytics.projects_v": one row an object, to_jsonb is the answer */
	unsigned verbs;
	const char *read_permission, *create_permission, *update_permission, *archive_permission,
		*delete_permission;
	const struct shape *shape;	       /* out */
	const struct shape *create, *patch;    /* in; field names are column names */
	const struct resource_filter *filters; /* column NULL ends */
	const char *const
		*sorts; /* allowed columns, NULL-ended; first with "-" prefix is the default */
	const char *const *search; /* columns for ?q=, NULL-ended */
	const struct event_type *created, *updated, *archived, *restored,
		*deleted; /* may be NULL */
	struct fault *(*before_write)(struct request *rq, enum resource_verb verb);
	struct fault *(*after_write)(struct request *rq, enum resource_verb verb, struct uuid id);
};

/* Routes of a resource, built at start (owned by ctx): an array of *ret_count
 * pointers. FAULT_INVALID when the descriptor cannot be served. */
struct fault *resource_routes(const void *ctx, const struct resource *r,
			      const struct route *const **ret_routes, size_t *ret_count);
