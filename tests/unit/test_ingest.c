/* test_ingest.c - the rules of spec/ingestion.md for bodies and events. */
#include "modules/analytics/ingest_body.h"
#include "modules/analytics/ingest_event.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>
#include <zlib.h>

#include <cmocka.h>

#define SECOND_US ((int64_t)1000000)
#define DAY_US (86400 * SECOND_US)

static int64_t at(const char *text)
{
	int64_t us = 0;

	assert_true(clock_parse(str_of(text), &us));
	return us;
}

/* The events of a body received at 2026-11-21T12:00:00Z. */
static struct ingest_event *check(void *mem, const char *body, enum event_kind form, bool own,
				  size_t *ret_count)
{
	struct ingest_request_body request;
	struct ingest_event *events;
	struct json j;

	assert_null(ingest_body_read(mem, str_of(body), &j));
	assert_null(ingest_read_request(mem, &j, form, own, &request));
	request.source.received_us = at("2026-11-21T12:00:00Z");
	ingest_check_all(&request, &events, ret_count);
	return events;
}

static struct ingest_event check_one(void *mem, const char *event)
{
	size_t n;
	struct ingest_event *events =
		check(mem, talloc_asprintf(mem, "{\"batch\":[%s]}", event), EVENT_BATCH, false, &n);

	assert_int_equal(n, 1);
	return events[0];
}

static void assert_str(struct str s, const char *expected)
{
	if (!expected) {
		assert_null(s.p);
		return;
	}
	assert_non_null(s.p);
	assert_int_equal(s.n, strlen(expected));
	assert_memory_equal(s.p, expected, s.n);
}

static void test_reject_codes(void **state)
{
	static const struct {
		const char *event;
		enum reject_code code;
	} cases[] = {
		{ "{\"type\":\"track\",\"event\":\"A\",\"userId\":\"u\"}", REJECT_NONE },
		{ "{\"type\":\"track\",\"userId\":\"u\"}", REJECT_MISSING_EVENT },
		{ "{\"type\":\"track\",\"event\":\"\",\"userId\":\"u\"}", REJECT_MISSING_EVENT },
		{ "{\"type\":\"track\",\"event\":\"A\"}", REJECT_NO_IDENTITY },
		{ "{\"type\":\"track\",\"event\":\"A\",\"userId\":\"\"}", REJECT_NO_IDENTITY },
		{ "{\"type\":\"track\",\"event\":\"A\",\"userId\":null}", REJECT_NO_IDENTITY },
		{ "{\"type\":\"track\",\"event\":\"A\",\"userId\":{}}", REJECT_NO_IDENTITY },
		{ "{\"type\":\"track\",\"event\":\"A\",\"anonymousId\":\"a\"}", REJECT_NONE },
		{ "{\"type\":\"group\",\"userId\":\"u\"}", REJECT_MISSING_GROUP },
		{ "{\"type\":\"group\",\"userId\":\"u\",\"groupId\":7}", REJECT_NONE },
		{ "{\"type\":\"alias\",\"userId\":\"u\"}", REJECT_MISSING_PREVIOUS },
		{ "{\"type\":\"alias\",\"userId\":\"u\",\"previousId\":\"p\"}", REJECT_NONE },
		{ "{\"type\":\"sing\",\"userId\":\"u\"}", REJECT_INVALID_TYPE },
		{ "{\"userId\":\"u\"}", REJECT_INVALID_TYPE },
		{ "{\"type\":7,\"userId\":\"u\"}", REJECT_INVALID_TYPE },
		{ "{\"type\":\"identify\",\"userId\":\"u\",\"traits\":[1]}", REJECT_INVALID_TYPE },
		{ "{\"type\":\"page\",\"userId\":\"u\",\"timestamp\":\"soon\"}",
		  REJECT_INVALID_TIMESTAMP },
		{ "{\"type\":\"page\",\"userId\":\"u\",\"timestamp\":true}",
		  REJECT_INVALID_TIMESTAMP },
		{ "{\"type\":\"page\",\"userId\":\"u\",\"timestamp\":1795262400000}", REJECT_NONE },
		{ "\"text\"", REJECT_NOT_AN_OBJECT },
		{ "null", REJECT_NOT_AN_OBJECT },
		{ "[]", REJECT_NOT_AN_OBJECT },
	};
	(void)state;
	void *mem = talloc_new(NULL);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ingest_event e = check_one(mem, cases[i].event);
		if (e.reject != cases[i].code)
			fail_msg("%s: %s", cases[i].event, reject_code_names[e.reject]);
		assert_int_equal(e.fate, e.reject ? FATE_REJECTED : FATE_PENDING);
	}
	talloc_free(mem);
}

