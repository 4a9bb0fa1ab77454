/* jobs.c - starting and stopping the threads, and what others may ask of them. */
#include "services/jobs/jobs_internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <talloc.h>

static void add_types(struct jobs *j)
{
	const struct module *const *modules = registry_modules(j->app->registry);

	for (size_t m = 0; modules[m]; m++) {
		for (const struct job_type *const *t = modules[m]->jobs; t && *t; t++) {
			union {
				const struct job_type *in;
				void *out; /* the map hands out mutable pointers */
			} type = { .in = *t };

			assert(job_queue_find((*t)->queue));
			map_put(j->types, str_of((*t)->name), type.out);
		}
	}
}

static void add_queues(struct jobs *j)
{
	const struct job_queue *kind;

	while ((kind = job_queue_at(j->queue_count))) {
		assert(j->queue_count < QUEUES_MAX);
		j->queues[j->queue_count++] = (struct queue){ .kind = kind, .may_have_more = true };
	}
}

static void init_locks(struct jobs *j)
{
	pthread_condattr_t steady;

	pthread_mutex_init(&j->lock, NULL);
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&j->bell, &steady);
	pthread_cond_init(&j->work, &steady);
	pthread_cond_init(&j->resign, &steady);
	pthread_condattr_destroy(&steady);
}

struct fault *jobs_start(const void *ctx, struct app *app, const char *platform_conninfo,
			 struct jobs **ret_jobs)
{
	const struct db_config config = {
		.conninfo[DB_PLATFORM] = platform_conninfo,
		.pool_size[DB_PLATFORM] = 2, /* dispatcher, keeper */
		.wait_ms = 2000,
		.statement_timeout_ms = 20000,
	};
	struct jobs *j = talloc_zero(ctx, struct jobs);
	void *mem = talloc_new(j);

	j->app = app;
	j->types = map_new(j);
	j->due_ms = INT64_MAX;
	init_locks(j);
	add_types(j);
	add_queues(j);
	TRY(db_open(j, &config, &j->db));
	TRY(schedules_load(j, mem));
	TRY(jobs_register(j, mem));
	talloc_free(mem);
	if (pthread_create(&j->dispatcher, NULL, dispatch_run, j) ||
	    pthread_create(&j->keeper, NULL, keep_run, j))
		return FAULT_BUG(ctx, "no thread for jobs");
	*ret_jobs = j;
	return NULL;
}

void jobs_wake(struct jobs *j)
{
	pthread_mutex_lock(&j->lock);
	j->woken = true;
	pthread_cond_signal(&j->bell);
	pthread_mutex_unlock(&j->lock);
}

/* Lock held: what has not begun goes back to the lanes. */
static void give_back(struct jobs *j)
{
	struct task *t;

	for (size_t i = 0; i < j->queue_count; i++) {
		while ((t = task_pop(&j->queues[i].waiting))) {
			t->outcome = OUTCOME_BACK;
			task_push(&j->ended, t);
		}
	}
}

/* Lock held: waits until nothing runs and everything is settled. */
static bool drain(struct jobs *j, int64_t deadline_ms)
{
	for (;;) {
		give_back(j);
		if (j->running == 0 && j->runners == 0 && j->ended.n == 0 && j->receipts.n == 0)
			return true;
		if (clock_steady_ms() >= deadline_ms)
			return false;
		pthread_cond_broadcast(&j->work);
		pthread_cond_signal(&j->bell);
		jobs_wait(j, &j->resign, clock_steady_ms() + 10);
	}
}

static void leave(struct jobs *j)
{
	void *mem = talloc_new(NULL);
	struct tx *tx = tx_new(mem, j->db, DB_PLATFORM, TX_WRITE, &(struct scope){ 0 });

	/* a failure costs nothing: the lease runs out */
	if (!job_worker_leave(tx, j->worker) && tx_commit(tx))
		LOG_WARN("worker left without saying so");
	talloc_free(mem);
}

void jobs_stop(struct jobs *j, int64_t deadline_steady_ms)
{
	bool is_drained;

	pthread_mutex_lock(&j->lock);
	j->stopping = true;
	is_drained = drain(j, deadline_steady_ms);
	j->dispatcher_stops = true;
	j->keeper_stops = true;
	pthread_cond_signal(&j->bell);
	pthread_cond_broadcast(&j->resign);
	pthread_mutex_unlock(&j->lock);
	pthread_join(j->dispatcher, NULL);
	pthread_join(j->keeper, NULL);
	if (!is_drained) {
		/* something still runs and uses j: the process is about to end, and
		 * the lease with it */
		LOG_WARN("jobs still run at the deadline");
		return;
	}
	leave(j);
	db_close(j->db);
	talloc_free(j);
}

/* ---- figures ---- */

static void put_family(struct jobs *j, struct buf *out, const char *name, const char *type,
		       int64_t (*value)(const struct queue *q))
{
	buf_printf(out, "# TYPE bulkhead_jobs_%s %s\n", name, type);
	for (size_t i = 0; i < j->queue_count; i++)
		buf_printf(out, "bulkhead_jobs_%s{queue=\"%s\"} %lld\n", name,
			   j->queues[i].kind->name, (long long)value(&j->queues[i]));
}

#define FIGURE(name, expr)                                                                         \
	static int64_t name(const struct queue *q)                                                 \
	{                                                                                          \
		return (expr);                                                                     \
	}
FIGURE(figure_backlog, q->backlog)
FIGURE(figure_held, q->waiting.n)
FIGURE(figure_running, q->running)
FIGURE(figure_done, q->done)
FIGURE(figure_again, q->again)
FIGURE(figure_dead, q->dead)

void jobs_metrics(struct jobs *j, struct buf *out)
{
	pthread_mutex_lock(&j->lock);
	put_family(j, out, "waiting", "gauge", figure_backlog);
	put_family(j, out, "held", "gauge", figure_held);
	put_family(j, out, "running", "gauge", figure_running);
	put_family(j, out, "done_total", "counter", figure_done);
	put_family(j, out, "retried_total", "counter", figure_again);
	put_family(j, out, "dead_total", "counter", figure_dead);
	buf_printf(out,
		   "# TYPE bulkhead_jobs_claims_total counter\nbulkhead_jobs_claims_total %lld\n"
		   "# TYPE bulkhead_jobs_rescued_total counter\nbulkhead_jobs_rescued_total %lld\n"
		   "# TYPE bulkhead_jobs_overdue_total counter\nbulkhead_jobs_overdue_total %lld\n",
		   (long long)j->claims, (long long)j->rescued, (long long)j->overdue);
	pthread_mutex_unlock(&j->lock);
}
