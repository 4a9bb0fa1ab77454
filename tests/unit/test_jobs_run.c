/* test_jobs_run.c - jobs from enqueue to end, on a real PostgreSQL
 * (BULKHEAD_TEST_DSN_*).
 *
 * A test's handler notes what ran under the payload's "n"; payloads may say how
 * to misbehave. Two nodes in one process stand for two servers. */
#include "unit/services_fixture.h"

#include "base/json.h"
#include "base/map.h"

#include <pthread.h>
#include <stdatomic.h>

#define NOTES_MAX 20000

static struct {
	pthread_mutex_t lock;
	int64_t n[NOTES_MAX]; /* payload numbers in the order they ran */
	int attempt[NOTES_MAX];
	int64_t at_ms[NOTES_MAX];
	_Atomic size_t count;
	_Atomic int at_once, most_at_once;
} notes = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int64_t number_in(const void *mem, struct str payload, const char *key)
{
	struct json j;
	int64_t value = 0;

	must(json_parse(mem, payload, &json_default_limits, &j));
	if (!json_int(&j, json_get(&j, json_root(&j), str_of(key)), &value))
		return 0;
	return value;
}

static struct fault *note_run(const void *mem, struct app *app, const struct job *job)
{
	const int now = atomic_fetch_add(&notes.at_once, 1) + 1;

	(void)app;
	if (now > notes.most_at_once)
		notes.most_at_once = now;
	pthread_mutex_lock(&notes.lock);
	notes.n[notes.count] = number_in(mem, job->payload, "n");
	notes.attempt[notes.count] = job->attempt;
	notes.at_ms[notes.count] = clock_steady_ms();
	notes.count++; /* last: who has seen it may read the rest */
	pthread_mutex_unlock(&notes.lock);
	sleep_ms(number_in(mem, job->payload, "sleep"));
	atomic_fetch_sub(&notes.at_once, 1);
	if (job->attempt <= number_in(mem, job->payload, "fail"))
		return FAULT_BUG(mem, "failing as told, with an umlaut: \xc3\xbc");
	return NULL;
}

static struct fault *write_run(const void *mem, struct app *app, const struct job *job)
{
	static const struct db_query q = { .name = "write",
					   .sql = "select set_config('app.written', '1', true)" };
	struct tx *tx;

	sleep_ms(number_in(mem, job->payload, "sleep"));
	tx = job_tx(mem, app, job, TX_WRITE);
	TRY(tx_defer(tx, &q, NULL));
	TRY(tx_commit(tx));
	return note_run(mem, app, job);
}

static const struct job_type note_job = { .name = "test.note",
					  .queue = "notifications",
					  .run = note_run };
static const struct job_type single_job = { .name = "test.single",
					    .queue = "import",
					    .run = note_run };
static const struct job_type write_job = {
	.name = "test.write", .queue = "notifications", .run = write_run, .timeout_s = 1
};
static const struct job_type slow_write_job = { .name = "test.slow",
						.queue = "notifications",
						.run = write_run };
static const struct job_type stranger_job = { .name = "test.stranger",
					      .queue = "bulk",
					      .run = note_run };
static const struct module test_module = {
	.name = "test",
	.needs = LIST(char *, "jobs"),
	.jobs = LIST(struct job_type *, &note_job, &single_job, &write_job, &slow_write_job),
};
/* a second program version that knows one type more */
static const struct module newer_module = {
	.name = "newer",
	.needs = LIST(char *, "jobs"),
	.jobs = LIST(struct job_type *, &stranger_job),
};
static const struct module every_minute_module = {
	.name = "minutely",
	.needs = LIST(char *, "jobs"),
	.jobs = LIST(struct job_type *, &note_job),
	.schedules =
		(const struct job_schedule[]){ { "test.minutely", "* * * * *", &note_job }, { 0 } },
};

static void put(struct node *n, const struct job_type *type, char tenant, const char *payload,
		const struct job_options *options)
{
	struct tx *tx = tenant_tx(n, tenant_named((uint8_t)tenant));

	must(job_enqueue(tx, type, str_of(payload), options));
	must(tx_commit(tx));
	talloc_free(tx);
}