static void test_limits(void **state)
{
	(void)state;
	void *mem = talloc_new(NULL);
	char *wide = talloc_strdup(mem, "{\"type\":\"identify\",\"userId\":\"u\",\"traits\":{");
	char *deep =
		talloc_strdup(mem, "{\"type\":\"identify\",\"userId\":\"u\",\"traits\":{\"a\":");
	char *large = talloc_array(mem, char, 33 * 1024);

	memset(large, 'x', 33 * 1024);
	large[33 * 1024 - 1] = '\0';
	const char *event = talloc_asprintf(
		mem, "{\"type\":\"identify\",\"userId\":\"u\",\"x\":\"%s\"}", large);
	assert_int_equal(check_one(mem, event).reject, REJECT_TOO_LARGE);

	for (int i = 0; i < 250; i++)
		deep = talloc_asprintf_append_buffer(deep, "[");
	for (int i = 0; i < 250; i++)
		deep = talloc_asprintf_append_buffer(deep, "]");
	assert_int_equal(check_one(mem, talloc_asprintf(mem, "%s}}", deep)).reject,
			 REJECT_TOO_LARGE);

	for (int i = 0; i <= 10000; i++)
		wide = talloc_asprintf_append_buffer(wide, "%s\"\":1", i ? "," : "");
	/* 10 001 properties of five bytes would not fit 32 KB: too large either way */
	assert_int_equal(check_one(mem, talloc_asprintf(mem, "%s}}", wide)).reject,
			 REJECT_TOO_LARGE);
	talloc_free(mem);
}

/* A context of a megabyte times ten thousand events must not be stored. */
static void test_shared_context_counts(void **state)
{
	(void)state;
	void *mem = talloc_new(NULL);
	char *large = talloc_array(mem, char, 40 * 1024);
	size_t n;

	memset(large, 'x', 40 * 1024);
	large[40 * 1024 - 1] = '\0';
	const char *body = talloc_asprintf(
		mem,
		"{\"context\":{\"a\":\"%s\"},\"batch\":[{\"type\":\"page\",\"userId\":\"u\"}]}",
		large);
	assert_int_equal(check(mem, body, EVENT_BATCH, false, &n)[0].reject, REJECT_TOO_LARGE);
	talloc_free(mem);
}

static void test_clock(void **state)
{
	int64_t received = at("2026-11-21T12:00:00Z");
	(void)state;
	void *mem = talloc_new(NULL);

	/* a client an hour slow, sending five seconds after the event */
	assert_int_equal(ingest_repair_clock(at("2026-11-21T10:59:55Z"), at("2026-11-21T11:00:00Z"),
					     received),
			 at("2026-11-21T11:59:55Z"));
	assert_int_equal(ingest_repair_clock(7, INT64_MIN, received), 7);

	struct ingest_event e = check_one(
		mem, "{\"type\":\"page\",\"userId\":\"u\",\"timestamp\":\"2026-11-21T10:59:55Z\","
		     "\"sentAt\":\"2026-11-21T11:00:00Z\"}");
	assert_int_equal(e.timestamp_us, at("2026-11-21T11:59:55Z"));
	assert_int_equal(e.flags & EVENT_FLAG_CLOCK_REPAIRED, EVENT_FLAG_CLOCK_REPAIRED);
	assert_str(e.original_timestamp, "2026-11-21T10:59:55Z");

	e = check_one(mem, "{\"type\":\"page\",\"userId\":\"u\","
			   "\"timestamp\":\"2026-10-01T00:00:00Z\"}");
	assert_int_equal(e.timestamp_us, at("2026-10-01T00:00:00Z"));
	assert_true(e.flags & EVENT_FLAG_LATE);
	e = check_one(mem, "{\"type\":\"page\",\"userId\":\"u\","
			   "\"timestamp\":\"2026-11-21T12:05:01Z\"}");
	assert_true(e.flags & EVENT_FLAG_AHEAD);
	e = check_one(mem, "{\"type\":\"page\",\"userId\":\"u\"}");
	assert_int_equal(e.timestamp_us, received);
	assert_str(e.original_timestamp, NULL);
	/* absurd clocks do not leave the calendar */
	e = check_one(mem, "{\"type\":\"page\",\"userId\":\"u\","
			   "\"timestamp\":\"9999-12-31T00:00:00Z\",\"sentAt\":\"0001-01-01\"}");
	assert_int_equal(e.timestamp_us, at("9999-12-31T00:00:00Z"));
	talloc_free(mem);
}

