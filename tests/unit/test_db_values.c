/* test_db_values.c - every parameter type goes out and comes back unchanged. */
#include "unit/db_fixture.h"

#include "base/clock.h"

#include <string.h>

static int setup(void **state)
{
	*state = fixture_open(1);
	return 0;
}

static int teardown(void **state)
{
	fixture_close(*state);
	return 0;
}

static struct db_result *echo(struct fixture *fx, const struct db_query *q,
			      const struct db_param *params)
{
	struct tx *tx = tx_new(fx->mem, fx->db, DB_APP, TX_READ, NULL);
	struct db_result *r;

	must(tx_run(tx, q, params, &r));
	tx_end(tx);
	return r;
}

static void scalars(void **state)
{
	static const enum db_type types[] = { DB_TEXT, DB_INT,	DB_BOOL,  DB_UUID,
					      DB_TIME, DB_JSON, DB_BYTES, DB_DOUBLE };
	static const struct db_query q = { .name = "scalars",
					   .sql = "select $1, $2, $3, $4, $5, $6, $7, $8",
					   .param_count = 8,
					   .param_types = types,
					   .returns_rows = true };
	struct uuid id = uuid_new();
	int64_t at = INT64_C(1795233251319001);
	const char raw[] = { 'a', 0, '\xff', '\\' };
	const struct db_param params[] = {
		{ .text = STR("naïve 'text'\n") },
		{ .number = INT64_MIN },
		{ .number = 1 },
		{ .uuid = id },
		{ .number = at },
		{ .text = STR("{\"a\": [1, 2.50]}") },
		{ .text = { raw, sizeof(raw) } },
		{ .real = 0.1 },
	};
	struct db_result *r = echo(*state, &q, params);

	assert_int_equal(1, db_rows(r));
	assert_true(str_eq(db_text(r, 0, 0), params[0].text));
	assert_int_equal(INT64_MIN, db_int(r, 0, 1));
	assert_true(db_bool(r, 0, 2));
	assert_true(uuid_eq(id, db_uuid(r, 0, 3)));
	assert_int_equal(at, db_time(r, 0, 4));
	assert_true(str_eq(STR("{\"a\": [1, 2.50]}"), db_text(r, 0, 5)));
	assert_true(str_eq(params[6].text, db_bytes(r, 0, 6)));
	assert_true(db_double(r, 0, 7) == 0.1);
}

static void nulls_and_empties(void **state)
{
	static const enum db_type types[] = { DB_TEXT, DB_INT, DB_JSON, DB_TEXTS, DB_TEXT };
	static const struct db_query q = {
		.name = "nulls",
		.sql = "select $1::text, $2::bigint, $3::jsonb, cardinality($4), $5::text",
		.param_count = 5,
		.param_types = types,
		.returns_rows = true
	};
	const struct db_param params[] = {
		{ .text = { 0 } }, { .is_null = true }, { .text = { 0 } },
		{ .array = NULL }, { .text = STR("") },
	};
	struct db_result *r = echo(*state, &q, params);

	for (int column = 0; column < 3; column++)
		assert_true(db_is_null(r, 0, column));
	assert_true(str_is_null(db_text(r, 0, 0)));
	assert_int_equal(0, db_int(r, 0, 3));
	assert_false(str_is_null(db_text(r, 0, 4)));
	assert_int_equal(0, db_text(r, 0, 4).n);
}

static void times(void **state)
{
	static const struct db_query q = {
		.name = "times",
		.sql = "select timestamptz '1970-01-01 00:00:00+00', timestamptz '1969-12-31 "
		       "23:59:59.999999+00', timestamptz '2026-11-21 05:00:00.1+02', "
		       "timestamptz 'infinity', null::timestamptz",
		.returns_rows = true
	};
	struct db_result *r = echo(*state, &q, NULL);
	char text[CLOCK_TEXT_SIZE];

	assert_int_equal(0, db_time(r, 0, 0));
	assert_int_equal(-1, db_time(r, 0, 1));
	assert_string_equal("2026-11-21T03:00:00.100Z", clock_format(db_time(r, 0, 2), text));
	assert_int_equal(INT64_MAX, db_time(r, 0, 3));
	assert_int_equal(0, db_time(r, 0, 4));
}