static void put_many(struct node *n, const struct job_type *type, char tenant, int from, int count)
{
	struct str *payloads = talloc_array(n->mem, struct str, (unsigned)count);
	struct tx *tx = tenant_tx(n, tenant_named((uint8_t)tenant));

	for (int i = 0; i < count; i++)
		payloads[i] = str_of(talloc_asprintf(payloads, "{\"n\":%d}", from + i));
	must(job_enqueue_many(tx, type, payloads, (size_t)count, NULL));
	must(tx_commit(tx));
	talloc_free(payloads);
	talloc_free(tx);
}

static bool ran(size_t count, int64_t within_ms)
{
	const int64_t until_ms = clock_steady_ms() + within_ms;

	while (clock_steady_ms() < until_ms) {
		if (notes.count >= count)
			return true;
		sleep_ms(2);
	}
	return notes.count >= count;
}

static bool becomes(struct node *n, int64_t wanted, const char *sql)
{
	const int64_t until_ms = clock_steady_ms() + 5000;

	while (clock_steady_ms() < until_ms) {
		if (number_of(n, sql) == wanted)
			return true;
		sleep_ms(20);
	}
	return false;
}

static int setup(void **state)
{
	struct node *n = node_open(LIST(struct module *, &test_module), false);

	notes.count = 0;
	notes.most_at_once = 0;
	*state = n;
	return 0;
}

static int teardown(void **state)
{
	struct node *n = *state;

	/* what a test leaves behind must not reach the next one */
	if (n->app.jobs)
		jobs_stop(n->app.jobs, clock_steady_ms() + 5000);
	n->app.jobs = NULL;
	number_of(n, "with a as (delete from core.job_inbox), b as (delete from core.job_deferred),"
		     " c as (update core.job_lanes set head = tail),"
		     " d as (delete from core.job_workers), e as (delete from core.job_dead),"
		     " f as (delete from core.job_fires) select 1");
	node_close(n);
	return 0;
}

static void start(struct node *n)
{
	must(jobs_start(n, &n->app, test_dsn("PLATFORM"), &n->app.jobs));
}

static void committed_jobs_run_once_and_others_never(void **state)
{
	struct node *n = *state;
	struct buf metrics;
	struct tx *tx;

	start(n);
	put(n, &note_job, 'a', "{\"n\":1}", NULL);
	tx = tenant_tx(n, tenant_named('a'));
	must(job_enqueue(tx, &note_job, STR("{\"n\":2}"), NULL));
	tx_end(tx);
	assert_true(ran(1, 2000));
	sleep_ms(100);
	assert_int_equal(1, notes.count);
	assert_int_equal(1, notes.n[0]);
	assert_int_equal(0, number_of(n, "select count(*) from core.job_inbox"));
	sleep_ms(50);
	buf_init(&metrics, n->mem, 65536);
	jobs_metrics(n->app.jobs, &metrics);
	events_metrics(n->app.events, &metrics);
	buf_char(&metrics, '\0');
	assert_non_null(
		strstr(metrics.p, "\nbulkhead_jobs_done_total{queue=\"notifications\"} 1\n"));
	assert_non_null(strstr(metrics.p, "\nbulkhead_events_head "));
}

static void a_job_starts_soon_after_its_commit(void **state)
{
	struct node *n = *state;
	int64_t began_ms, total_ms = 0;

	start(n);
	sleep_ms(100);
	for (size_t i = 0; i < 20; i++) {
		put(n, &note_job, 'a', "{\"n\":1}", NULL);
		began_ms = clock_steady_ms();
		assert_true(ran(i + 1, 2000));
		total_ms += notes.at_ms[i] - began_ms;
	}
	assert_in_range(total_ms / 20, 0, 100);
}

static void failures_are_tried_again_with_growing_waits(void **state)
{
	struct node *n = *state;

	start(n);
	put(n, &note_job, 'a', "{\"n\":1,\"fail\":2}", NULL);
	assert_true(ran(3, 12000));
	assert_int_equal(3, notes.attempt[2]);
	assert_in_range(notes.at_ms[1] - notes.at_ms[0], 990, 3000);
	assert_in_range(notes.at_ms[2] - notes.at_ms[1], 1990, 5000);
	assert_int_equal(0, number_of(n, "select count(*) from core.job_dead"));
}