static void test_ids(void **state)
{
	(void)state;
	void *mem = talloc_new(NULL);
	struct ingest_event e = check_one(
		mem, "{\"type\":\"track\",\"event\":\"A\",\"userId\":42,\"messageId\":\"m-1\"}");

	assert_str(e.user_id, "42");
	assert_str(e.message_id, "m-1");
	assert_false(e.flags & EVENT_FLAG_MESSAGE_ID_MADE);
	struct ingest_event again = check_one(
		mem, "{\"type\":\"track\",\"event\":\"B\",\"userId\":1,\"messageId\":\"m-1\"}");
	assert_true(uuid_eq(e.key, again.key));
	again = check_one(
		mem, "{\"type\":\"track\",\"event\":\"B\",\"userId\":1,\"messageId\":\"m-2\"}");
	assert_false(uuid_eq(e.key, again.key));
	e = check_one(mem, "{\"type\":\"track\",\"event\":\"A\",\"userId\":42}");
	assert_int_equal(e.message_id.n, 36);
	assert_true(e.flags & EVENT_FLAG_MESSAGE_ID_MADE);
	/* the last of equal keys wins, as in jsonb */
	e = check_one(mem, "{\"type\":\"track\",\"event\":\"A\",\"userId\":1,\"userId\":2}");
	assert_str(e.user_id, "2");
	talloc_free(mem);
}

static void test_merging(void **state)
{
	size_t n;
	(void)state;
	void *mem = talloc_new(NULL);
	struct ingest_event *e = check(
		mem,
		"{\"context\":{\"ip\":\"1.1.1.1\",\"a\":1},"
		"\"integrations\":{\"All\":true},\"batch\":["
		"{\"type\":\"page\",\"userId\":\"u\"},"
		"{\"type\":\"page\",\"userId\":\"u\",\"context\":{\"a\":2},\"colour\":\"red\","
		"\"ip\":7,\"integrations\":{\"X\":false}}]}",
		EVENT_BATCH, false, &n);

	assert_int_equal(n, 2);
	assert_str(e[0].context, "{\"ip\":\"1.1.1.1\",\"a\":1}");
	assert_str(e[1].context, "{\"ip\":\"1.1.1.1\",\"a\":1,\"colour\":\"red\",\"a\":2,"
				 "\"extra\":{\"ip\":7}}");
	assert_str(e[1].integrations, "{\"All\":true,\"X\":false}");
	assert_str(check_one(mem, "{\"type\":\"page\",\"userId\":\"u\",\"context\":{}}").context,
		   NULL);
	talloc_free(mem);
}

static void test_forms(void **state)
{
	size_t n;
	(void)state;
	void *mem = talloc_new(NULL);
	struct ingest_event *e = check(mem, "{\"event\":\"A\",\"userId\":\"u\",\"writeKey\":\"k\"}",
				       EVENT_TRACK, false, &n);

	assert_int_equal(n, 1);
	assert_int_equal(e[0].kind, EVENT_TRACK);
	assert_str(e[0].context, NULL);
	e = check(mem, "[{\"name\":\"A\",\"user_id\":\"u\",\"message_id\":\"m\"}]", EVENT_BATCH,
		  true, &n);
	assert_int_equal(e[0].reject, REJECT_NONE);
	assert_str(e[0].name, "A");
	assert_str(e[0].message_id, "m");
	e = check(mem, "{\"events\":[{\"type\":\"identify\",\"anonymous_id\":\"a\"},7]}",
		  EVENT_BATCH, true, &n);
	assert_int_equal(n, 2);
	assert_int_equal(e[0].kind, EVENT_IDENTIFY);
	assert_int_equal(e[1].reject, REJECT_NOT_AN_OBJECT);
	assert_int_equal(e[1].index, 1);
	e = check(mem, "{\"name\":\"A\",\"user_id\":\"u\"}", EVENT_BATCH, true, &n);
	assert_int_equal(e[0].reject, REJECT_NONE);
	talloc_free(mem);
}

