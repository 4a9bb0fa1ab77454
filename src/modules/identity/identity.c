/* identity.c - the module: people, sign-in, sessions, recovery. It stands above
 * tenants, because whoever signs in is told where they belong. */
#include "modules/identity/identity_internal.h"

#include "modules/tenants/tenants.h"
#include "services/jobs/jobs.h"

static const struct db_constraint constraints[] = {
	{ "users_email_key", "/email", "email_taken", "This address has an account." },
	{ "users_name_form", "/name", "unreadable_name",
	  "A name needs something to see and no control characters." },
	{ 0 },
};

static const struct job_schedule schedules[] = {
	{ "identity.sweep", "17 3 * * *", &sweep_job },
	{ 0 },
};

const struct module identity_module = {
	.name = "identity",
	.needs = LIST(char *, "tenants", "audit", "jobs", "mail"),
	.migrations = identity_migrations,
	.queries = identity_queries,
	.shapes = identity_shapes,
	.routes = LIST(struct route *, registration_routes, sign_in_routes, token_routes,
		       recovery_routes, me_routes, session_routes),
	.jobs = LIST(struct job_type *, &forgot_job, &sweep_job),
	.schedules = schedules,
	.constraints = constraints,
	.authenticators = (authenticate_fn *const[]){ session_authenticate, NULL },
};
