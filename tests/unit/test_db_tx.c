/* test_db_tx.c - transactions: scope, holding back, failing, losing the server. */
#include "unit/db_fixture.h"

#include "base/clock.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#define QUERY(name_, sql_) static const struct db_query name_ = { .name = #name_, .sql = sql_ }

QUERY(insert_one,
      "insert into bench.notes (tenant_id, title) values (core.current_tenant(), 'one')");
QUERY(insert_two,
      "insert into bench.notes (tenant_id, title) values (core.current_tenant(), 'two')");
QUERY(insert_empty,
      "insert into bench.notes (tenant_id, title) values (core.current_tenant(), '')");
QUERY(insert_null,
      "insert into bench.notes (tenant_id, title) values (core.current_tenant(), null)");
QUERY(insert_orphan, "insert into bench.notes (tenant_id, title, parent_id) values "
		     "(core.current_tenant(), 'x', gen_random_uuid())");
QUERY(count_notes, "select count(*) from bench.notes where title in ('one', 'two')");
QUERY(broken_sql, "select nothing from nowhere");
QUERY(sleep_long, "select pg_sleep(3)");
QUERY(backend_pid, "select pg_backend_pid()");
QUERY(bad_number, "select 'x'::int");

static const struct uuid tenant_a = { { 0xa, 1 } }, tenant_b = { { 0xb, 2 } };

static struct scope scope_of(struct uuid tenant)
{
	return (struct scope){ .tenant = tenant,
			       .user = { { 7 } },
			       .actor_kind = "user",
			       .actor_id = { { 7 } },
			       .actor_name = STR("Ann \"the\" Owner"),
			       .request_id = STR("req-1"),
			       .ip = STR("192.0.2.1"),
			       .user_agent = STR("cmocka") };
}

static struct tx *begin(struct fixture *fx, enum tx_mode mode, struct uuid tenant)
{
	struct scope scope = scope_of(tenant);

	return tx_new(fx->mem, fx->db, DB_APP, mode, &scope);
}

static int64_t notes(struct fixture *fx, struct uuid tenant)
{
	struct tx *tx = begin(fx, TX_READ, tenant);
	struct db_result *r;

	must(tx_run(tx, &count_notes, NULL, &r));
	tx_end(tx);
	return db_int(r, 0, 0);
}

static int setup(void **state)
{
	struct fixture *fx = fixture_open(3);

	migrate_core(fx->mem);
	one_value(fx, DB_OWNER,
		  "do $$ begin "
		  "drop schema if exists bench cascade; perform core.module_schema('bench'); "
		  "create table bench.notes (id uuid default core.uuid_v7() primary key, "
		  "tenant_id uuid not null, title text not null constraint notes_title check "
		  "(title <> ''), parent_id uuid, constraint notes_parent foreign key (parent_id) "
		  "references bench.notes (id), token_hash text); "
		  "create unique index notes_two on bench.notes (tenant_id) where title = 'two'; "
		  "perform core.tenant_table('bench.notes'); end $$");
	*state = fx;
	return 0;
}

static int fresh(void **state)
{
	struct fixture *fx = *state;

	one_value(fx, DB_OWNER, "truncate bench.notes, core.audit");
	fx->wakes = 0;
	fx->commits_told = 0;
	return 0;
}

static int teardown(void **state)
{
	fixture_close(*state);
	return 0;
}

static void scope_reaches_the_server(void **state)
{
	QUERY(see, "select core.current_tenant(), core.current_user_id(), core.actor()->>'name', "
		   "core.request()->>'ip'");
	struct fixture *fx = *state;
	struct db_result *r;
	struct tx *tx = begin(fx, TX_READ, tenant_a);

	for (int i = 0; i < 2; i++) { /* each exchange of a TX_READ enters anew */
		must(tx_run(tx, &see, NULL, &r));
		assert_true(uuid_eq(tenant_a, db_uuid(r, 0, 0)));
		assert_true(uuid_eq((struct uuid){ { 7 } }, db_uuid(r, 0, 1)));
		assert_true(db_is_null(r, 0, 2)); /* for writes only */
	}
	tx_end(tx);
	tx = begin(fx, TX_WRITE, tenant_a);
	must(tx_run(tx, &see, NULL, &r));
	assert_true(uuid_eq(tenant_a, db_uuid(r, 0, 0)));
	assert_true(str_eq(STR("Ann \"the\" Owner"), db_text(r, 0, 2)));
	assert_true(str_eq(STR("192.0.2.1"), db_text(r, 0, 3)));
	tx_end(tx);
	/* nothing of it stays on the connection */
	struct tx *other = tx_new(fx->mem, fx->db, DB_APP, TX_READ, NULL);
	must(tx_run(other, &see, NULL, &r));
	assert_true(db_is_null(r, 0, 0));
	assert_true(db_is_null(r, 0, 2));
	tx_end(other);
}

