/* services_fixture.h - an app with event log, jobs and mail for tests of services.
 *
 * The cluster comes from tools/with_postgres.py (BULKHEAD_TEST_DSN_*). A node is
 * what one server process has: two of them in a test are two nodes on one
 * database. */
#pragma once

#include "base/clock.h"
#include "db/db.h"
#include "services/crypto/crypto.h"
#include "services/events/events.h"
#include "services/jobs/jobs.h"
#include "services/audit/audit_gen.h"
#include "services/mail/mail.h"
#include "spine/module.h"
#include "spine/spine_gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <talloc.h>
#include <time.h>

struct node {
	void *mem;
	struct config config;
	struct app app;
};

static inline const char *test_dsn(const char *role)
{
	char name[64];

	snprintf(name, sizeof(name), "BULKHEAD_TEST_DSN_%s", role);
	const char *dsn = getenv(name);
	if (!dsn) {
		fprintf(stderr, "%s is not set: run by tools/with_postgres.py\n", name);
		exit(2);
	}
	return dsn;
}

static inline void must(struct fault *f)
{
	if (!f)
		return;
	fprintf(stderr, "%s\n", fault_describe(NULL, f));
	abort();
}

static inline void sleep_ms(int64_t ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static inline void node_committed(void *arg, unsigned wakes)
{
	struct node *n = arg;

	if (wakes & WAKE_EVENTS && n->app.events)
		events_wake(n->app.events);
	if (wakes & WAKE_JOBS && n->app.jobs)
		jobs_wake(n->app.jobs);
}

static inline void migrate_services(const void *mem)
{
	const struct db_migration *const lists[] = { spine_migrations, audit_migrations,
						     events_module.migrations,
						     jobs_module.migrations,
						     mail_module.migrations };
	struct db_migration all[32];
	size_t n = 0;
	int applied;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (const struct db_migration *m = lists[i]; m->name; m++)
			all[n++] = *m;
	must(db_migrate(mem, test_dsn("OWNER"), all, n, &applied));
}

/* modules: NULL-ended, without those of the services. */
static inline struct node *node_open(const struct module *const *modules, bool with_jobs)
{
	struct node *n = talloc_zero(NULL, struct node);
	const struct module *list[16] = { &events_module, &jobs_module, &mail_module };
	const struct db_config config = {
		.conninfo = { [DB_APP] = test_dsn("APP"), [DB_PLATFORM] = test_dsn("PLATFORM") },
		.pool_size = { [DB_APP] = 4, [DB_PLATFORM] = 4 },
		.wait_ms = 5000,
		.statement_timeout_ms = 30000,
		.committed = node_committed,
		.arg = n,
	};

	n->mem = talloc_new(n);
	migrate_services(n->mem);
	n->config.secret = STR("0123456789abcdef0123456789abcdef");
	n->config.public_url = STR("http://127.0.0.1:8080");
	n->config.public_host = STR("127.0.0.1:8080");
	n->config.mail_from = STR("Bulkhead <no-reply@example.org>");
	n->config.data_folder = STR("/tmp");
	n->config.node_name = STR("test");
	n->app.config = &n->config;
	for (size_t i = 3; modules && modules[i - 3]; i++)
		list[i] = modules[i - 3];
	must(registry_build(n, list, &n->app.registry));
	must(keys_new(n, &n->config, &n->app.keys));
	must(db_open(n, &config, &n->app.db));
	must(events_start(n, &n->app, test_dsn("PLATFORM"), &n->app.events));
	events_on_wake(n->app.events, node_committed, n);
	if (with_jobs)
		must(jobs_start(n, &n->app, test_dsn("PLATFORM"), &n->app.jobs));
	return n;
}

static inline void node_close(struct node *n)
{
	struct jobs *jobs = n->app.jobs;
	struct events *events = n->app.events;

	if (jobs)
		jobs_stop(jobs, clock_steady_ms() + 5000);
	n->app.jobs = NULL;
	n->app.events = NULL;
	events_stop(events);
	talloc_free(n->mem);
	db_close(n->app.db);
	talloc_free(n);
}

static inline struct uuid tenant_named(uint8_t letter)
{
	struct uuid id = { { 0 } };

	id.b[6] = 0x70;
	id.b[8] = 0x80;
	id.b[15] = letter;
	return id;
}

static inline struct tx *tenant_tx(struct node *n, struct uuid tenant)
{
	const struct scope scope = { .tenant = tenant,
				     .actor_kind = "user",
				     .actor_name = STR("Ann"),
				     .request_id = STR("r-1") };

	return tx_new(n->mem, n->app.db, DB_APP, TX_WRITE, &scope);
}

static inline struct tx *platform_tx(struct node *n, enum tx_mode mode)
{
	return tx_new(n->mem, n->app.db, DB_PLATFORM, mode, NULL);
}

/* First column of the first row as a number; one statement as the platform. */
static inline int64_t number_of(struct node *n, const char *sql)
{
	struct db_query *q = talloc_zero(n, struct db_query); /* its address is its name */
	struct tx *tx = platform_tx(n, TX_WRITE);
	struct db_result *r;
	int64_t value;

	q->name = "number_of";
	q->sql = talloc_strdup(q, sql);
	q->column_count = 1;
	q->returns_rows = true;
	must(tx_run(tx, q, NULL, &r));
	value = db_rows(r) ? db_int(r, 0, 0) : -1;
	must(tx_commit(tx));
	return value;
}
