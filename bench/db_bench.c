/* db_bench.c - what the scope costs: the same point query by a bare pipelined
 * libpq loop and by tx_run with tenant, actor, request, access stamps and row
 * security; the same insert with and without audit.
 *
 *   tools/with_postgres.py --durable --migrate -- build/db_bench [seconds] [threads]
 *
 * Each line: calls a second, processor time a call on our side and on the server's
 * (which a busy machine falsifies less than the rate), ratio of the rates. */
#include "db/db.h"

#include "base/clock.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <talloc.h>

#define ROWS 1000

static const enum db_type point_types[] = { DB_UUID, DB_UUID };
static const struct db_query point_query = {
	.name = "point",
	.sql = "select id, title, version from bench.notes where tenant_id = $1 and id = $2",
	.param_count = 2,
	.param_types = point_types,
	.column_count = 3,
	.returns_rows = true,
};
static const enum db_type note_types[] = { DB_UUID, DB_TEXT };
static const struct db_query insert_audited = {
	.name = "insert",
	.sql = "insert into bench.notes (tenant_id, title) values ($1, $2) returning id",
	.param_count = 2,
	.param_types = note_types,
	.returns_rows = true,
};
static const struct db_query insert_quiet = {
	.name = "insert_quiet",
	.sql = "insert into bench.quiet (tenant_id, title) values ($1, $2) returning id",
	.param_count = 2,
	.param_types = note_types,
	.returns_rows = true,
};

struct bench {
	struct db *db;
	struct uuid tenant;
	struct uuid ids[ROWS];
	PGconn *watch;	  /* as superuser: who are the backends? */
	PGconn *bare[16]; /* as superuser: no row security */
	PGconn *walled[16];
	int seconds;
	int threads;
};

struct worker {
	const struct bench *b;
	void (*work)(struct worker *w);
	pthread_t thread;
	int64_t until_us;
	int64_t done;
	int number;
	const struct db_query *insert;
	int stamps;
	bool with_tenant;
};

static _Noreturn void stop(const char *what)
{
	fprintf(stderr, "db_bench: %s\n", what);
	exit(1);
}

static void must(struct fault *f)
{
	if (f)
		stop(fault_describe(NULL, f));
}

static struct scope scope_of(const struct worker *w, const struct access_stamp *stamps)
{
	return (struct scope){ .tenant = w->b->tenant,
			       .user = w->b->ids[0],
			       .actor_kind = "user",
			       .actor_id = w->b->ids[0],
			       .actor_name = STR("Ann Example"),
			       .request_id = STR("01a1fc75-732b-7c2c-954d-876054c435cd"),
			       .ip = STR("192.0.2.1"),
			       .user_agent = STR("Mozilla/5.0 (X11; Linux x86_64) bench"),
			       .stamps = stamps,
			       .stamp_count = (size_t)w->stamps };
}

static void take_rows(PGconn *pg, int rows)
{
	PGresult *r = PQgetResult(pg);

	if (PQntuples(r) != rows)
		stop(PQerrorMessage(pg));
	PQclear(r);
	PQclear(PQgetResult(pg)); /* the end of its results */
}

/* libpq alone: prepared statements, pipeline mode, one Sync a call, text results;
 * with_tenant: what a careful author writes by hand, set_config before the query. */
static void work_bare(struct worker *w)
{
	PGconn *pg = w->with_tenant ? w->b->walled[w->number] : w->b->bare[w->number];
	char tenant[UUID_TEXT_SIZE];
	const char *const setting[] = { uuid_format(w->b->tenant, tenant) };

	while (clock_steady_us() < w->until_us) {
		const struct uuid *id = &w->b->ids[w->done % ROWS];
		const char *const values[] = { (const char *)w->b->tenant.b, (const char *)id->b };
		const int lengths[] = { 16, 16 }, formats[] = { 1, 1 };
		if (w->with_tenant)
			PQsendQueryPrepared(pg, "s", 1, setting, NULL, NULL, 0);
		PQsendQueryPrepared(pg, "q", 2, values, lengths, formats, 0);
		PQpipelineSync(pg);
		if (w->with_tenant)
			take_rows(pg, 1);
		take_rows(pg, 1);
		PQclear(PQgetResult(pg)); /* Sync */
		w->done++;
	}
}

