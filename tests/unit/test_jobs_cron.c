/* test_jobs_cron.c - cron lines: what is read, what is refused, when they fire. */
#include "base/clock.h"
#include "services/jobs/cron.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int64_t at(const char *text)
{
	int64_t us;

	assert_true(clock_parse(str_of(text), &us));
	return us;
}

static void next_is(const char *line, const char *after, const char *expected)
{
	char text[CLOCK_TEXT_SIZE];
	struct cron c;

	assert_true(cron_parse(str_of(line), &c));
	assert_string_equal(expected, clock_format(cron_next(&c, at(after)), text));
}

static void last_is(const char *line, const char *until, const char *expected)
{
	char text[CLOCK_TEXT_SIZE];
	struct cron c;

	assert_true(cron_parse(str_of(line), &c));
	assert_string_equal(expected, clock_format(cron_last(&c, at(until)), text));
}

static void lines_fire_when_they_say(void **state)
{
	(void)state;
	next_is("* * * * *", "2026-11-21T05:00:00Z", "2026-11-21T05:01:00.000Z");
	next_is("*/15 * * * *", "2026-11-21T05:16:10Z", "2026-11-21T05:30:00.000Z");
	next_is("0 6 * * *", "2026-11-21T06:00:00Z", "2026-11-22T06:00:00.000Z");
	next_is("5-20/5 3 * * *", "2026-11-21T03:10:00Z", "2026-11-21T03:15:00.000Z");
	next_is("50/5 * * * *", "2026-11-21T03:51:00Z", "2026-11-21T03:55:00.000Z");
	next_is("0 0 29 2 *", "2026-11-21T00:00:00Z", "2028-02-29T00:00:00.000Z");
	next_is("0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00.000Z");
	next_is("0 0 * * mon", "2026-11-21T00:00:00Z", "2026-11-23T00:00:00.000Z");
	next_is("0 0 * * 7", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00.000Z");
	next_is("0 0 1 jan *", "2026-11-21T00:00:00Z", "2027-01-01T00:00:00.000Z");
	next_is("59 23 31 12 *", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00.000Z");
	next_is("@weekly", "2026-11-21T05:00:00Z", "2026-11-22T00:00:00.000Z");
	next_is("1,2,40 * * * *", "2026-11-21T05:02:00Z", "2026-11-21T05:40:00.000Z");
	/* both days given: either will do (crontab(5)) */
	next_is("0 0 13 * fri", "2026-11-21T00:00:00Z", "2026-11-27T00:00:00.000Z");
	next_is("0 0 13 * fri", "2026-12-11T00:00:00Z", "2026-12-13T00:00:00.000Z");
	last_is("0 6 * * *", "2026-11-21T06:00:00Z", "2026-11-21T06:00:00.000Z");
	last_is("0 6 * * *", "2026-11-21T05:59:59Z", "2026-11-20T06:00:00.000Z");
	last_is("0 0 29 2 *", "2026-11-21T00:00:00Z", "2024-02-29T00:00:00.000Z");
}

static void next_and_last_agree(void **state)
{
	const char *const lines[] = { "*/7 * * * *", "3 4 * * 1-5", "0 0 31 * *",
				      "12 */5 1 */3 *" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct cron c;
		int64_t us = at("2026-01-01T00:00:00Z");

		assert_true(cron_parse(str_of(lines[i]), &c));
		for (int k = 0; k < 500; k++) {
			const int64_t next = cron_next(&c, us);

			assert_true(next > us);
			assert_int_equal(next, cron_last(&c, next));
			assert_int_equal(next, cron_last(&c, next + 59999999));
			assert_true(cron_last(&c, next - 1) <= us || k == 0);
			us = next;
		}
	}
}

static void nonsense_is_refused(void **state)
{
	const char *const lines[] = {
		"",
		"*",
		"* * * *",
		"* * * * * *",
		"60 * * * *",
		"* 24 * * *",
		"* * 0 * *",
		"* * 32 * *",
		"* * * 13 *",
		"* * * * 8",
		"*/0 * * * *",
		"5-1 * * * *",
		"a * * * *",
		"1, * * * *",
		",1 * * * *",
		"1- * * * *",
		"-1 * * * *",
		"*/ * * * *",
		"@never",
		"0 0 30 2 *",
		"0 0 31 4 *",
		"1-2-3 * * * *",
		"* * * ja *",
		"+1 * * * *",
		"1/2/3 * * * *",
	};
	struct cron c;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (cron_parse(str_of(lines[i]), &c))
			fail_msg("read: %s", lines[i]);
	assert_false(cron_parse((struct str){ 0 }, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_fire_when_they_say),
		cmocka_unit_test(next_and_last_agree),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
