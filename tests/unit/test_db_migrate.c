/* test_db_migrate.c - migrations: once, in order, unedited, never backwards. */
#include "unit/db_fixture.h"

#include <pthread.h>
#include <string.h>

struct world {
	struct fixture *fx;
	struct db_migration list[24];
	size_t core; /* how many of the list are the program's own */
};

static struct fault *migrate(struct world *w, size_t count, int *ret_applied)
{
	return db_migrate(w->fx->mem, test_dsn("OWNER"), w->list, count, ret_applied);
}

static bool is_current(struct world *w, size_t count)
{
	bool current;

	must(db_migrated(w->fx->mem, w->fx->db, w->list, count, &current));
	return current;
}

static size_t add(struct world *w, const char *name, const char *sql)
{
	size_t n = w->core;

	while (w->list[n].name)
		n++;
	w->list[n] = (struct db_migration){ "trial", name, sql };
	return n + 1;
}

static int setup(void **state)
{
	struct world *w = talloc_zero(NULL, struct world);

	w->fx = fixture_open(2);
	for (const struct db_migration *m = spine_migrations; m->name; m++)
		w->list[w->core++] = *m;
	for (const struct db_migration *m = audit_migrations; m->name; m++)
		w->list[w->core++] = *m;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	fixture_close(w->fx);
	talloc_free(w);
	return 0;
}

static void first_and_second_run(void **state)
{
	struct world *w = *state;
	int applied;

	assert_false(is_current(w, w->core)); /* an empty database */
	must(migrate(w, w->core, &applied));
	assert_int_equal(w->core, applied);
	must(migrate(w, w->core, &applied));
	assert_int_equal(0, applied);
	assert_true(is_current(w, w->core));
}

static void a_new_one_is_applied(void **state)
{
	struct world *w = *state;
	size_t n = add(w, "001_first",
		       "create table core.trial (x int); insert into core.trial "
		       "values (1); comment on table core.trial is 'é; $$ '");
	int applied;

	assert_false(is_current(w, n));
	must(migrate(w, n, &applied));
	assert_int_equal(1, applied);
	assert_true(is_current(w, n));
	assert_true(
		str_eq(STR("1"), one_value(w->fx, DB_OWNER, "select count(*) from core.trial")));
}

static void a_failing_one_leaves_nothing(void **state)
{
	struct world *w = *state;
	size_t n = add(w, "002_second",
		       "create table core.half (x int);\n\ninsert into core.half\n"
		       "values (nonsense);");
	int applied;

	struct fault *f = migrate(w, n, &applied);
	must_fail(f, FAULT_CONFLICT, "migration_failed");
	assert_non_null(strstr(f->text, "trial/002_second"));
	assert_non_null(strstr(f->detail, "line 4"));
	assert_true(str_eq(STR("t"),
			   one_value(w->fx, DB_OWNER, "select to_regclass('core.half') is null")));
	w->list[n - 1].sql = "create table core.half (x int)";
	must(migrate(w, n, &applied));
	assert_int_equal(1, applied);
}

static void an_edited_one_is_refused(void **state)
{
	struct world *w = *state;
	size_t n = add(w, "003_third", "select 1");
	const char *was = w->list[n - 3].sql;
	int applied;

	must(migrate(w, n, &applied));
	w->list[n - 3].sql = "create table core.trial (x int, y int)";
	struct fault *f = migrate(w, n, &applied);
	must_fail(f, FAULT_CONFLICT, "migration_edited");
	assert_non_null(strstr(f->text, "trial/001_first"));
	assert_false(is_current(w, n));
	w->list[n - 3].sql = was;
	must(migrate(w, n, &applied));
}

static void a_newer_database_is_refused(void **state)
{
	struct world *w = *state;
	size_t n = add(w, "004_fourth", "select 1");
	int applied;

	must(migrate(w, n, &applied));
	struct fault *f = migrate(w, n - 1, &applied);
	must_fail(f, FAULT_CONFLICT, "schema_newer");
	assert_non_null(strstr(f->text, "trial/004_fourth"));
	assert_false(is_current(w, n - 1));
}

struct racer {
	pthread_t thread;
	struct world *w;
	size_t count;
	int applied;
	bool failed;
};

static void *race(void *arg)
{
	struct racer *me = arg;
	void *mem = talloc_new(NULL);

	me->failed =
		db_migrate(mem, test_dsn("OWNER"), me->w->list, me->count, &me->applied) != NULL;
	talloc_free(mem);
	return NULL;
}

