/* test_jobs_check.c - job types that cannot run are found before anything starts. */
#include "services/jobs/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <talloc.h>

static struct fault *nothing(const void *mem, struct app *app, const struct job *job)
{
	(void)mem;
	(void)app;
	(void)job;
	return NULL;
}

static struct fault *check(const void *ctx, const struct job_type *const *jobs)
{
	const struct module module = { .name = "trial", .jobs = jobs };
	const struct module *const modules[] = { &module, NULL };
	struct registry *r;

	assert_null(registry_build(ctx, modules, &r));
	return jobs_check(ctx, r);
}

static void good_ones_pass(void **state)
{
	void *ctx = talloc_new(NULL);
	const struct job_type mail = { .name = "trial.mail", .queue = "email", .run = nothing };

	(void)state;
	assert_null(check(ctx, NULL));
	assert_null(check(ctx, LIST(struct job_type *, &mail)));
	talloc_free(ctx);
}

static void every_finding_is_told(void **state)
{
	static const char *const expected[] = { "unknown_queue", "empty_job", "doubled_job",
						"nameless_job" };
	void *ctx = talloc_new(NULL);
	const struct job_type astray = { .name = "trial.a", .queue = "e-mail", .run = nothing };
	const struct job_type empty = { .name = "trial.b", .queue = "email" };
	const struct job_type twin = { .name = "trial.a", .queue = "email", .run = nothing };
	const struct job_type nameless = { .queue = "email", .run = nothing };
	const struct fault *f =
		check(ctx, LIST(struct job_type *, &astray, &empty, &twin, &nameless));
	const struct fault_field *field;
	size_t n = 0;

	(void)state;
	assert_non_null(f);
	for (field = f->fields; field; field = field->next) {
		assert_in_range(n, 0, 3);
		assert_string_equal(expected[n++], field->code);
	}
	assert_int_equal(4, n);
	talloc_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_pass),
		cmocka_unit_test(every_finding_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
