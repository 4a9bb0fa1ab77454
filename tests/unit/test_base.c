/* test_base.c - the base library: text, buffers, maps, time, ids, JSON, faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <talloc.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/json.h"
#include "base/log.h"
#include "base/map.h"
#include "base/parse.h"
#include "base/uuid.h"
#include "base/vec.h"

#define assert_str(s, literal) \
	assert_true(str_eq((s), STR(literal)) || (print_error("got %.*s\n", STR_ARG(s)), false))

static void text_is_cut_and_compared(void **state)
{
	(void)state;
	struct str rest = STR("a=b=c");

	assert_str(str_cut(&rest, '='), "a");
	assert_str(rest, "b=c");
	assert_str(str_cut(&rest, ';'), "b=c");
	assert_true(str_is_null(rest));
	assert_str(str_trim(STR(" \t x y\r\n")), "x y");
	assert_true(str_eq_nocase(STR("HoSt"), STR("hOsT")));
	assert_false(str_eq_nocase(STR("host"), STR("hosts")));
	assert_true(str_starts(STR("abc"), STR("ab")) && str_ends(STR("abc"), STR("bc")));
	assert_false(str_starts(STR("a"), STR("ab")));
}

static void utf8_is_judged_as_rfc_3629_says(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		bool fine;
	} cases[] = {
		{ "plain", true },
		{ "\xC3\xA4", true },
		{ "\xE2\x82\xAC", true },
		{ "\xF0\x9F\x98\x80", true },
		{ "\xC0\x80", false },
		{ "\xC1\xBF", false },
		{ "\xE0\x80\x80", false },
		{ "\xED\xA0\x80", false },
		{ "\xED\x9F\xBF", true },
		{ "\xF4\x8F\xBF\xBF", true },
		{ "\xF4\x90\x80\x80", false },
		{ "\xF0\x80\x80\x80", false },
		{ "\x80", false },
		{ "\xC3", false },
		{ "a\xFF", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(cases[i].fine, str_is_utf8(str_of(cases[i].bytes)));
	assert_int_equal(3, str_code_points(STR("a\xC3\xA4\xE2\x82\xAC")));
}

static void a_buffer_keeps_its_maximum(void **state)
{
	(void)state;
	void *ctx = talloc_new(NULL);
	struct buf b;

	buf_init(&b, ctx, 10);
	buf_text(&b, "12345");
	buf_printf(&b, "%d", 67890);
	assert_false(b.overflowed);
	assert_str(buf_view(&b), "1234567890");
	buf_char(&b, 'x');
	assert_true(b.overflowed);
	assert_str(buf_view(&b), "1234567890");
	buf_reset(&b);
	buf_text(&b, "again");
	buf_consume(&b, 2);
	assert_str(buf_view(&b), "ain");
	talloc_free(ctx);
}

static void a_map_survives_growth_and_removal(void **state)
{
	(void)state;
	struct map *m = map_new(NULL);
	static int values[1000];
	char key[16];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 1000; i++) {
			snprintf(key, sizeof(key), "key%d", i);
			map_put(m, str_of(key), &values[i]);
		}
		assert_int_equal(1000, map_count(m));
		for (int i = 0; i < 1000; i += 2) {
			snprintf(key, sizeof(key), "key%d", i);
			assert_ptr_equal(&values[i], map_remove(m, str_of(key)));
			assert_null(map_get(m, str_of(key)));
		}
		for (int i = 1; i < 1000; i += 2) {
			snprintf(key, sizeof(key), "key%d", i);
			assert_ptr_equal(&values[i], map_get(m, str_of(key)));
		}
	}
	size_t cursor = 0, seen = 0;
	struct str name;
	void *value;
	while (map_next(m, &cursor, &name, &value))
		seen++;
	assert_int_equal(500, seen);
	talloc_free(m);
}

static void times_are_read_and_written(void **state)
{
	(void)state;
	char text[CLOCK_TEXT_SIZE];
	int64_t us;

	assert_true(clock_parse(STR("2026-11-21T03:34:11.319Z"), &us));
	assert_string_equal("2026-11-21T03:34:11.319Z", clock_format(us, text));
	assert_true(clock_parse(STR("2026-11-21T04:34:11.319+01:00"), &us));
	assert_string_equal("2026-11-21T03:34:11.319Z", clock_format(us, text));
	assert_true(clock_parse(STR("1969-12-31 23:59:59.999999Z"), &us));
	assert_int_equal(-1, us);
	assert_string_equal("1969-12-31T23:59:59.999999Z", clock_format(us, text));
	assert_true(clock_parse(STR("2024-02-29"), &us));
	static const char *const bad[] = { "",	"2026", "2025-02-29", "2026-13-01", "2026-11-21T",
					   "2026-11-21T25:00:00Z", "2026-11-21T03:34:11",
					   "2026-11-21T03:34:11Zx", "20261121T033411Z", "abc" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(clock_parse(str_of(bad[i]), &us));
}

static void ids_ascend_and_come_back(void **state)
{
	(void)state;
	struct uuid before = uuid_new(), back;
	char text[UUID_TEXT_SIZE];

	for (int i = 0; i < 20000; i++) {
		struct uuid next = uuid_new();
		assert_true(memcmp(before.b, next.b, 16) < 0);
		before = next;
	}
	assert_int_equal(7, before.b[6] >> 4);
	assert_true(uuid_parse(str_of(uuid_format(before, text)), &back));
	assert_true(uuid_eq(before, back));
	assert_false(uuid_parse(STR("not-an-id"), &back));
	assert_false(uuid_parse(STR("0192f0c1+0000-7000-8000-000000000000"), &back));
}

static void numbers_are_whole_or_nothing(void **state)
{
	(void)state;
	int64_t value;
	double real;
	struct str text;
	void *ctx = talloc_new(NULL);

	assert_true(parse_int(STR("-9223372036854775808"), INT64_MIN, INT64_MAX, &value));
	assert_false(parse_int(STR("9223372036854775808"), INT64_MIN, INT64_MAX, &value));
	assert_false(parse_int(STR("1 "), 0, 10, &value));
	assert_false(parse_int(STR("+1"), 0, 10, &value));
	assert_false(parse_int(STR(""), 0, 10, &value));
	assert_false(parse_int(STR("-"), 0, 10, &value));
	assert_false(parse_int(STR("11"), 0, 10, &value));
	assert_true(parse_double(STR("1.5e3"), &real));
	assert_false(parse_double(STR("1e999"), &real));
	assert_true(parse_percent(ctx, STR("a%20b+c"), true, &text));
	assert_str(text, "a b c");
	assert_false(parse_percent(ctx, STR("%4"), false, &text));
	assert_false(parse_percent(ctx, STR("%zz"), false, &text));
	assert_false(parse_percent(ctx, STR("%00"), false, &text));
	talloc_free(ctx);
}

static void json_is_strict(void **state)
{
	(void)state;
	static const char *const good[] = { "null", " [1, -0, 0.5e+10] ", "\"\\u00e4\\n\"", "{}",
					    "{\"a\":{\"b\":[true,false,null]}}", "1E400" };
	static const char *const bad[] = {
		"",	  "[1,]",      "{\"a\":1,}", "01",	"1.",	    ".5",	"+1",
		"nul",	  "\"\\x\"",   "\"\t\"",     "[1 2]",	"{a:1}",    "{\"a\"}",	"[",
		"\"open", "\"\\u12g4\"", "1 2",	     "'a'",	"-",	    "{\"a\":}", "1e",
		"\"\xC0\x80\"", "[1}", "tru",	     "\xEF\xBB\xBF{}", "NaN",
	};
	void *ctx = talloc_new(NULL);
	struct json j;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_null(json_parse(ctx, str_of(good[i]), &json_default_limits, &j));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_non_null(json_parse(ctx, str_of(bad[i]), &json_default_limits, &j));
	char deep[300];
	memset(deep, '[', 150);
	memset(deep + 150, ']', 150);
	assert_non_null(json_parse(ctx, (struct str){ deep, 300 }, &json_default_limits, &j));
	talloc_free(ctx);
}

static void json_is_walked(void **state)
{
	(void)state;
	void *ctx = talloc_new(NULL);
	struct json j;
	int64_t value;

	assert_null(json_parse(ctx,
			       STR("{\"a\":[1,{\"x\":2},\"s\"],"
				   "\"k\\u0065y\":\"\\ud83d\\ude00\\ud800!\","
				   "\"n\":12,\"a2\":{\"d\":1,\"d\":2}}"),
			       &json_default_limits, &j));
	const struct json_node *root = json_root(&j);
	assert_int_equal(4, root->count);
	const struct json_node *list = json_get(&j, root, STR("a"));
	assert_str(json_text(&j, list), "[1,{\"x\":2},\"s\"]");
	int seen = 0;
	for (const struct json_node *n = json_first(&j, list); n; n = json_next(&j, list, n))
		seen++;
	assert_int_equal(3, seen);
	assert_str(json_string(ctx, &j, json_get(&j, root, STR("key"))),
		   "\xF0\x9F\x98\x80\xEF\xBF\xBD!");
	assert_true(json_int(&j, json_get(&j, root, STR("n")), &value) && value == 12);
	assert_null(json_get(&j, root, STR("missing")));
	assert_str(json_duplicate_key(ctx, &j), "d");
	talloc_free(ctx);
}

static void json_is_written(void **state)
{
	(void)state;
	void *ctx = talloc_new(NULL);
	struct buf b;
	struct json_out w;

	buf_init(&b, ctx, 1000);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "a");
	json_open(&w, '[');
	json_put_int(&w, 1);
	json_put_str(&w, STR("q\"\\\n\x01\xFF"));
	json_put_null(&w);
	json_close(&w, ']');
	json_key(&w, "b");
	json_put_bool(&w, true);
	json_close(&w, '}');
	assert_str(buf_view(&b), "{\"a\":[1,\"q\\\"\\\\\\n\\u0001\xEF\xBF\xBD\",null],\"b\":true}");
	struct json j;
	assert_null(json_parse(ctx, buf_view(&b), &json_default_limits, &j));
	talloc_free(ctx);
}

static struct fault *inner(const void *ctx)
{
	return fault_invalid(ctx, "/name", "too_short", "at least %d characters", 3);
}

static struct fault *outer(const void *ctx)
{
	TRY(inner(ctx));
	return NULL;
}

static void faults_carry_fields_and_place(void **state)
{
	(void)state;
	void *ctx = talloc_new(NULL);
	struct fault *f = fault_field(outer(ctx), "/age", "missing", "is required");

	assert_int_equal(FAULT_INVALID, f->kind);
	assert_string_equal("/name", f->fields->field);
	assert_string_equal("at least 3 characters", f->fields->message);
	assert_string_equal("/age", f->fields->next->field);
	assert_non_null(strstr(fault_describe(ctx, FAULT_BUG(ctx, "lost %s", "it")), "lost it"));
	talloc_free(ctx);
}

static void secrets_are_known_by_their_key(void **state)
{
	(void)state;
	assert_true(log_key_is_secret(STR("Password")));
	assert_true(log_key_is_secret(STR("refresh_token")));
	assert_true(log_key_is_secret(STR("X-Api_Key")));
	assert_false(log_key_is_secret(STR("path")));
}

static void a_vector_grows(void **state)
{
	(void)state;
	void *ctx = talloc_new(NULL);
	VEC(int) numbers = { 0 };

	for (int i = 0; i < 100; i++)
		*VEC_ADD(&numbers, ctx) = i;
	for (int i = 0; i < 100; i++)
		assert_int_equal(i, numbers.v[i]);
	talloc_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_cut_and_compared),
		cmocka_unit_test(utf8_is_judged_as_rfc_3629_says),
		cmocka_unit_test(a_buffer_keeps_its_maximum),
		cmocka_unit_test(a_map_survives_growth_and_removal),
		cmocka_unit_test(times_are_read_and_written),
		cmocka_unit_test(ids_ascend_and_come_back),
		cmocka_unit_test(numbers_are_whole_or_nothing),
		cmocka_unit_test(json_is_strict),
		cmocka_unit_test(json_is_walked),
		cmocka_unit_test(json_is_written),
		cmocka_unit_test(faults_carry_fields_and_place),
		cmocka_unit_test(secrets_are_known_by_their_key),
		cmocka_unit_test(a_vector_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
