/* test_jobs_load.c - the two ways a queue in a database is known to collapse: a
 * backlog without statistics, and a forgotten open transaction
 * (BULKHEAD_TEST_DSN_*; reference figures: docs/adr/0005).
 *
 * Rates swing on a shared machine, so the bounds are wide: a design that falls
 * into either trap is slower by a factor of seven to twenty. */
#include "unit/services_fixture.h"

#include <stdatomic.h>

#define BATCH 10000

static atomic_int ran;

static struct fault *count_run(const void *mem, struct app *app, const struct job *job)
{
	(void)mem;
	(void)app;
	(void)job;
	atomic_fetch_add(&ran, 1);
	return NULL;
}

static const struct job_type count_job = { .name = "test.count",
					   .queue = "notifications",
					   .run = count_run };
static const struct module test_module = {
	.name = "test",
	.needs = LIST(char *, "jobs"),
	.jobs = LIST(struct job_type *, &count_job),
};

static void put(struct node *n, int count)
{
	struct str *payloads = talloc_array(n->mem, struct str, BATCH);

	for (int i = 0; i < BATCH; i++)
		payloads[i] = STR("{\"id\":\"0190f1e0-0000-7000-8000-000000000001\"}");
	for (int at = 0; at < count; at += BATCH) {
		struct tx *tx = tenant_tx(n, tenant_named('a'));

		must(job_enqueue_many(tx, &count_job, payloads, BATCH, NULL));
		must(tx_commit(tx));
		talloc_free(tx);
	}
	talloc_free(payloads);
}

/* Jobs a second, from the first to the last. */
static double drain(struct node *n, int count)
{
	int64_t began_us = 0;

	ran = 0;
	must(jobs_start(n, &n->app, test_dsn("PLATFORM"), &n->app.jobs));
	while (ran < count) {
		if (began_us == 0 && ran > 0)
			began_us = clock_steady_us();
		sleep_ms(1);
	}
	const double rate = count * 1e6 / (double)(clock_steady_us() - began_us);
	jobs_stop(n->app.jobs, clock_steady_ms() + 5000);
	n->app.jobs = NULL;
	return rate;
}

static void neither_statistics_nor_vacuum_are_needed(void **state)
{
	struct node *n = node_open(LIST(struct module *, &test_module), false);
	static const struct db_query q = { .name = "pin",
					   .sql = "select pg_current_xact_id()::text",
					   .column_count = 1,
					   .returns_rows = true };
	struct db_result *r;

	(void)state;
	put(n, BATCH);
	drain(n, BATCH); /* warm */
	put(n, BATCH);
	const double small = drain(n, BATCH);
	put(n, 10 * BATCH);
	const double large = drain(n, 10 * BATCH);
	struct tx *pin = tenant_tx(n, tenant_named('b'));
	must(tx_run(pin, &q, NULL, &r)); /* nothing that dies from now on can be vacuumed */
	put(n, 10 * BATCH);
	drain(n, 10 * BATCH);
	put(n, BATCH);
	const double pinned = drain(n, BATCH);
	tx_end(pin);
	print_message("jobs/s: %.0f; of a backlog of 100 000: %.0f; after 100 000 under a pinned "
		      "snapshot: %.0f\n",
		      small, large, pinned);
	assert_true(large * 3 > small);
	assert_true(pinned * 3 > small);
	node_close(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neither_statistics_nor_vacuum_are_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