static void after_the_last_attempt_a_job_is_dead(void **state)
{
	struct node *n = *state;

	start(n);
	put(n, &single_job, 'a', "{\"n\":7,\"fail\":9}", NULL); /* import: one attempt */
	assert_true(ran(1, 2000));
	assert_true(becomes(n, 1,
			    "select count(*) from core.job_dead where attempt = 1"
			    " and type = 'test.single' and error like '%as told%'"
			    " and payload ->> 'n' = '7'"));
	assert_int_equal(1, notes.count);
}

static void delays_and_priorities_are_kept(void **state)
{
	struct node *n = *state;

	put(n, &single_job, 'a', "{\"n\":3}", &(struct job_options){ .priority = 1 });
	put(n, &single_job, 'a', "{\"n\":2}", NULL);
	put(n, &single_job, 'a', "{\"n\":4}", &(struct job_options){ .delay_ms = 700 });
	put(n, &single_job, 'b', "{\"n\":1}", &(struct job_options){ .priority = -1 });
	const int64_t began_ms = clock_steady_ms();
	start(n);
	assert_true(ran(4, 4000));
	for (int64_t i = 0; i < 4; i++)
		assert_int_equal(i + 1, notes.n[i]);
	assert_in_range(notes.at_ms[3] - began_ms, 600, 3000);
	assert_int_equal(1, notes.most_at_once); /* import runs one at a time */
}

static void a_unique_key_waits_once(void **state)
{
	const struct job_options unique = { .unique_key = "k" };
	struct node *n = *state;

	put(n, &note_job, 'a', "{\"n\":1}", &unique);
	put(n, &note_job, 'a', "{\"n\":2}", &unique);
	put(n, &note_job, 'b', "{\"n\":3}", &unique);
	start(n);
	assert_true(ran(2, 2000));
	sleep_ms(100);
	assert_int_equal(2, notes.count);
	put(n, &note_job, 'a', "{\"n\":4}", &unique); /* the first is no longer waiting */
	assert_true(ran(3, 2000));
	assert_int_equal(4, notes.n[2]);
}

static void a_unique_job_runs_after_those_that_relied_on_it(void **state)
{
	const struct job_options unique = { .unique_key = "k" };
	struct node *n = *state;
	struct tx *tx = tenant_tx(n, tenant_named('a'));

	put(n, &note_job, 'a', "{\"n\":1}", &unique);
	must(job_enqueue(tx, &note_job, STR("{\"n\":2}"), &unique));
	/* sends what is held back: the key is held now */
	assert_int_equal(0, tx_savepoint(tx) != NULL);
	static const struct db_query q = {
		.name = "q", .sql = "select 1", .column_count = 1, .returns_rows = true
	};
	struct db_result *r;
	must(tx_run(tx, &q, NULL, &r));
	start(n);
	sleep_ms(700);
	assert_int_equal(0, notes.count);
	must(tx_commit(tx));
	assert_true(ran(1, 2000));
	sleep_ms(300);
	assert_int_equal(1, notes.count);
}

static void a_crowd_of_one_tenant_delays_another_by_a_batch(void **state)
{
	struct node *n = *state;
	size_t place = 0;

	put_many(n, &note_job, 'a', 1000, 6000);
	start(n);
	assert_true(ran(500, 5000));
	put(n, &note_job, 'b', "{\"n\":1}", NULL);
	const size_t before = notes.count;
	assert_true(ran(6001, 20000));
	for (size_t i = 0; i < notes.count; i++)
		if (notes.n[i] == 1)
			place = i;
	/* what was fetched ahead, and what ran while it was being committed */
	assert_true(place > 0 && place < before + 2000);
}

static void a_crowd_in_the_inbox_stands_before_nobody(void **state)
{
	struct node *n = *state;

	number_of(
		n,
		"with i as (insert into core.job_inbox (tenant_id, queue, type, attempts, payload)"
		" select '00000000-0000-7000-8000-000000000061', 'import', 'test.single', 1,"
		" '{\"n\":1,\"sleep\":100}' from generate_series(1, 50000)) select 1");
	put(n, &single_job, 'b', "{\"n\":2}", NULL); /* one runs at a time: hours of them wait */
	start(n);
	/* in order of arrival it would be its turn after 80 minutes */
	const int64_t until_ms = clock_steady_ms() + 40000;
	size_t place = SIZE_MAX;
	while (clock_steady_ms() < until_ms && place == SIZE_MAX) {
		sleep_ms(5);
		for (size_t i = 0; i < notes.count && place == SIZE_MAX; i++)
			if (notes.n[i] == 2)
				place = i;
	}
	print_message("%zu before it\n", place);
	assert_in_range(place, 0, 100);
}