static void two_nodes_at_once(void **state)
{
	struct world *w = *state;
	size_t n = add(w, "005_slow", "select pg_sleep(0.3); create table core.once (x int)");
	struct racer racers[3] = { 0 };
	int applied = 0;

	for (int i = 0; i < 3; i++) {
		racers[i].w = w;
		racers[i].count = n;
		pthread_create(&racers[i].thread, NULL, race, &racers[i]);
	}
	for (int i = 0; i < 3; i++) {
		pthread_join(racers[i].thread, NULL);
		assert_false(racers[i].failed);
		applied += racers[i].applied;
	}
	assert_int_equal(1, applied);
}

static void roles_are_made_twice_without_harm(void **state)
{
	struct world *w = *state;
	const char *const passwords[DB_ROLES] = { "one' two", "three\\", "four" };
	const char *conninfo;

	must(db_bootstrap(w->fx->mem, test_dsn("SUPER"), NULL, passwords));
	must(db_bootstrap(w->fx->mem, test_dsn("SUPER"), "bulkhead", passwords));
	must(db_conninfo_as(w->fx->mem, "postgresql://someone:else@localhost:5999/bulk%20head",
			    DB_APP, "it's", &conninfo));
	assert_non_null(strstr(conninfo, "dbname='bulk head'"));
	assert_non_null(strstr(conninfo, "user='bulkhead_app'"));
	assert_non_null(strstr(conninfo, "password='it\\'s'"));
	assert_null(strstr(conninfo, "someone"));
	must_fail(db_conninfo_as(w->fx->mem, "nonsense", DB_APP, NULL, &conninfo), FAULT_INVALID,
		  "bad_database_url");
	assert_true(db_answers(test_dsn("APP")));
	assert_false(db_answers("host=/nowhere"));
}

/* DATABASE_URL names a user who is no superuser but owns the database. */
static void an_ordinary_owner_suffices(void **state)
{
	struct world *w = *state;
	const char *const passwords[DB_ROLES] = { "x", "y", "z" };
	const char *admin, *owner;
	char *text = talloc_asprintf(w->fx->mem,
				     "psql -qAtX '%s' -v ON_ERROR_STOP=1 -c \"create role "
				     "adm login createrole\" -c \"create database other "
				     "owner adm\"",
				     test_dsn("SUPER"));

	FILE *p = popen(text, "r");
	assert_non_null(p);
	assert_int_equal(0, pclose(p));
	admin = talloc_asprintf(w->fx->mem, "host=%s dbname=other user=adm",
				getenv("BULKHEAD_TEST_SOCKET"));
	for (int i = 0; i < 2; i++)
		must(db_bootstrap(w->fx->mem, admin, NULL, passwords));
	must(db_conninfo_as(w->fx->mem, admin, DB_OWNER, "z", &owner));
	int applied;
	must(db_migrate(w->fx->mem, owner, w->list, w->core, &applied));
	assert_int_equal(w->core, applied);
	const char *weak = talloc_asprintf(w->fx->mem, "host=%s dbname=postgres user=bulkhead_app",
					   getenv("BULKHEAD_TEST_SOCKET"));
	must_fail(db_bootstrap(w->fx->mem, weak, NULL, passwords), FAULT_CONFLICT,
		  "bootstrap_failed");
}

static void partitions_come_and_go(void **state)
{
	struct world *w = *state;
	struct fixture *fx = w->fx;

	one_value(
		fx, DB_OWNER,
		"do $$ begin "
		"create table core.daily (at timestamptz not null, x int) partition by range (at); "
		"perform core.partitioned('core.daily', 'day', 3, '2 days'); "
		"create table core.daily_20200101 partition of core.daily for values from "
		"('2020-01-01+00') to ('2020-01-02+00'); end $$");
	assert_true(str_eq(STR("5"), one_value(fx, DB_OWNER,
					       "select count(*) from pg_inherits where "
					       "inhparent = 'core.daily'::regclass")));
	assert_true(str_eq(STR("1"), one_value(fx, DB_PLATFORM,
					       "select dropped from core.maintain_partitions()")));
	one_value(fx, DB_OWNER, "insert into core.daily values (now(), 1) returning 1");
	assert_true(
		str_eq(STR("0"), one_value(fx, DB_PLATFORM,
					   "select core.ensure_day_partitions('core.daily', 3)")));
	assert_true(
		str_eq(STR("2"), one_value(fx, DB_PLATFORM,
					   "select core.ensure_day_partitions('core.daily', 5)")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_and_second_run),
		cmocka_unit_test(a_new_one_is_applied),
		cmocka_unit_test(a_failing_one_leaves_nothing),
		cmocka_unit_test(an_edited_one_is_refused),
		cmocka_unit_test(a_newer_database_is_refused),
		cmocka_unit_test(two_nodes_at_once),
		cmocka_unit_test(roles_are_made_twice_without_harm),
		cmocka_unit_test(an_ordinary_owner_suffices),
		cmocka_unit_test(partitions_come_and_go),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