static void test_unreadable(void **state)
{
	static const char *const bodies[] = { "", "{", "nope", "{\"batch\":[}", "\"text\" x" };
	(void)state;
	void *mem = talloc_new(NULL);
	struct ingest_request_body request;
	struct json j;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		struct fault *f = ingest_body_read(mem, str_of(bodies[i]), &j);
		assert_non_null(f);
		assert_int_equal(f->kind, FAULT_MALFORMED);
	}
	assert_null(ingest_body_read(mem, STR("{\"batch\":7}"), &j));
	assert_int_equal(ingest_read_request(mem, &j, EVENT_BATCH, false, &request)->kind,
			 FAULT_MALFORMED);
	assert_null(ingest_body_read(mem, STR("[1]"), &j));
	assert_int_equal(ingest_read_request(mem, &j, EVENT_TRACK, false, &request)->kind,
			 FAULT_MALFORMED);
	talloc_free(mem);
}

static void assert_repaired(const char *before, size_t n, const char *after)
{
	char text[100];

	memcpy(text, before, n);
	ingest_repair_bytes(text, n);
	ingest_repair_escapes(text, n);
	assert_int_equal(n, strlen(after));
	assert_memory_equal(text, after, n);
}

#define REPAIRED(before, after) assert_repaired(before, sizeof(before) - 1, after)

static void test_repairs(void **state)
{
	(void)state;
	REPAIRED("a\\u0000b", "a\\ufffdb");
	REPAIRED("\\\\u0000", "\\\\u0000");
	REPAIRED("\\ud83d\\ude00", "\\ud83d\\ude00");
	REPAIRED("\\ud83dx", "\\ufffdx");
	REPAIRED("\\ude00\\ud83d", "\\ufffd\\ufffd");
	REPAIRED("\\ud83d\\ud83d\\ude00", "\\ufffd\\ud83d\\ude00");
	REPAIRED("\\u00", "\\u00");
	REPAIRED("x\\", "x\\");
	REPAIRED("a\0b", "a?b");
	REPAIRED("gr\xFC\xDF", "gr??");
	REPAIRED("\xED\xA0\x80z", "\xEF\xBF\xBDz");
	REPAIRED("\xC3\xA9\xC3", "\xC3\xA9?");
}

static void test_numbers(void **state)
{
	(void)state;
	void *mem = talloc_new(NULL);
	struct json j;

	assert_null(ingest_body_read(
		mem, STR("[1e999999,1e-99999,1e1000,-1E+400000,12345678901234567890,0.1]"), &j));
	assert_str(j.text, "[null    ,null    ,1e1000,null      ,12345678901234567890,0.1]");
	talloc_free(mem);
}

static struct str packed(void *mem, const char *text, size_t n)
{
	size_t room = n + 1000;
	Bytef *out = talloc_size(mem, room);
	z_stream z = { .next_in = (Bytef *)(uintptr_t)text,
		       .avail_in = (uInt)n,
		       .next_out = out,
		       .avail_out = (uInt)room };

	deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
	deflate(&z, Z_FINISH);
	deflateEnd(&z);
	return (struct str){ (char *)out, room - z.avail_out };
}

static void test_gzip(void **state)
{
	(void)state;
	void *mem = talloc_new(NULL);
	struct json j;
	struct str body = packed(mem, "{\"a\":1}", 7);

	assert_null(ingest_body_read(mem, body, &j));
	assert_str(j.text, "{\"a\":1}");
	assert_int_equal(ingest_body_read(mem, str_slice(body, 0, body.n - 9), &j)->kind,
			 FAULT_MALFORMED);
	size_t n = 64U << 20;
	char *zeros = talloc_size(mem, n);
	memset(zeros, '0', n);
	body = packed(mem, zeros, n);
	assert_true(body.n < 100000);
	assert_int_equal(ingest_body_read(mem, body, &j)->kind, FAULT_TOO_LARGE);
	talloc_free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reject_codes),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_shared_context_counts),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_merging),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_repairs),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_gzip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
