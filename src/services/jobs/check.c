/* check.c - what must be true of the job types of all modules together.
 *
 * Asked once, before anything starts; `bulkhead doctor --contract` shows the list. */
#include "services/jobs/jobs.h"

#include "base/map.h"

#include <talloc.h>

static void check_type(struct fault *f, struct map *known, const struct module *m,
		       const struct job_type *t)
{
	if (!t->name) {
		fault_field(f, m->name, "nameless_job", "A job type needs a name: module.what.");
		return;
	}
	if (!t->run)
		fault_field(f, t->name, "empty_job", "The job has no function to run.");
	if (!t->queue || !job_queue_find(t->queue))
		fault_field(f, t->name, "unknown_queue",
			    "There is no queue %s; services/jobs/queues.c has the list.",
			    t->queue ? t->queue : "(none)");
	if (map_put(known, str_of(t->name), f))
		fault_field(f, t->name, "doubled_job", "Two job types have this name.");
}

struct fault *jobs_check(const void *ctx, const struct registry *r)
{
	struct fault *f = FAULT(ctx, FAULT_INVALID, "contract", "The jobs break their contract.");
	struct map *known = map_new(f);

	for (const struct module *const *m = registry_modules(r); *m; m++)
		for (const struct job_type *const *t = (*m)->jobs; t && *t; t++)
			check_type(f, known, *m, *t);
	if (f->fields)
		return f;
	talloc_free(f);
	return NULL;
}
