/* module.h - what a module declares, and the registry that holds all of it.
 *
 * A module is data: the server asks the registry and never names a module.
 * registry_build() is also the contract check: a doubled or permissionless
 * route, an unknown permission, an unaudited write, a module that uses one it
 * does not need stop the start with every finding listed. */
#pragma once

#include "spine/request.h"
#include "spine/resource.h"

struct permission {
	const char *name;	  /* "project.read"; NULL ends */
	const char *title;	  /* for the matrix */
	const char *const *roles; /* system roles that have it by default, NULL-ended */
};

/* An event: "project:created". It goes to the rooms tenant:{tenant_id} and
 * {noun}:{subject id}; reading it needs the permission. */
struct event_type {
	const char *name;
	const char *permission; /* needed to receive it, e.g. "project.read" */
	const struct shape *payload;
};

struct job_type; /* services/jobs/jobs.h */
struct job_schedule;
struct db_migration;
struct db_query;
struct db_constraint;

struct module {
	const char *name;
	const char *const *needs;	       /* modules whose public header it uses, NULL-ended */
	const struct db_migration *migrations; /* generated; name NULL ends */
	const struct db_query *const *queries; /* generated; NULL-ended */
	const struct shape *const *shapes;     /* generated; NULL-ended */
	const struct resource *const *resources; /* NULL-ended */
	const struct route *const
		*routes; /* arrays of routes, each ended by handler NULL; NULL-ended */
	const struct permission *permissions;
	const struct event_type *const *events;	 /* NULL-ended */
	const struct job_type *const *jobs;	 /* NULL-ended */
	const struct job_schedule *schedules;	 /* name NULL ends */
	const struct db_constraint *constraints; /* constraint NULL ends */
	authenticate_fn *const *authenticators;	 /* NULL-ended */
	/* Called once after the database is open and before requests; may be NULL. */
	struct fault *(*start)(struct app *app);
	/* Called at shutdown, in reverse order; may be NULL. */
	void (*stop)(struct app *app);
	/* Appends Prometheus text; may be NULL. */
	void (*metrics)(struct app *app, struct buf *out);
};

/* For lists in designated initialisers. */
#define LIST(type, ...) ((const type[]){ __VA_ARGS__, NULL })

struct fault *registry_build(const void *ctx, const struct module *const *modules,
			     struct registry **ret_registry);

/* Everything of all modules, in order of dependence. */
const struct module *const *registry_modules(const struct registry *r);
const struct route *registry_route_at(const struct registry *r, size_t i); /* NULL past the end */
const struct permission *registry_permission(const struct registry *r, const char *name);
const struct permission *registry_permission_at(const struct registry *r, size_t i);
const struct event_type *registry_event(const struct registry *r, struct str name);
/* Finds the route; sets *ret_allow (an Allow value) when only the method is wrong. */
const struct route *registry_match(const struct registry *r, enum http_method method,
				   struct str path, const char **ret_allow);
/* Prometheus text: count and duration of answers by route and status. */
void registry_metrics(const struct registry *r, struct buf *out);
/* Every route as a JSON array (method, path, permission, shapes, limit, audit, …), for
 * `bulkhead routes --json`, from which tests generate the refusals of every route. */
void registry_routes_json(const struct registry *r, struct buf *out);