static void commit_keeps_and_end_rolls_back(void **state)
{
	struct fixture *fx = *state;
	int64_t affected;

	struct tx *tx = begin(fx, TX_WRITE, tenant_a);
	must(tx_exec(tx, &insert_one, NULL, &affected));
	assert_int_equal(1, affected);
	tx_end(tx);
	assert_int_equal(0, notes(fx, tenant_a));

	tx = begin(fx, TX_WRITE, tenant_a);
	must(tx_exec(tx, &insert_one, NULL, &affected));
	must(tx_commit(tx));
	tx_end(tx); /* harmless */
	assert_int_equal(1, notes(fx, tenant_a));
	assert_int_equal(0, notes(fx, tenant_b));
}

static void held_back_statements_travel_with_the_commit(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE, tenant_a);

	must(tx_defer(tx, &insert_one, NULL));
	must(tx_defer(tx, &insert_two, NULL));
	assert_int_equal(0, notes(fx, tenant_a));
	must(tx_commit(tx));
	assert_int_equal(2, notes(fx, tenant_a));
}

static void held_back_error_stops_the_commit(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE, tenant_a);

	must(tx_defer(tx, &insert_one, NULL));
	must(tx_defer(tx, &insert_empty, NULL));
	must_fail(tx_commit(tx), FAULT_INVALID, "invalid_value");
	must_fail(tx_commit(tx), FAULT_INTERNAL, "internal"); /* it is lost */
	tx_end(tx);
	assert_int_equal(0, notes(fx, tenant_a));
	assert_int_equal(0, fx->commits_told);
}

static void nothing_sent_is_free(void **state)
{
	struct fixture *fx = *state;
	struct db_config nowhere = { .conninfo = { [DB_APP] = "host=/nowhere" },
				     .pool_size = { [DB_APP] = 1 } };
	struct db *db;

	must(db_open(fx->mem, &nowhere, &db));
	struct tx *tx = tx_new(fx->mem, db, DB_APP, TX_WRITE, NULL);
	must(tx_commit(tx)); /* would fail if it touched the network */
	tx = tx_new(fx->mem, db, DB_APP, TX_WRITE, NULL);
	must_fail(tx_run(tx, &count_notes, NULL, NULL), FAULT_UNAVAILABLE, "database_unavailable");
	tx_end(tx);
	db_close(db);
}

static void reads_cannot_write(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_READ, tenant_a);

	must_fail(tx_run(tx, &insert_one, NULL, NULL), FAULT_INTERNAL, "internal");
	must_fail(tx_defer(tx, &insert_one, NULL), FAULT_INTERNAL, "internal");
	must(tx_run(tx, &count_notes, NULL, NULL)); /* a failed read harms no other */
	tx_end(tx);
	assert_int_equal(0, notes(fx, tenant_a));
}

static struct fault *read_with_stamps(struct fixture *fx, struct uuid id, int64_t stamp)
{
	struct scope scope = scope_of(tenant_a);
	const struct access_stamp stamps[] = { { uuid_new(), 0 }, { id, stamp } };

	scope.stamps = stamps;
	scope.stamp_count = 2;
	struct tx *tx = tx_new(fx->mem, fx->db, DB_APP, TX_READ, &scope);
	struct fault *f = tx_run(tx, &count_notes, NULL, NULL);
	tx_end(tx);
	return f;
}

static void changed_access_is_stale(void **state)
{
	static const enum db_type types[] = { DB_UUID };
	static const struct db_query bump = { .name = "bump",
					      .sql = "select core.bump_stamp($1)",
					      .param_count = 1,
					      .param_types = types };
	struct fixture *fx = *state;
	struct uuid id = uuid_new();
	const struct db_param params[] = { { .uuid = id } };
	struct db_result *r;

	must(read_with_stamps(fx, id, 0));
	struct tx *tx = begin(fx, TX_WRITE, tenant_a);
	must(tx_run(tx, &bump, params, &r));
	must(read_with_stamps(fx, id, 0)); /* not committed yet */
	must(tx_commit(tx));
	must_fail(read_with_stamps(fx, id, 0), FAULT_UNAUTHENTICATED, "stale_access");
	must(read_with_stamps(fx, id, db_int(r, 0, 0)));
}

