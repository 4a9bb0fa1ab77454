/* analytics.c - the module as data: permissions, routes, events, jobs. */
#include "modules/analytics/analytics_internal.h"

#include "modules/analytics/ingest.h"

static const char *const all_roles[] = { "owner", "admin", "member", "viewer", NULL };
static const char *const makers[] = { "owner", "admin", "member", NULL };
static const char *const nobody[] = { NULL };

static const struct permission permissions[] = {
	{ "project.read", "See projects", all_roles },
	{ "project.create", "Create projects", makers },
	{ "project.update", "Change projects", makers },
	{ "project.archive", "Archive and restore projects", makers },
	{ "write_key.read", "See write keys", makers },
	{ "write_key.create", "Make write keys", makers },
	{ "write_key.revoke", "Revoke write keys", makers },
	{ "event.read", "See events, profiles and figures", all_roles },
	{ "event.write", "Send events (API keys only)", nobody },
	{ 0 },
};

static const struct db_constraint constraints[] = {
	{ "project_name_length", "/name", "out_of_range", "A name has 1 to 100 characters." },
	{ "project_slug_taken", "/slug", "taken", "Another project has this address." },
	{ "project_description_length", "/description", "too_long",
	  "A description has at most 2000 characters." },
	{ "write_key_name_length", "/name", "out_of_range", "A name has 1 to 100 characters." },
	{ "write_key_project", NULL, "no_project", "There is no such project." },
	{ 0 },
};

/* Archiving ends what the project's keys may do, from this commit on. */
struct fault *project_written(struct request *rq, enum resource_verb verb, struct uuid id)
{
	struct stamp_bump_row row;

	if (verb != VERB_ARCHIVE && verb != VERB_RESTORE)
		return NULL;
	return stamp_bump(rq->tx, id, &row);
}

static struct fault *start(struct app *app)
{
	return ingest_start(app, app, &app->ingest);
}

static void stop(struct app *app)
{
	if (app->ingest)
		ingest_stop(app->ingest);
}

static void metrics(struct app *app, struct buf *out)
{
	if (app->ingest)
		ingest_metrics(app->ingest, out);
}

const struct module analytics_module = {
	.name = "analytics",
	.needs = LIST(char *, "tenants"),
	.migrations = analytics_migrations,
	.queries = analytics_queries,
	.shapes = analytics_shapes,
	.resources = analytics_resources,
	.routes = LIST(struct route *, key_routes, event_routes, figure_routes, ingest_routes),
	.permissions = permissions,
	.events = analytics_events,
	.constraints = constraints,
	.start = start,
	.stop = stop,
	.metrics = metrics,
};
