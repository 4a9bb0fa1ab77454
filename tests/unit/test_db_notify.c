/* test_db_notify.c - wake-ups reach other nodes, coalesced, and never oneself. */
#include "unit/db_fixture.h"

#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

struct node {
	struct db_notifier *notifier;
	atomic_uint wakes;
	atomic_int calls;
};

static void woken(void *arg, unsigned wakes)
{
	struct node *node = arg;

	atomic_fetch_or(&node->wakes, wakes);
	atomic_fetch_add(&node->calls, 1);
}

static void sleep_ms(int ms)
{
	const struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

static bool comes_true(atomic_uint *wakes, unsigned wanted)
{
	int64_t until_ms = clock_steady_ms() + 5000;

	while ((atomic_load(wakes) & wanted) != wanted && clock_steady_ms() < until_ms)
		sleep_ms(2);
	return (atomic_load(wakes) & wanted) == wanted;
}

static void start(void *mem, struct node *node)
{
	must(db_notifier_start(mem, test_dsn("PLATFORM"), "Odd \"name", woken, node,
			       &node->notifier));
}

static void others_are_woken(void **state)
{
	void *mem = talloc_new(NULL);
	struct node a = { 0 }, b = { 0 };

	(void)state;
	start(mem, &a);
	start(mem, &b);
	sleep_ms(300); /* both listen */
	atomic_store(&a.wakes, 0);
	db_notifier_send(a.notifier, WAKE_EVENTS);
	db_notifier_send(a.notifier, WAKE_JOBS);
	assert_true(comes_true(&b.wakes, WAKE_EVENTS | WAKE_JOBS));
	assert_int_equal(0, atomic_load(&b.wakes) & WAKE_INGEST);
	assert_int_equal(0, atomic_load(&a.wakes)); /* not its own */

	atomic_store(&b.calls, 0);
	for (int i = 0; i < 2000; i++)
		db_notifier_send(a.notifier, WAKE_INGEST);
	assert_true(comes_true(&b.wakes, WAKE_INGEST));
	sleep_ms(50);
	assert_in_range(atomic_load(&b.calls), 1, 60); /* far fewer than were sent */
	db_notifier_stop(a.notifier);
	db_notifier_stop(b.notifier);
	talloc_free(mem);
}

static void a_lost_connection_wakes_and_recovers(void **state)
{
	void *mem = talloc_new(NULL);
	struct node a = { 0 }, b = { 0 };
	struct fixture *fx = fixture_open(1);

	(void)state;
	start(mem, &a);
	start(mem, &b);
	sleep_ms(300);
	one_value(fx, DB_PLATFORM,
		  "select count(pg_terminate_backend(pid)) from pg_stat_activity "
		  "where usename = current_user and pid <> pg_backend_pid()");
	assert_true(comes_true(&a.wakes, WAKE_EVENTS | WAKE_JOBS | WAKE_INGEST));
	assert_true(comes_true(&b.wakes, WAKE_EVENTS | WAKE_JOBS | WAKE_INGEST));
	sleep_ms(100);
	atomic_store(&b.wakes, 0);
	db_notifier_send(a.notifier, WAKE_JOBS);
	assert_true(comes_true(&b.wakes, WAKE_JOBS));
	db_notifier_stop(a.notifier);
	db_notifier_stop(b.notifier);
	fixture_close(fx);
	talloc_free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(others_are_woken),
		cmocka_unit_test(a_lost_connection_wakes_and_recovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