static void stale_access_stops_a_write(void **state)
{
	struct fixture *fx = *state;
	struct scope scope = scope_of(tenant_a);
	const struct access_stamp stamps[] = { { { { 0x51 } }, 0 } };

	one_value(fx, DB_PLATFORM,
		  "select core.bump_stamp('51000000-0000-0000-0000-000000000000')");
	scope.stamps = stamps;
	scope.stamp_count = 1;
	struct tx *tx = tx_new(fx->mem, fx->db, DB_APP, TX_WRITE, &scope);
	must(tx_defer(tx, &insert_one, NULL));
	must_fail(tx_commit(tx), FAULT_UNAUTHENTICATED, "stale_access");
	tx_end(tx);
	assert_int_equal(0, notes(fx, tenant_a));
}

static void constraints_speak_for_themselves(void **state)
{
	static const struct db_constraint names[] = {
		{ "notes_title", "/title", "title_empty", "A note needs a title." },
		{ "notes_parent", "/parent_id", "unknown_parent", "There is no such note." },
		{ "notes_two", NULL, "two_taken", "There is a second note already." },
		{ 0 },
	};
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE, tenant_a);

	db_add_constraints(fx->db, names);
	must(tx_defer(tx, &insert_two, NULL));
	must(tx_savepoint(tx));
	struct fault *f = tx_run(tx, &insert_empty, NULL, NULL);
	must_fail(f, FAULT_INVALID, "title_empty");
	assert_string_equal("/title", f->fields->field);
	must(tx_rollback_to_savepoint(tx));
	must_fail(tx_run(tx, &insert_orphan, NULL, NULL), FAULT_INVALID, "unknown_parent");
	must(tx_rollback_to_savepoint(tx));
	must_fail(tx_run(tx, &insert_two, NULL, NULL), FAULT_CONFLICT, "two_taken");
	must(tx_rollback_to_savepoint(tx));
	f = tx_run(tx, &insert_null, NULL, NULL);
	must_fail(f, FAULT_INVALID, "required");
	assert_string_equal("title", f->fields->field);
	must(tx_rollback_to_savepoint(tx));
	must_fail(tx_run(tx, &bad_number, NULL, NULL), FAULT_INVALID, "invalid_value");
	must(tx_rollback_to_savepoint(tx));
	must(tx_commit(tx));
	assert_int_equal(1, notes(fx, tenant_a));
}

struct rival {
	struct fixture *fx;
	pthread_t thread;
	pthread_barrier_t both_hold;
	bool was_refused;
};

static void *rival_main(void *arg)
{
	QUERY(lock_first, "update bench.notes set token_hash = 'b' where title = 'two'");
	QUERY(lock_second, "update bench.notes set token_hash = 'b' where title = 'one'");
	struct rival *me = arg;
	struct scope scope = scope_of(tenant_a);
	void *mem = talloc_new(NULL);
	struct tx *tx = tx_new(mem, me->fx->db, DB_APP, TX_WRITE, &scope);

	struct fault *f = tx_run(tx, &lock_first, NULL, NULL);
	pthread_barrier_wait(&me->both_hold);
	if (!f)
		f = tx_run(tx, &lock_second, NULL, NULL);
	me->was_refused = f && strcmp(f->code, "serialization") == 0;
	talloc_free(mem);
	return NULL;
}

/* Functions in SQL refuse in the same words as constraints. */
static void functions_refuse_by_code(void **state)
{
	QUERY(conflict, "do $$ begin raise exception 'x' using errcode = 'BH002', "
			"constraint = 'two_open'; end $$");
	QUERY(nothing, "do $$ begin raise exception 'x' using errcode = 'P0002'; end $$");
	QUERY(invalid, "do $$ begin raise exception 'x' using errcode = 'BH003'; end $$");
	static const struct db_constraint names[] = {
		{ "two_open", NULL, "already_open", "There is an open one." }, { 0 }
	};
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_READ, tenant_a);

	db_add_constraints(fx->db, names);
	must_fail(tx_run(tx, &conflict, NULL, NULL), FAULT_CONFLICT, "already_open");
	must_fail(tx_run(tx, &nothing, NULL, NULL), FAULT_NOT_FOUND, "not_found");
	must_fail(tx_run(tx, &invalid, NULL, NULL), FAULT_INVALID, "invalid");
	tx_end(tx);
}

