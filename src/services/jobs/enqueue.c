/* enqueue.c - the writing side of jobs: one held-back insert into the inbox.
 *
 * Nothing is numbered or locked here, so enqueuing never makes writers wait
 * for each other (unique keys apart). */
#include "services/jobs/jobs.h"

#include "base/clock.h"
#include "services/jobs/jobs_gen.h"

#include <assert.h>

#define PRIORITY_FIRST (-1)
#define PRIORITY_LAST 1

struct put {
	const struct job_queue *queue;
	int64_t priority;
	int64_t delay_ms;
};

static struct put put_of(const struct job_type *type, const struct job_options *options)
{
	struct put p = { .queue = job_queue_find(type->queue) };

	assert(p.queue); /* a job type names a queue of queues.c */
	if (!options)
		return p;
	assert(options->priority >= PRIORITY_FIRST && options->priority <= PRIORITY_LAST);
	assert(options->delay_ms >= 0);
	p.priority = options->priority;
	p.delay_ms = options->delay_ms;
	return p;
}

struct fault *job_enqueue(struct tx *tx, const struct job_type *type, struct str payload,
			  const struct job_options *options)
{
	const struct put p = put_of(type, options);
	const struct str queue = str_of(p.queue->name), name = str_of(type->name);

	if (options && options->unique_key)
		TRY(job_put_unique(tx, queue, name, p.priority, p.queue->attempts, p.delay_ms,
				   str_of(options->unique_key), payload));
	else
		TRY(job_put(tx, queue, name, p.priority, p.queue->attempts, p.delay_ms, payload));
	tx_wake(tx, WAKE_JOBS);
	return NULL;
}

struct fault *job_enqueue_many(struct tx *tx, const struct job_type *type,
			       const struct str *payloads, size_t count,
			       const struct job_options *options)
{
	const struct put p = put_of(type, options);

	assert(!options || !options->unique_key);
	TRY(job_put_many(tx, str_of(p.queue->name), str_of(type->name), p.priority,
			 p.queue->attempts, p.delay_ms, payloads, count));
	tx_wake(tx, WAKE_JOBS);
	return NULL;
}

struct fault *job_fence(struct tx *tx, const struct job *job)
{
	return job_lease_check(tx, job->worker, job->deadline_ms - clock_steady_ms());
}

struct tx *job_tx(const void *mem, struct app *app, const struct job *job, enum tx_mode mode)
{
	const bool is_platform = uuid_is_nil(job->tenant);
	const struct scope scope = {
		.tenant = job->tenant,
		.actor_kind = "system",
		.actor_name = str_of(job->type->name),
		.request_id = job->request_id,
	};
	struct tx *tx = tx_new(mem, app->db, is_platform ? DB_PLATFORM : DB_APP, mode, &scope);

	if (mode == TX_WRITE) {
		struct fault *f = job_fence(tx, job);
		assert(!f); /* only held back: a lost lease fails the first round trip */
	}
	return tx;
}

bool job_should_end(const struct job *job)
{
	return *job->stopping || clock_steady_ms() >= job->deadline_ms;
}
