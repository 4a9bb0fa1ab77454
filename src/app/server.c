/* server.c - the order in which one process comes up and goes down.
 *
 * Each step is a pair of functions in one table: opened from the first to the
 * last, closed from the last to the first, and only those that were opened. */
#include "app/server.h"

#include "app/database.h"
#include "app/admin.h"
#include "app/modules.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/vec.h"
#include "db/db.h"
#include "http/assets.h"
#include "http/http.h"
#include "modules/analytics/analytics.h"
#include "services/crypto/crypto.h"
#include "services/events/events.h"
#include "services/jobs/jobs.h"
#include "services/limits/limits.h"
#include "services/realtime/realtime.h"
#include "spine/ports.h"
#include "spine/pipeline.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#define STOP_DEADLINE_MS 15000
#define CLOSING_MS 4000 /* of it, for what comes after the jobs */
#define STATEMENT_TIMEOUT_MS 30000
#define SLOW_WORKERS 2
#define STREAM_WORKERS 4
#define LIMIT_BUCKETS 100000

extern const struct assets interface_assets; /* tools/embed_assets.py */

struct server {
	struct app app;
	const struct config *config;
	struct database *database;
	struct admin *admin;
	int opened;	    /* steps that are up */
	int64_t stop_by_ms; /* steady clock */
};

/* ---- the steps ---- */

static struct fault *open_registry(struct server *s)
{
	TRY(registry_build(s, app_modules, &s->app.registry));
	return jobs_check(s, s->app.registry);
}

static struct fault *open_keys(struct server *s)
{
	return keys_new(s, s->config, &s->app.keys);
}

static struct fault *open_database(struct server *s)
{
	return database_open(s, s->config, s->app.keys, &s->database);
}

static void close_database(struct server *s)
{
	database_close(s->database);
}

static const struct db_migration *all_migrations(struct server *s, size_t *ret_count)
{
	VEC(struct db_migration) all = { 0 };

	for (const struct module *const *m = registry_modules(s->app.registry); *m; m++)
		for (const struct db_migration *one = (*m)->migrations; one && one->name; one++)
			*VEC_ADD(&all, s) = *one;
	*ret_count = all.n;
	return all.v;
}

static struct fault *open_schema(struct server *s)
{
	size_t count;
	const struct db_migration *list = all_migrations(s, &count);
	int applied = 0;

	TRY(db_migrate(s, database_conninfo(s->database, DB_OWNER), list, count, &applied));
	if (applied > 0)
		LOG_INFO("schema migrated", LOG_INT("migrations", applied));
	return NULL;
}

/* What a commit of this process, or of another node, touched. */
static void wake_here(void *arg, unsigned wakes)
{
	struct server *s = arg;

	if ((wakes & WAKE_EVENTS) && s->app.events)
		events_wake(s->app.events);
	if ((wakes & WAKE_JOBS) && s->app.jobs)
		jobs_wake(s->app.jobs);
	if ((wakes & WAKE_INGEST) && s->app.ingest)
		analytics_wake(&s->app);
}

/* The log tells the other nodes itself, once it is sealed. */
static void wake_everywhere(void *arg, unsigned wakes)
{
	struct server *s = arg;

	wake_here(s, wakes);
	if (s->app.events && (wakes & ~(unsigned)WAKE_EVENTS))
		events_wake_others(s->app.events, wakes & ~(unsigned)WAKE_EVENTS);
}

static struct fault *open_db(struct server *s)
{
	struct db_config config = {
		.wait_ms = 5000,
		.statement_timeout_ms = STATEMENT_TIMEOUT_MS,
		.committed = wake_everywhere,
		.arg = s,
	};
	for (int role = 0; role < DB_OWNER; role++)
		config.conninfo[role] = database_conninfo(s->database, (enum db_role)role);
	config.pool_size[DB_APP] = (int)s->config->workers + SLOW_WORKERS + ANALYTICS_CONNECTIONS;
	config.pool_size[DB_PLATFORM] = (int)s->config->workers;
	TRY(db_open(s, &config, &s->app.db));
	for (const struct module *const *m = registry_modules(s->app.registry); *m; m++)
		if ((*m)->constraints)
			db_add_constraints(s->app.db, (*m)->constraints);
	return NULL;
}

static void close_db(struct server *s)
{
	db_close(s->app.db);
}

/* What the spine needs from the services above it. */
static const struct ports ports = {
	.sha256 = crypto_sha256,
	.mac = keys_mac,
	.equal = crypto_equal,
	.base64url = crypto_base64url,
	.unbase64 = crypto_unbase64,
	.encrypt = keys_encrypt,
	.decrypt = keys_decrypt,
	.take = limits_take,
	.emit = event_emit,
};

/* Shells allow 1 024 files; the kernel allows this process more. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static struct fault *open_tools(struct server *s)
{
	raise_file_limit();
	s->app.ports = &ports;
	s->app.assets = &interface_assets;
	s->app.access = access_cache_new(s);
	s->app.limits = limits_new(s, LIMIT_BUCKETS);
	return hasher_new(s, 0, &s->app.hasher);
}

static struct fault *open_services(struct server *s)
{
	const char *platform = database_conninfo(s->database, DB_PLATFORM);

	TRY(events_start(s, &s->app, platform, &s->app.events));
	events_on_wake(s->app.events, wake_here, s);
	return realtime_start(s, &s->app, &s->app.realtime);
}

static void close_services(struct server *s)
{
	if (s->app.realtime)
		realtime_stop(s->app.realtime, s->stop_by_ms);
	if (s->app.events)
		events_stop(s->app.events);
}

static struct fault *open_modules(struct server *s)
{
	for (const struct module *const *m = registry_modules(s->app.registry); *m; m++)
		if ((*m)->start)
			TRY((*m)->start(&s->app));
	return NULL;
}

static void close_modules(struct server *s)
{
	const struct module *const *list = registry_modules(s->app.registry);
	size_t n = 0;

	while (list[n])
		n++;
	while (n-- > 0)
		if (list[n]->stop)
			list[n]->stop(&s->app);
}

/* After the modules: a job may be one of theirs. */
static struct fault *open_jobs(struct server *s)
{
	return jobs_start(s, &s->app, database_conninfo(s->database, DB_PLATFORM), &s->app.jobs);
}

