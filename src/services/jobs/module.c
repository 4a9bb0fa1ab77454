/* module.c - what jobs declare: tables, queues' upkeep as scheduled jobs. */
#include "services/jobs/jobs_internal.h"

#include "base/log.h"
#include "services/events/events_gen.h"
#include "spine/spine_gen.h"

static struct fault *maintain_run(const void *mem, struct app *app, const struct job *job)
{
	struct tx *tx = job_tx(mem, app, job, TX_WRITE);
	struct partitions_maintain_row made;
	struct jobs_drop_old_row old;

	TRY(partitions_lock(tx));
	TRY(partitions_maintain(tx, &made));
	TRY(jobs_drop_old(tx, &old));
	TRY(jobs_forget_old(tx));
	TRY(idempotency_forget(tx));
	TRY(tx_commit(tx));
	if (made.created + made.dropped + old.n > 0)
		LOG_INFO("partitions maintained", LOG_INT("created", made.created),
			 LOG_INT("dropped", made.dropped + old.n));
	return NULL;
}

static const struct job_type maintain_job = { .name = "jobs.maintain",
					      .queue = "maintenance",
					      .run = maintain_run };

static void module_metrics(struct app *app, struct buf *out)
{
	if (app->jobs)
		jobs_metrics(app->jobs, out);
}

const struct module jobs_module = {
	.name = "jobs",
	.needs = LIST(char *, "events"),
	.migrations = jobs_migrations,
	.queries = jobs_queries,
	.shapes = jobs_shapes,
	.jobs = LIST(struct job_type *, &maintain_job),
	.schedules = (const struct job_schedule[]){ { "jobs.maintain", "7 * * * *", &maintain_job },
						    { 0 } },
	.metrics = module_metrics,
};