#define MANY 5000

static void arrays(void **state)
{
	static const enum db_type types[] = { DB_TEXTS, DB_INTS,  DB_UUIDS, DB_TIMES,
					      DB_BOOLS, DB_JSONS, DB_BYTESS };
	static const struct db_query q = {
		.name = "arrays",
		.sql = "select * from unnest($1, $2, $3, $4, $5, $6, $7) with ordinality",
		.param_count = 7,
		.param_types = types,
		.returns_rows = true
	};
	struct fixture *fx = *state;
	struct str *texts = talloc_zero_array(fx->mem, struct str, MANY);
	struct str *jsons = talloc_zero_array(fx->mem, struct str, MANY);
	int64_t *ints = talloc_zero_array(fx->mem, int64_t, MANY);
	struct uuid *ids = talloc_zero_array(fx->mem, struct uuid, MANY);
	bool *bools = talloc_zero_array(fx->mem, bool, MANY);

	for (size_t i = 0; i < MANY; i++) {
		ints[i] = (int64_t)i * 1000003;
		ids[i] = uuid_new();
		bools[i] = i % 3 == 0;
		if (i % 7 != 0) /* every seventh is null */
			texts[i] = str_of(talloc_asprintf(fx->mem, "te\"x,t}%zu", i));
		jsons[i] = str_of(talloc_asprintf(fx->mem, "{\"n\": %zu}", i));
	}
	const struct db_param params[] = {
		{ .array = texts, .array_count = MANY }, { .array = ints, .array_count = MANY },
		{ .array = ids, .array_count = MANY },	 { .array = ints, .array_count = MANY },
		{ .array = bools, .array_count = MANY }, { .array = jsons, .array_count = MANY },
		{ .array = texts, .array_count = MANY },
	};
	struct db_result *r = echo(fx, &q, params);

	assert_int_equal(MANY, db_rows(r));
	for (size_t i = 0; i < MANY; i++) {
		assert_true(str_eq(texts[i], db_text(r, i, 0)));
		assert_int_equal(str_is_null(texts[i]), db_is_null(r, i, 0));
		assert_int_equal(ints[i], db_int(r, i, 1));
		assert_true(uuid_eq(ids[i], db_uuid(r, i, 2)));
		assert_int_equal(ints[i], db_time(r, i, 3));
		assert_int_equal(bools[i], db_bool(r, i, 4));
		assert_true(str_eq(jsons[i], db_text(r, i, 5)));
		assert_true(str_eq(texts[i], db_bytes(r, i, 6)));
		assert_int_equal(i + 1, db_int(r, i, 7));
	}
}

/* Held-back statements copy their texts: the caller's may be gone when sent. */
static void deferred_texts_are_copied(void **state)
{
	static const enum db_type types[] = { DB_TEXT, DB_TEXTS };
	static const struct db_query set = { .name = "set",
					     .sql = "select set_config('t.a', $1, true), "
						    "set_config('t.b', ($2)[1], true)",
					     .param_count = 2,
					     .param_types = types };
	static const struct db_query get = {
		.name = "get",
		.sql = "select current_setting('t.a'), current_setting('t.b')",
		.returns_rows = true
	};
	struct fixture *fx = *state;
	struct tx *tx = tx_new(fx->mem, fx->db, DB_APP, TX_WRITE, NULL);
	char text[] = "first";
	struct str list[] = { { text, 5 } };
	struct db_param params[] = { { .text = { text, 5 } }, { .array = list, .array_count = 1 } };
	struct db_result *r;

	must(tx_defer(tx, &set, params));
	memset(text, 'x', 5);
	must(tx_run(tx, &get, NULL, &r));
	assert_true(str_eq(STR("first"), db_text(r, 0, 0)));
	assert_true(str_eq(STR("first"), db_text(r, 0, 1)));
	tx_end(tx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars),
		cmocka_unit_test(nulls_and_empties),
		cmocka_unit_test(times),
		cmocka_unit_test(arrays),
		cmocka_unit_test(deferred_texts_are_copied),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