/* Two writers of the same rows in opposite order: one is told to try again. */
static void a_deadlock_is_a_conflict(void **state)
{
	QUERY(lock_one, "update bench.notes set token_hash = 'a' where title = 'one'");
	QUERY(lock_two, "update bench.notes set token_hash = 'a' where title = 'two'");
	struct fixture *fx = *state;
	struct tx *seed = begin(fx, TX_WRITE, tenant_a);

	must(tx_defer(seed, &insert_one, NULL));
	must(tx_defer(seed, &insert_two, NULL));
	must(tx_commit(seed));
	struct rival rival = { .fx = fx };
	struct tx *tx = begin(fx, TX_WRITE, tenant_a);
	must(tx_run(tx, &lock_one, NULL, NULL));
	pthread_barrier_init(&rival.both_hold, NULL, 2);
	pthread_create(&rival.thread, NULL, rival_main, &rival);
	pthread_barrier_wait(&rival.both_hold);
	struct fault *mine = tx_run(tx, &lock_two, NULL, NULL);
	tx_end(tx);
	pthread_join(rival.thread, NULL);
	pthread_barrier_destroy(&rival.both_hold);
	assert_int_equal(1, (mine != NULL) + rival.was_refused);
	if (mine)
		must_fail(mine, FAULT_CONFLICT, "serialization");
}

static void count_up(void *arg)
{
	++*(int *)arg;
}

static void hooks_and_wakes_follow_the_commit(void **state)
{
	struct fixture *fx = *state;
	int kept = 0, dropped = 0;

	struct tx *tx = begin(fx, TX_WRITE, tenant_a);
	must(tx_defer(tx, &insert_one, NULL));
	tx_on_commit(tx, count_up, &kept);
	tx_wake(tx, WAKE_EVENTS);
	must(tx_savepoint(tx));
	tx_on_commit(tx, count_up, &dropped);
	tx_wake(tx, WAKE_JOBS);
	must(tx_defer(tx, &insert_empty, NULL));
	must(tx_rollback_to_savepoint(tx)); /* nothing of the step was sent */
	assert_int_equal(0, kept);
	must(tx_commit(tx));
	assert_int_equal(1, kept);
	assert_int_equal(0, dropped);
	assert_int_equal(WAKE_EVENTS, fx->wakes);
	assert_int_equal(1, fx->commits_told);

	tx = begin(fx, TX_WRITE, tenant_a);
	must(tx_defer(tx, &insert_one, NULL));
	tx_on_commit(tx, count_up, &dropped);
	tx_wake(tx, WAKE_INGEST);
	tx_end(tx);
	assert_int_equal(0, dropped);
	assert_int_equal(1, fx->commits_told);
}

static void many_savepoints_one_after_another(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE, tenant_a);

	for (int i = 0; i < 20; i++) {
		must(tx_savepoint(tx));
		if (i % 2) {
			must_fail(tx_run(tx, &broken_sql, NULL, NULL), FAULT_INTERNAL, "internal");
			must(tx_rollback_to_savepoint(tx));
		} else {
			must(tx_defer(tx, &insert_one, NULL));
		}
	}
	must(tx_commit(tx));
	assert_int_equal(10, notes(fx, tenant_a));
}

static void bad_sql_is_a_bug_each_time(void **state)
{
	struct fixture *fx = *state;

	for (int i = 0; i < 3; i++) {
		struct tx *tx = begin(fx, TX_READ, tenant_a);
		must_fail(tx_run(tx, &broken_sql, NULL, NULL), FAULT_INTERNAL, "internal");
		tx_end(tx);
	}
}