static void a_late_commit_is_not_passed_by(void **state)
{
	struct node *n = *state;
	struct tx *late = tenant_tx(n, tenant_named('a'));
	static const struct db_query q = {
		.name = "q", .sql = "select 1", .column_count = 1, .returns_rows = true
	};
	struct db_result *r;

	must(job_enqueue(late, &note_job, STR("{\"n\":1}"), NULL));
	must(tx_run(late, &q, NULL, &r)); /* its number is drawn, its commit is far off */
	start(n);
	put_many(n, &note_job, 'a', 100, 50);
	assert_true(ran(50, 3000));
	must(tx_commit(late));
	assert_true(ran(51, 3000));
	assert_int_equal(1, notes.n[50]);
}

static void two_nodes_share_and_never_double(void **state)
{
	struct node *a = *state;
	struct node *b = node_open(LIST(struct module *, &test_module), true);
	bool seen[3000] = { false };

	start(a);
	put_many(a, &note_job, 'a', 0, 3000);
	assert_true(ran(3000, 20000));
	sleep_ms(200);
	assert_int_equal(3000, notes.count);
	for (size_t i = 0; i < 3000; i++) {
		assert_false(seen[notes.n[i]]);
		seen[notes.n[i]] = true;
	}
	node_close(b);
}

static void a_lost_worker_is_replaced(void **state)
{
	struct node *a = *state;
	int64_t began_ms;

	/* a worker that claimed and died: its row, its receipt, no more heartbeat */
	put(a, &note_job, 'a', "{\"n\":1}", NULL);
	number_of(a, "insert into core.job_workers (id, node, lease_until) values"
		     " ('00000000-0000-7000-8000-0000000000dd', 'dead',"
		     " clock_timestamp() + interval '9 s') returning 1");
	assert_int_equal(1, number_of(a, "select count(*) from core.claim_jobs("
					 "'00000000-0000-7000-8000-0000000000dd',"
					 "'{notifications}', '{10}', 1000, false)"));
	began_ms = clock_steady_ms();
	start(a);
	sleep_ms(1000);
	assert_int_equal(0, notes.count); /* its lease still runs */
	assert_true(ran(1, 15000));
	assert_in_range(clock_steady_ms() - began_ms, 5000, 15000);
	assert_int_equal(1, notes.attempt[0]); /* the attempt was not used up */
}

static void a_worker_declared_dead_comes_back_and_writes_nothing(void **state)
{
	struct node *n = *state;

	start(n);
	put(n, &slow_write_job, 'a', "{\"n\":1,\"sleep\":1500}", NULL);
	sleep_ms(700);
	/* what another node would do after nine silent seconds */
	number_of(n, "with e as (update core.job_workers set lease_until = now() - interval '1 s')"
		     " select 1");
	assert_int_equal(1, number_of(n, "select core.rescue_jobs(5)"));
	jobs_wake(n->app.jobs);
	/* the first run's transaction is refused, the second one's is not */
	assert_true(ran(1, 10000));
	sleep_ms(300);
	assert_int_equal(1, notes.count);
	put(n, &note_job, 'a', "{\"n\":2}", NULL);
	assert_true(ran(2, 4000));
}

static void time_ends_for_a_job(void **state)
{
	struct node *n = *state;

	start(n);
	put(n, &write_job, 'a', "{\"n\":1,\"sleep\":1300}", NULL); /* its time is one second */
	assert_true(becomes(n, 1,
			    "select count(*) from core.job_deferred where attempt = 2"
			    " and error like '%over its time%'"));
	assert_int_equal(0, notes.count);
}