static void work_point(struct worker *w)
{
	const struct access_stamp stamps[3] = { { w->b->ids[1], 0 },
						{ w->b->ids[2], 0 },
						{ w->b->ids[3], 0 } };
	const struct scope scope = scope_of(w, stamps);

	while (clock_steady_us() < w->until_us) {
		void *mem = talloc_pool(NULL, 8192);
		struct tx *tx = tx_new(mem, w->b->db, DB_APP, TX_READ, &scope);
		const struct db_param params[] = { { .uuid = w->b->tenant },
						   { .uuid = w->b->ids[w->done % ROWS] } };
		struct db_result *r;
		must(tx_run(tx, &point_query, params, &r));
		if (db_rows(r) != 1)
			stop("no row");
		tx_end(tx);
		talloc_free(mem);
		w->done++;
	}
}

static void work_insert(struct worker *w)
{
	const struct access_stamp stamps[3] = { { w->b->ids[1], 0 },
						{ w->b->ids[2], 0 },
						{ w->b->ids[3], 0 } };
	const struct scope scope = scope_of(w, stamps);

	while (clock_steady_us() < w->until_us) {
		void *mem = talloc_pool(NULL, 8192);
		struct tx *tx = tx_new(mem, w->b->db, DB_APP, TX_WRITE, &scope);
		const struct db_param params[] = { { .uuid = w->b->tenant },
						   { .text = STR("A title of usual length") } };
		must(tx_run(tx, w->insert, params, NULL));
		must(tx_commit(tx));
		talloc_free(mem);
		w->done++;
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	w->work(w);
	return NULL;
}

static double our_cpu_us(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

/* Of all backends (first number of /proc/<pid>/schedstat, ns). */
static double server_cpu_us(const struct bench *b)
{
	PGresult *r = PQexec(b->watch, "select pid from pg_stat_activity where backend_type = "
				       "'client backend' and pid <> pg_backend_pid()");
	double sum = 0;

	for (int i = 0; i < PQntuples(r); i++) {
		char path[64];
		long long ns = 0;
		snprintf(path, sizeof(path), "/proc/%s/schedstat", PQgetvalue(r, i, 0));
		FILE *f = fopen(path, "re");
		if (f && fscanf(f, "%lld", &ns) == 1)
			sum += (double)ns / 1000;
		if (f)
			fclose(f);
	}
	PQclear(r);
	return sum;
}

static double measure(const struct bench *b, const char *name, struct worker plan, double bare)
{
	struct worker workers[16];
	int64_t done = 0;
	double ours = our_cpu_us(), theirs = server_cpu_us(b);

	for (int i = 0; i < b->threads; i++) {
		workers[i] = plan;
		workers[i].b = b;
		workers[i].number = i;
		workers[i].until_us = clock_steady_us() + (int64_t)b->seconds * 1000000;
		pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]);
	}
	for (int i = 0; i < b->threads; i++) {
		pthread_join(workers[i].thread, NULL);
		done += workers[i].done;
	}
	double rate = (double)done / b->seconds;
	printf("%-48s %8.0f/s %7.1f µs %7.1f µs %6.2f\n", name, rate,
	       (our_cpu_us() - ours) / (double)done, (server_cpu_us(b) - theirs) / (double)done,
	       bare > 0 ? rate / bare : 1.0);
	fflush(stdout);
	return rate;
}

static PGconn *open_bare(const char *dsn)
{
	PGconn *pg = PQconnectdb(getenv(dsn));

	PQclear(PQprepare(pg, "q", point_query.sql, 0, NULL));
	PQclear(PQprepare(pg, "s", "select set_config('app.tenant', $1, true)", 0, NULL));
	PQenterPipelineMode(pg);
	return pg;
}

