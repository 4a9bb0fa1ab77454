/* db_fixture.h - a migrated database and a db for tests of src/db and above.
 *
 * The cluster comes from tools/with_postgres.py (BULKHEAD_TEST_DSN_*). The core
 * schema is migrated from the program's own list. */
#pragma once

#include "db/db.h"
#include "spine/spine_gen.h"

#include "services/audit/audit_gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <talloc.h>

struct fixture {
	void *mem;
	struct db *db;
	unsigned wakes; /* what db_config.committed was told */
	int commits_told;
};

static inline const char *test_dsn(const char *role)
{
	char name[64];

	snprintf(name, sizeof(name), "BULKHEAD_TEST_DSN_%s", role);
	const char *dsn = getenv(name);
	if (!dsn)
		fail_msg("%s is not set: run by tools/with_postgres.py", name);
	return dsn;
}

static inline void must(struct fault *f)
{
	void *mem = talloc_new(NULL);

	if (f)
		fail_msg("%s", fault_describe(mem, f));
	talloc_free(mem);
}

static inline void must_fail(struct fault *f, enum fault_kind kind, const char *code)
{
	if (!f)
		fail_msg("expected the fault %s", code);
	assert_string_equal(f->code, code);
	assert_int_equal(f->kind, kind);
}

static inline void told(void *arg, unsigned wakes)
{
	struct fixture *fx = arg;

	fx->wakes |= wakes;
	fx->commits_told++;
}

static inline void migrate_core(const void *mem)
{
	struct db_migration list[16];
	size_t n = 0;
	int applied;

	for (const struct db_migration *m = spine_migrations; m->name; m++)
		list[n++] = *m;
	for (const struct db_migration *m = audit_migrations; m->name; m++)
		list[n++] = *m;
	must(db_migrate(mem, test_dsn("OWNER"), list, n, &applied));
}

/* size: connections of each pool */
static inline struct fixture *fixture_open(int size)
{
	struct fixture *fx = talloc_zero(NULL, struct fixture);
	struct db_config config = {
		.conninfo = { [DB_APP] = test_dsn("APP"),
			      [DB_PLATFORM] = test_dsn("PLATFORM"),
			      [DB_OWNER] = test_dsn("OWNER") },
		.pool_size = { [DB_APP] = size, [DB_PLATFORM] = size, [DB_OWNER] = 2 },
		.wait_ms = 300,
		.statement_timeout_ms = 1500,
		.committed = told,
		.arg = fx,
	};

	fx->mem = talloc_new(fx);
	must(db_open(fx, &config, &fx->db));
	return fx;
}

static inline void fixture_close(struct fixture *fx)
{
	talloc_free(fx->mem);
	db_close(fx->db); /* before the queries on fx go */
	talloc_free(fx);
}

/* One statement as a role, in a transaction of its own; first column of the
 * first row, or absent. */
static inline struct str one_value(struct fixture *fx, enum db_role role, const char *sql)
{
	struct db_query *q = talloc_zero(fx, struct db_query); /* as long as its connections */
	struct tx *tx = tx_new(fx->mem, fx->db, role, TX_WRITE, NULL);
	struct db_result *r;

	q->name = "one_value";
	q->sql = talloc_strdup(q, sql);
	q->returns_rows = true;
	must(tx_run(tx, q, NULL, &r));
	must(tx_commit(tx));
	return db_rows(r) > 0 ? db_text(r, 0, 0) : (struct str){ 0 };
}
