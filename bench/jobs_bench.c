/* jobs_bench.c - how fast jobs go in and out.
 *
 *   tools/with_postgres.py --durable -- build/jobs_bench
 *
 * bulk enqueue (1 000 a transaction), single enqueue in transactions of their own
 * against a plain insert of the same row (4 threads), drain of 60 000 no-op
 * jobs that wait already, idle latency from commit to the job's first line,
 * and the same drain under a forgotten open transaction. */
#include "unit/services_fixture.h"

#include <pthread.h>

#define JOBS 60000
#define BULK 1000
#define SINGLES 2000
#define THREADS 4
#define IDLE_ROUNDS 200

static _Atomic int64_t ran, first_us, last_us, entered_us;

static struct fault *noop(const void *mem, struct app *app, const struct job *job)
{
	(void)mem;
	(void)app;
	(void)job;
	entered_us = clock_steady_us();
	if (++ran == 1)
		first_us = entered_us;
	last_us = entered_us;
	return NULL;
}

static const struct job_type noop_job = {
	.name = "bench.noop",
	.queue = "notifications",
	.run = noop,
};
static const struct module bench_module = {
	.name = "bench",
	.needs = LIST(char *, "jobs"),
	.jobs = LIST(struct job_type *, &noop_job),
};

static double enqueue_bulk(struct node *n, int count)
{
	const int64_t began = clock_steady_us();
	struct str payloads[BULK];

	for (int i = 0; i < BULK; i++)
		payloads[i] = STR("{\"id\":\"0190f1e0-0000-7000-8000-000000000001\"}");
	for (int at = 0; at < count; at += BULK) {
		struct tx *tx = tenant_tx(n, tenant_named('a'));

		must(job_enqueue_many(tx, &noop_job, payloads, BULK, NULL));
		must(tx_commit(tx));
		talloc_free(tx);
	}
	return count * 1e6 / (double)(clock_steady_us() - began);
}

static const struct db_query plain_insert = {
	.name = "plain",
	.sql = "insert into core.dev_mails"
	       " (id, to_address, from_address, subject, text_body, html_body)"
	       " values (core.uuid_v7(), 'email', 'bench.noop', '{}', '', '')",
};

struct singles {
	struct node *n;
	bool plain;
};

static void *enqueue_singles(void *arg)
{
	const struct singles *s = arg;

	for (int i = 0; i < SINGLES; i++) {
		void *mem = talloc_new(NULL);
		const struct scope scope = { .tenant = tenant_named('a') };
		struct tx *tx = tx_new(mem, s->n->app.db, DB_PLATFORM, TX_WRITE, &scope);

		if (s->plain)
			must(tx_defer(tx, &plain_insert, NULL));
		else
			must(job_enqueue(tx, &noop_job, STR("{}"), NULL));
		must(tx_commit(tx));
		talloc_free(mem);
	}
	return NULL;
}

static double single_rate(struct node *n, bool plain)
{
	const int64_t began = clock_steady_us();
	struct singles s = { n, plain };
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, enqueue_singles, &s);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return THREADS * SINGLES * 1e6 / (double)(clock_steady_us() - began);
}

static double drain(struct node *n, int count, double *ret_whole)
{
	const int64_t began = clock_steady_us();

	ran = 0;
	must(jobs_start(n, &n->app, test_dsn("PLATFORM"), &n->app.jobs));
	while (ran < count)
		sleep_ms(1);
	*ret_whole = count * 1e6 / (double)(last_us - began);
	const double rate = count * 1e6 / (double)(last_us - first_us);
	jobs_stop(n->app.jobs, clock_steady_ms() + 5000);
	n->app.jobs = NULL;
	return rate;
}

static int by_size(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void idle(struct node *n)
{
	int64_t us[IDLE_ROUNDS];

	must(jobs_start(n, &n->app, test_dsn("PLATFORM"), &n->app.jobs));
	sleep_ms(300);
	for (int i = 0; i < IDLE_ROUNDS; i++) {
		struct tx *tx = tenant_tx(n, tenant_named('a'));
		const int64_t before = ran;

		must(job_enqueue(tx, &noop_job, STR("{}"), NULL));
		must(tx_commit(tx));
		const int64_t began = clock_steady_us();
		while (ran == before)
			nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
		us[i] = entered_us > began ? entered_us - began : 0;
		talloc_free(tx);
		sleep_ms(20);
	}
	qsort(us, IDLE_ROUNDS, sizeof(us[0]), by_size);
	printf("idle commit->start ms     p50 %.2f  p95 %.2f  p99 %.2f\n",
	       (double)us[IDLE_ROUNDS / 2] / 1e3, (double)us[IDLE_ROUNDS * 95 / 100] / 1e3,
	       (double)us[IDLE_ROUNDS * 99 / 100] / 1e3);
	jobs_stop(n->app.jobs, clock_steady_ms() + 5000);
	n->app.jobs = NULL;
}

int main(void)
{
	struct node *n = node_open(LIST(struct module *, &bench_module), false);
	double whole, rate;

	printf("bulk enqueue /s           %.0f\n", enqueue_bulk(n, JOBS));
	rate = drain(n, JOBS, &whole);
	printf("drain of %d /s         %.0f (with start-up %.0f)\n", JOBS, rate, whole);
	const double plain = single_rate(n, true), single = single_rate(n, false);
	printf("single enqueue /s         %.0f (plain insert %.0f)\n", single, plain);
	rate = drain(n, THREADS * SINGLES, &whole);
	idle(n);
	enqueue_bulk(n, JOBS);
	struct tx *pin = platform_tx(n, TX_WRITE);
	const struct db_query q = { .name = "pin",
				    .sql = "select pg_current_xact_id()::text",
				    .column_count = 1,
				    .returns_rows = true };
	struct db_result *r;
	must(tx_run(pin, &q, NULL, &r));
	rate = drain(n, JOBS, &whole);
	enqueue_bulk(n, JOBS);
	const double second = drain(n, JOBS, &whole);
	tx_end(pin);
	printf("drain, pinned xmin /s     %.0f, then %.0f\n", rate, second);
	node_close(n);
	return 0;
}
