/* keep.c - what must go on whatever the jobs do: heartbeat, rescue of other
 * workers' jobs, schedules, the figures of the backlog. Its thread has a
 * connection of its own, so a long claim cannot cost the lease. */
#include "services/jobs/jobs_internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <talloc.h>

#define TICK_MS 500
#define BACKLOG_MS 10000

struct fault *jobs_register(struct jobs *j, const void *mem)
{
	const int64_t began_ms = clock_steady_ms();
	const struct uuid worker = uuid_new();
	struct tx *tx = tx_new(mem, j->db, DB_PLATFORM, TX_WRITE, &(struct scope){ 0 });
	int64_t n;

	TRY(job_worker_put(tx, worker, j->app->config->node_name, LEASE_MS, &n));
	TRY(tx_commit(tx));
	pthread_mutex_lock(&j->lock);
	j->worker = worker;
	j->last_receipt = 0;
	j->is_registered = true;
	j->lease_until_ms = began_ms + LEASE_MS - LEASE_MARGIN_MS;
	j->woken = true;
	pthread_cond_signal(&j->bell);
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

static struct fault *beat(struct jobs *j, const void *mem)
{
	const int64_t began_ms = clock_steady_ms();
	struct tx *tx = tx_new(mem, j->db, DB_PLATFORM, TX_WRITE, &(struct scope){ 0 });
	struct uuid worker;
	int64_t oldest, n;
	uint64_t identity;

	pthread_mutex_lock(&j->lock);
	worker = j->worker;
	identity = j->identity;
	oldest = jobs_oldest_receipt(j);
	pthread_mutex_unlock(&j->lock);
	TRY(job_worker_beat(tx, worker, LEASE_MS, oldest, &n));
	TRY(tx_commit(tx));
	pthread_mutex_lock(&j->lock);
	if (identity == j->identity && n == 0) {
		jobs_new_identity(j);
	} else if (identity == j->identity) {
		j->lease_until_ms = began_ms + LEASE_MS - LEASE_MARGIN_MS;
		runners_call(j); /* they may have paused */
	}
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

static struct fault *rescue(struct jobs *j, const void *mem)
{
	struct tx *tx = tx_new(mem, j->db, DB_PLATFORM, TX_WRITE, &(struct scope){ 0 });
	struct jobs_rescue_row row;

	TRY(jobs_rescue(tx, MAX_LOSSES, &row));
	TRY(tx_commit(tx));
	if (row.n == 0)
		return NULL;
	LOG_WARN("jobs of a lost worker run again", LOG_INT("jobs", row.n));
	pthread_mutex_lock(&j->lock);
	j->rescued += row.n;
	pthread_mutex_unlock(&j->lock);
	jobs_wake(j);
	return NULL;
}

static struct fault *look_at_backlog(struct jobs *j, const void *mem)
{
	struct tx *tx = tx_new(mem, j->db, DB_PLATFORM, TX_READ, &(struct scope){ 0 });
	struct jobs_waiting_rows rows;

	TRY(jobs_waiting(tx, &rows));
	pthread_mutex_lock(&j->lock);
	for (size_t i = 0; i < j->queue_count; i++) {
		struct queue *q = &j->queues[i];

		q->backlog = 0;
		for (size_t k = 0; k < rows.n; k++)
			if (str_eq(rows.v[k].queue, str_of(q->kind->name)))
				q->backlog = rows.v[k].n;
	}
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

static bool is_registered(struct jobs *j)
{
	bool yes;

	pthread_mutex_lock(&j->lock);
	yes = j->is_registered;
	pthread_mutex_unlock(&j->lock);
	return yes;
}

struct rounds {
	int64_t beat_ms, backlog_ms;
};

static struct fault *round_of(struct jobs *j, const void *mem, struct rounds *r)
{
	const int64_t now_ms = clock_steady_ms();

	if (!is_registered(j)) {
		TRY(jobs_register(j, mem));
		r->beat_ms = now_ms + BEAT_MS;
	}
	if (now_ms >= r->beat_ms) {
		TRY(beat(j, mem));
		r->beat_ms = now_ms + BEAT_MS;
		TRY(rescue(j, mem));
	}
	if (now_ms >= r->backlog_ms) {
		TRY(look_at_backlog(j, mem));
		r->backlog_ms = now_ms + BACKLOG_MS;
	}
	if (j->stopping)
		return NULL; /* a schedule is another process's, or the next one's */
	return schedules_fire(j, mem, clock_wall_us());
}

void *keep_run(void *jobs)
{
	struct jobs *j = jobs;
	struct rounds r = { .beat_ms = clock_steady_ms() + BEAT_MS };
	bool failed = false;

	pthread_mutex_lock(&j->lock);
	while (!j->keeper_stops) {
		pthread_mutex_unlock(&j->lock);
		void *mem = talloc_new(NULL);
		struct fault *f = round_of(j, mem, &r);

		if (f && !failed)
			LOG_WARN("jobs cannot be kept", LOG_TEXT("fault", fault_describe(mem, f)));
		failed = f != NULL;
		talloc_free(mem);
		pthread_mutex_lock(&j->lock);
		if (!j->keeper_stops)
			jobs_wait(j, &j->resign, clock_steady_ms() + TICK_MS);
	}
	pthread_mutex_unlock(&j->lock);
	return NULL;
}