static void long_statements_are_stopped(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_READ, tenant_a);
	int64_t started_ms = clock_steady_ms();

	struct fault *f = tx_run(tx, &sleep_long, NULL, NULL);
	must_fail(f, FAULT_UNAVAILABLE, "timeout");
	assert_true(f->retry_after_s > 0);
	assert_true(clock_steady_ms() - started_ms < 2900);
	tx_end(tx);
	tx = begin(fx, TX_READ, tenant_a);
	tx_hurry(tx, 100); /* shorter than the server's own limit: the connection is given up */
	must_fail(tx_run(tx, &sleep_long, NULL, NULL), FAULT_UNAVAILABLE, "database_lost");
	tx_end(tx);
	assert_int_equal(0, notes(fx, tenant_a));
}

static void a_busy_pool_answers_in_time(void **state)
{
	struct fixture *fx = *state;
	struct tx *taken[3];

	for (int i = 0; i < 3; i++) {
		taken[i] = begin(fx, TX_WRITE, tenant_a);
		must(tx_run(taken[i], &count_notes, NULL, NULL));
	}
	int64_t started_ms = clock_steady_ms();
	struct tx *late = begin(fx, TX_READ, tenant_a);
	must_fail(tx_run(late, &count_notes, NULL, NULL), FAULT_UNAVAILABLE, "database_busy");
	int64_t waited_ms = clock_steady_ms() - started_ms;
	assert_in_range(waited_ms, 290, 1000);
	tx_end(taken[0]);
	must(tx_run(late, &count_notes, NULL, NULL));
	tx_end(late);
	tx_end(taken[1]);
	tx_end(taken[2]);
}

static void kill_backends(struct fixture *fx)
{
	const struct timespec moment = { .tv_nsec = 50000000 };
	char sql[200];

	snprintf(sql, sizeof(sql),
		 "psql -qAtX '%s' -c \"select count(pg_terminate_backend(pid)) from "
		 "pg_stat_activity where usename = 'bulkhead_app'\" >/dev/null",
		 test_dsn("SUPER"));
	FILE *p = popen(sql, "r");
	assert_non_null(p);
	assert_int_equal(0, pclose(p));
	nanosleep(&moment, NULL);
	(void)fx;
}

static void lost_connections_are_replaced_silently(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(0, notes(fx, tenant_a));
	kill_backends(fx);
	assert_int_equal(0, notes(fx, tenant_a));
	kill_backends(fx);
	struct tx *tx = begin(fx, TX_WRITE, tenant_a);
	must(tx_run(tx, &insert_one, NULL, NULL));
	must(tx_commit(tx));
	assert_int_equal(1, notes(fx, tenant_a));
}

static void a_transaction_lost_midway_is_not_repeated(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE, tenant_a);

	must(tx_run(tx, &insert_one, NULL, NULL));
	kill_backends(fx);
	struct fault *f = tx_run(tx, &insert_one, NULL, NULL);
	must_fail(f, FAULT_UNAVAILABLE, "database_lost");
	assert_true(f->retry_after_s > 0);
	must_fail(tx_commit(tx), FAULT_INTERNAL, "internal");
	tx_end(tx);
	assert_int_equal(0, notes(fx, tenant_a));
	assert_true(db_is_up(fx->db));
}

static void a_reused_address_runs_its_own_text(void **state)
{
	struct fixture *fx = *state;
	struct db_query q = { .name = "reused" };
	const char *const texts[] = { "select 1", "select 2", "select 3" };

	for (int i = 0; i < 6; i++) {
		struct tx *tx = begin(fx, TX_READ, tenant_a);
		struct db_result *r;
		q.sql = texts[i % 3];
		must(tx_run(tx, &q, NULL, &r));
		assert_int_equal(i % 3 + 1, db_int(r, 0, 0));
		tx_end(tx);
	}
}

static void forgotten_transactions_give_back(void **state)
{
	struct fixture *fx = *state;

	for (int i = 0; i < 10; i++) {
		struct tx *tx = begin(fx, TX_WRITE, tenant_a);
		must(tx_run(tx, &insert_one, NULL, NULL));
		talloc_free(tx); /* neither commit nor end */
	}
	assert_int_equal(0, notes(fx, tenant_a));
}