static void prepare(struct bench *b)
{
	static const char *const sql[] = {
		"drop schema if exists bench cascade",
		"select core.module_schema('bench')",
		"create table bench.notes (tenant_id uuid not null, "
		"id uuid default core.uuid_v7(), "
		"title text not null, body text, status text not null default 'draft', "
		"settings jsonb not null default '{}', primary key (tenant_id, id))",
		"create table bench.quiet (like bench.notes including all)",
		"select core.tenant_table('bench.notes')",
		"select core.tenant_table('bench.quiet', audit => false)",
	};
	PGconn *pg = PQconnectdb(getenv("BULKHEAD_TEST_DSN_OWNER"));

	for (size_t i = 0; i < sizeof(sql) / sizeof(sql[0]); i++) {
		PGresult *r = PQexec(pg, sql[i]);
		if (PQresultStatus(r) == PGRES_FATAL_ERROR)
			stop(PQresultErrorMessage(r));
		PQclear(r);
	}
	PQfinish(pg);
	b->watch = PQconnectdb(getenv("BULKHEAD_TEST_DSN_SUPER"));
	for (int i = 0; i < b->threads; i++) {
		b->bare[i] = open_bare("BULKHEAD_TEST_DSN_SUPER");
		b->walled[i] = open_bare("BULKHEAD_TEST_DSN_APP");
	}
	void *mem = talloc_new(NULL);
	struct worker w = { .b = b };
	struct scope scope = scope_of(&w, NULL);
	struct tx *tx = tx_new(mem, b->db, DB_APP, TX_WRITE, &scope);
	for (int i = 0; i < ROWS; i++) {
		const struct db_param params[] = { { .uuid = b->tenant },
						   { .text = STR("title") } };
		struct db_result *r;
		must(tx_run(tx, &insert_audited, params, &r));
		b->ids[i] = db_uuid(r, 0, 0);
	}
	must(tx_commit(tx));
	talloc_free(mem);
}

/* Opens every connection of the pool, so that none is made while measuring. */
static void warm_up(struct bench *b)
{
	void *mem = talloc_new(NULL);
	struct tx *held[16];

	for (int i = 0; i < b->threads; i++) {
		const struct db_param params[] = { { .uuid = b->tenant }, { .uuid = b->ids[0] } };
		held[i] = tx_new(mem, b->db, DB_APP, TX_WRITE, NULL);
		must(tx_run(held[i], &point_query, params, NULL));
	}
	talloc_free(mem);
}

/* The bare loop runs without row security: as superuser, so that the ratio shows
 * all that the wall costs. */
int main(int argc, char **argv)
{
	void *mem = talloc_new(NULL);
	struct bench b = { .seconds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 3,
			   .threads = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 4,
			   .tenant = uuid_new() };
	const struct db_config config = {
		.conninfo = { [DB_APP] = getenv("BULKHEAD_TEST_DSN_APP") },
		.pool_size = { [DB_APP] = 16 },
		.wait_ms = 1000,
		.statement_timeout_ms = 10000,
	};

	if (!getenv("BULKHEAD_TEST_DSN_SUPER") || b.threads < 1 || b.threads > 16)
		stop("run by tools/with_postgres.py --migrate; at most 16 threads");
	must(db_open(mem, &config, &b.db));
	prepare(&b);
	warm_up(&b);
	printf("%-48s %10s %10s %10s %6s\n", "", "calls", "our CPU", "server", "ratio");
	double bare = measure(&b, "point query, bare pipelined libpq, no wall",
			      (struct worker){ .work = work_bare }, 0);
	measure(&b, "point query, bare pipelined libpq, set_config",
		(struct worker){ .work = work_bare, .with_tenant = true }, bare);
	measure(&b, "point query, tx_run with scope", (struct worker){ .work = work_point }, bare);
	measure(&b, "point query, tx_run with scope and 3 stamps",
		(struct worker){ .work = work_point, .stamps = 3 }, bare);
	double quiet = measure(
		&b, "insert and commit, no audit",
		(struct worker){ .work = work_insert, .insert = &insert_quiet, .stamps = 3 }, 0);
	measure(&b, "insert and commit, audited (ratio to no audit)",
		(struct worker){ .work = work_insert, .insert = &insert_audited, .stamps = 3 },
		quiet);
	db_close(b.db);
	talloc_free(mem);
	return 0;
}