static void close_jobs(struct server *s)
{
	jobs_stop(s->app.jobs, s->stop_by_ms - CLOSING_MS);
	s->app.jobs = NULL;
}

static struct fault *open_http(struct server *s)
{
	const struct config *c = s->config;
	char *spool = talloc_asprintf(s, "%.*s/spool", STR_ARG(c->data_folder));
	struct http_config config = {
		.address = str_dup(s, c->address),
		.port = (uint16_t)c->port,
		.network_threads = (int)c->network_threads,
		.workers = { [LANE_NORMAL] = (int)c->workers,
			     [LANE_SLOW] = SLOW_WORKERS,
			     [LANE_STREAM] = STREAM_WORKERS,
			     [LANE_INGEST] = 2 },
		.queue_limit = { 1024, 64, 64, 4096 },
		.max_connections = (int)c->max_connections,
		.trusted_proxies = c->trusted_proxies,
		.spool_folder = spool,
		.app = &s->app,
		.admit = pipeline_admit,
		.handle = pipeline_handle,
		.refuse = pipeline_refuse,
	};

	mkdir(str_dup(s, c->data_folder), 0755);
	mkdir(spool, 0700);
	TRY(http_start(s, &config, &s->app.http));
	return admin_start(s, &s->app, &s->admin);
}

static void close_http(struct server *s)
{
	if (s->admin)
		admin_stop(s->admin);
	realtime_stop(s->app.realtime, s->stop_by_ms); /* answers the polls that wait */
	http_stop(s->app.http, s->stop_by_ms);
}

static const struct step {
	enum server_depth depth;
	const char *name;
	struct fault *(*open)(struct server *s);
	void (*close)(struct server *s); /* NULL: nothing to do */
} steps[] = {
	{ SERVER_CONTRACT, "registry", open_registry, NULL },
	{ SERVER_DATABASE, "keys", open_keys, NULL },
	{ SERVER_DATABASE, "database", open_database, close_database },
	{ SERVER_DATABASE, "schema", open_schema, NULL },
	{ SERVER_DATABASE, "pools", open_db, close_db },
	{ SERVER_DATABASE, "limits and caches", open_tools, NULL },
	{ SERVER_FULL, "services", open_services, close_services },
	{ SERVER_FULL, "modules", open_modules, close_modules },
	{ SERVER_FULL, "jobs", open_jobs, close_jobs },
	{ SERVER_FULL, "http", open_http, close_http },
};
#define STEP_COUNT ((int)(sizeof(steps) / sizeof(*steps)))

struct fault *server_open(const void *ctx, const struct config *config, enum server_depth depth,
			  struct server **ret_server)
{
	struct server *s = talloc_zero(ctx, struct server);

	s->config = config;
	s->app.config = config;
	s->app.started_wall_us = clock_wall_us();
	for (int i = 0; i < STEP_COUNT && steps[i].depth <= depth; i++) {
		int64_t before = clock_steady_us();
		struct fault *f = steps[i].open(s);
		if (f) {
			/* a step that failed half-way still owns what it opened */
			s->opened = i + (steps[i].close == close_services ||
					 steps[i].close == close_database);
			server_close(s);
			return f;
		}
		s->opened = i + 1;
		LOG_DEBUG("opened", LOG_TEXT("step", steps[i].name),
			  LOG_INT("us", clock_steady_us() - before));
	}
	*ret_server = s;
	return NULL;
}

struct app *server_app(struct server *s)
{
	return &s->app;
}

const char *server_conninfo(const struct server *s, enum db_role role)
{
	return s->database ? database_conninfo(s->database, role) : NULL;
}

/* The second signal: nobody waits any longer. */
static void end_at_once(int signal)
{
	(void)signal;
	_exit(1);
}

void server_run(struct server *s)
{
	sigset_t stop_signals;
	int signal = 0;

	sigemptyset(&stop_signals);
	sigaddset(&stop_signals, SIGTERM);
	sigaddset(&stop_signals, SIGINT);
	s->app.ready = true;
	LOG_INFO("ready", LOG_STR("address", s->config->public_url),
		 LOG_INT("port", http_port(s->app.http)),
		 LOG_INT("ms", (clock_wall_us() - s->app.started_wall_us) / 1000));
	sigwait(&stop_signals, &signal);
	s->app.ready = false;
	LOG_INFO("stopping", LOG_INT("signal", signal));
	struct sigaction again = { .sa_handler = end_at_once };
	sigaction(SIGTERM, &again, NULL);
	sigaction(SIGINT, &again, NULL);
	pthread_sigmask(SIG_UNBLOCK, &stop_signals, NULL);
}

void server_close(struct server *s)
{
	s->stop_by_ms = clock_steady_ms() + STOP_DEADLINE_MS;
	for (int i = s->opened - 1; i >= 0; i--)
		if (steps[i].close)
			steps[i].close(s);
	LOG_DEBUG("closed");
}