static void audit_masks_and_cannot_be_rewritten(void **state)
{
	QUERY(insert_secret, "insert into bench.notes (tenant_id, title, token_hash) values "
			     "(core.current_tenant(), 'one', 'abc') returning id");
	QUERY(rename_note, "update bench.notes set title = 'two', token_hash = 'def'");
	QUERY(see_audit, "select action, noun, core.audit_changes(old_values, new_values)::text, "
			 "actor_name, ip, request_id "
			 "from core.audit order by at");
	QUERY(erase, "delete from core.audit");
	QUERY(forge, "insert into core.audit (actor_kind, action, noun) values ('user', 'a', 'b')");
	struct fixture *fx = *state;
	struct db_result *r;
	struct tx *tx = begin(fx, TX_WRITE, tenant_a);

	must(tx_run(tx, &insert_secret, NULL, NULL));
	must(tx_run(tx, &rename_note, NULL, NULL));
	must(tx_run(tx, &see_audit, NULL, &r));
	assert_int_equal(2, db_rows(r));
	assert_true(str_eq(STR("create"), db_text(r, 0, 0)));
	assert_true(str_eq(STR("note"), db_text(r, 0, 1)));
	assert_true(str_eq(STR("{\"title\": {\"new\": \"one\"}, "
			       "\"token_hash\": {\"new\": \"[masked]\"}}"),
			   db_text(r, 0, 2)));
	assert_true(str_eq(STR("{\"title\": {\"new\": \"two\", \"old\": \"one\"}, \"token_hash\": "
			       "{\"new\": \"[masked]\", \"old\": \"[masked]\"}}"),
			   db_text(r, 1, 2)));
	assert_true(str_eq(STR("Ann \"the\" Owner"), db_text(r, 1, 3)));
	assert_true(str_eq(STR("192.0.2.1"), db_text(r, 1, 4)));
	assert_true(str_eq(STR("req-1"), db_text(r, 1, 5)));
	must(tx_savepoint(tx));
	must_fail(tx_run(tx, &erase, NULL, NULL), FAULT_INTERNAL, "internal");
	must(tx_rollback_to_savepoint(tx));
	must_fail(tx_run(tx, &forge, NULL, NULL), FAULT_INTERNAL, "internal");
	must(tx_rollback_to_savepoint(tx));
	must(tx_commit(tx));
	tx = begin(fx, TX_READ, tenant_b);
	must(tx_run(tx, &see_audit, NULL, &r));
	assert_int_equal(0, db_rows(r));
	tx_end(tx);
}

struct runner {
	pthread_t thread;
	struct fixture *fx;
	int done;
};

static void *run_many(void *arg)
{
	struct runner *me = arg;
	struct scope scope = scope_of(tenant_a);

	for (int i = 0; i < 100; i++) {
		void *mem = talloc_new(NULL);
		struct tx *tx = tx_new(mem, me->fx->db, DB_APP, TX_WRITE, &scope);
		if (!tx_defer(tx, &insert_one, NULL) && !tx_run(tx, &backend_pid, NULL, NULL) &&
		    !tx_commit(tx))
			me->done++;
		talloc_free(mem);
	}
	return NULL;
}

static void threads_share_the_pool(void **state)
{
	struct runner runners[6] = { 0 };
	int done = 0;

	for (int i = 0; i < 6; i++) {
		runners[i].fx = *state;
		pthread_create(&runners[i].thread, NULL, run_many, &runners[i]);
	}
	for (int i = 0; i < 6; i++) {
		pthread_join(runners[i].thread, NULL);
		done += runners[i].done;
	}
	assert_int_equal(600, done);
	assert_int_equal(600, notes(*state, tenant_a));
}

#define CASE(fn) cmocka_unit_test_setup(fn, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(scope_reaches_the_server),
		CASE(commit_keeps_and_end_rolls_back),
		CASE(held_back_statements_travel_with_the_commit),
		CASE(held_back_error_stops_the_commit),
		CASE(nothing_sent_is_free),
		CASE(reads_cannot_write),
		CASE(changed_access_is_stale),
		CASE(stale_access_stops_a_write),
		CASE(constraints_speak_for_themselves),
		CASE(functions_refuse_by_code),
		CASE(a_deadlock_is_a_conflict),
		CASE(hooks_and_wakes_follow_the_commit),
		CASE(many_savepoints_one_after_another),
		CASE(bad_sql_is_a_bug_each_time),
		CASE(long_statements_are_stopped),
		CASE(a_busy_pool_answers_in_time),
		CASE(lost_connections_are_replaced_silently),
		CASE(a_transaction_lost_midway_is_not_repeated),
		CASE(a_reused_address_runs_its_own_text),
		CASE(forgotten_transactions_give_back),
		CASE(audit_masks_and_cannot_be_rewritten),
		CASE(threads_share_the_pool),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
