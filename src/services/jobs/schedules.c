/* schedules.c - schedules fire once over all nodes.
 *
 * Every node knows when; the row (schedule, fire_time), inserted in the
 * transaction that enqueues the job, says who was first. What was missed while
 * no node ran fires once, for its newest time. */
#include "services/jobs/jobs_internal.h"

#include "base/clock.h"

#include <talloc.h>

struct fault *schedules_load(struct jobs *j, const void *mem)
{
	struct tx *tx = tx_new(mem, j->db, DB_PLATFORM, TX_READ, &(struct scope){ 0 });
	const struct module *const *modules = registry_modules(j->app->registry);
	const int64_t now_us = clock_wall_us();
	struct job_fires_latest_rows fired;

	TRY(job_fires_latest(tx, &fired));
	for (size_t m = 0; modules[m]; m++) {
		const struct job_schedule *s = modules[m]->schedules;

		for (; s && s->name; s++) {
			struct schedule new = { .kind = s, .last_us = now_us };

			if (!cron_parse(str_of(s->cron), &new.cron))
				return FAULT_BUG(mem, "schedule %s: cannot read \"%s\"", s->name,
						 s->cron);
			for (size_t i = 0; i < fired.n; i++)
				if (str_eq(fired.v[i].schedule, str_of(s->name)))
					new.last_us = fired.v[i].fire_time;
			*VEC_ADD(&j->schedules, j) = new;
		}
	}
	return NULL;
}

static struct fault *fire(struct jobs *j, const void *mem, const struct schedule *s, int64_t at_us)
{
	const struct scope scope = { .actor_kind = "system", .actor_name = str_of(s->kind->name) };
	struct tx *tx = tx_new(mem, j->db, DB_PLATFORM, TX_WRITE, &scope);
	int64_t n;

	TRY(job_fire_put(tx, str_of(s->kind->name), at_us, &n));
	if (n > 0)
		TRY(job_enqueue(tx, s->kind->job, STR("{}"), NULL));
	TRY(tx_commit(tx));
	if (n > 0)
		jobs_wake(j);
	return NULL;
}

struct fault *schedules_fire(struct jobs *j, const void *mem, int64_t now_us)
{
	for (size_t i = 0; i < j->schedules.n; i++) {
		struct schedule *s = &j->schedules.v[i];
		const int64_t at_us = cron_last(&s->cron, now_us);

		if (at_us <= s->last_us)
			continue;
		TRY(fire(j, mem, s, at_us));
		s->last_us = at_us;
	}
	return NULL;
}