static void a_stop_gives_back_what_has_not_begun(void **state)
{
	struct node *n = *state;

	for (int i = 0; i < 5; i++)
		put(n, &single_job, 'a', "{\"n\":1,\"sleep\":300}", NULL);
	start(n);
	assert_true(ran(1, 2000));
	const int64_t began_ms = clock_steady_ms();
	jobs_stop(n->app.jobs, began_ms + 5000);
	n->app.jobs = NULL;
	assert_in_range(clock_steady_ms() - began_ms, 50, 4000);
	assert_int_equal(1, notes.count);
	assert_int_equal(0, number_of(n, "select count(*) from core.job_workers"));
	start(n);
	assert_true(ran(5, 5000));
	assert_int_equal(1, notes.attempt[4]);
}

static void an_unknown_type_waits_for_those_who_know_it(void **state)
{
	struct node *n = *state;

	start(n);
	put(n, &stranger_job, 'a', "{\"n\":1}", NULL);
	assert_true(becomes(n, 1,
			    "select count(*) from core.job_deferred where attempt = 1"
			    " and run_at > now() + interval '20 s'"));
	number_of(n, "with e as (update core.job_deferred set run_at = clock_timestamp())"
		     " select 1");
	jobs_stop(n->app.jobs, clock_steady_ms() + 5000);
	n->app.jobs = NULL;
	struct node *b = node_open(LIST(struct module *, &test_module, &newer_module), true);
	assert_true(ran(1, 5000));
	node_close(b);
}

static void a_schedule_fires_once_over_all_nodes(void **state)
{
	struct node *n = *state;
	struct node *nodes[3];

	/* the last firing was missed by an hour: it comes once, not sixty times */
	number_of(n, "insert into core.job_fires values ('test.minutely',"
		     " date_trunc('minute', now()) - interval '1 hour') returning 1");
	for (int i = 0; i < 3; i++)
		nodes[i] = node_open(LIST(struct module *, &every_minute_module), true);
	assert_true(ran(1, 3000));
	sleep_ms(1500);
	/* a minute may have begun in between */
	assert_in_range(notes.count, 1, 2);
	assert_int_equal(notes.count + 1, number_of(n, "select count(*) from core.job_fires"
						       " where schedule = 'test.minutely'"));
	for (int i = 0; i < 3; i++)
		node_close(nodes[i]);
}

/* As an operator would: every other connection of the platform role. */
static void kill_workers_connections(struct node *n)
{
	number_of(n, "select count(pg_terminate_backend(pid)) from pg_stat_activity"
		     " where usename = 'bulkhead_platform' and pid <> pg_backend_pid()"
		     " and query not ilike 'listen%' and query not ilike '%pg_notify%'");
}

static void lost_connections_lose_and_double_nothing(void **state)
{
	struct node *n = *state;
	bool seen[2000] = { false };

	start(n);
	for (int i = 0; i < 20; i++) {
		put_many(n, &note_job, 'a', i * 100, 100);
		kill_workers_connections(n);
	}
	assert_true(ran(2000, 20000));
	sleep_ms(300);
	for (size_t i = 0; i < notes.count; i++)
		seen[notes.n[i]] = true;
	for (size_t i = 0; i < 2000; i++)
		assert_true(seen[i]);
}

#define JOB_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		JOB_TEST(committed_jobs_run_once_and_others_never),
		JOB_TEST(a_job_starts_soon_after_its_commit),
		JOB_TEST(failures_are_tried_again_with_growing_waits),
		JOB_TEST(after_the_last_attempt_a_job_is_dead),
		JOB_TEST(delays_and_priorities_are_kept),
		JOB_TEST(a_unique_key_waits_once),
		JOB_TEST(a_unique_job_runs_after_those_that_relied_on_it),
		JOB_TEST(a_crowd_of_one_tenant_delays_another_by_a_batch),
		JOB_TEST(a_crowd_in_the_inbox_stands_before_nobody),
		JOB_TEST(a_late_commit_is_not_passed_by),
		JOB_TEST(two_nodes_share_and_never_double),
		JOB_TEST(a_lost_worker_is_replaced),
		JOB_TEST(a_worker_declared_dead_comes_back_and_writes_nothing),
		JOB_TEST(time_ends_for_a_job),
		JOB_TEST(a_stop_gives_back_what_has_not_begun),
		JOB_TEST(an_unknown_type_waits_for_those_who_know_it),
		JOB_TEST(a_schedule_fires_once_over_all_nodes),
		JOB_TEST(lost_connections_lose_and_double_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
