/* jobs.h - background work: enqueued in the transaction that needs it.
 *
 * Append-only lanes, receipts and closures (design/architecture.md section 7,
 * docs/adr/0005). At least once; never twice at the same time; every finish is
 * refused once the worker's lease has run out. */
#pragma once

#include "db/db.h"
#include "spine/module.h"

struct job {
	int64_t id; /* the same over all attempts */
	const struct job_type *type;
	struct uuid tenant; /* nil: the platform's */
	struct str payload; /* JSON; ids only, never secrets */
	struct str request_id;
	int attempt;		      /* 1 … */
	int attempts;		      /* how many there will be at most */
	struct uuid worker;	      /* whose lease it runs under */
	int64_t deadline_ms;	      /* steady; job_tx refuses afterwards */
	const _Atomic bool *stopping; /* the process is about to end; see job_should_end */
};

struct job_queue { /* services/jobs/queues.c, from spec/platform.md section 4 */
	const char *name;
	int concurrency; /* in each process */
	int attempts;
};

struct job_type {
	const char *name;  /* "mail.send" */
	const char *queue; /* "email" */
	/* Runs without a transaction of its own; opens what it needs with job_tx. A
	 * fault means: try again later, or dead after the last attempt. */
	struct fault *(*run)(const void *mem, struct app *app, const struct job *job);
	int timeout_s; /* 0: 60; bounds job_tx, outside calls must keep it themselves */
};

struct job_schedule {
	const char *name; /* NULL ends the table */
	const char *cron; /* "0 6 * * *" UTC; see cron.h */
	const struct job_type *job;
};

struct job_options {
	int priority; /* 0 normal, -1 first, 1 later */
	int64_t delay_ms;
	const char *unique_key; /* at most one waiting job of the type and tenant with it */
};

/* NULL when there is no such queue. */
const struct job_queue *job_queue_find(const char *name);
const struct job_queue *job_queue_at(size_t i); /* NULL past the end */

/* Enqueues in tx, for the tenant of its scope. options may be NULL. With a
 * unique key the waiting job is held until tx ends, so it sees what tx writes. */
struct fault *job_enqueue(struct tx *tx, const struct job_type *type, struct str payload,
			  const struct job_options *options);
/* Many at once in one statement; unique keys are not possible. */
struct fault *job_enqueue_many(struct tx *tx, const struct job_type *type,
			       const struct str *payloads, size_t count,
			       const struct job_options *options);
/* A transaction for the job's tenant as actor "system"; DB_PLATFORM for the
 * platform's jobs. A TX_WRITE fails when the worker's lease or the job's time
 * has run out, and its statements when the time that was left does. */
struct tx *job_tx(const void *mem, struct app *app, const struct job *job, enum tx_mode mode);
/* Ties any other TX_WRITE to the job in the same way. */
struct fault *job_fence(struct tx *tx, const struct job *job);

/* For what waits for the outside: its time is over, or the process is about to
 * end. A fault is the right answer; the job is tried again. */
bool job_should_end(const struct job *job);

/* FAULT_INVALID with a finding for each job type that cannot run: no such queue, a
 * doubled name, nothing to call. To be asked before jobs_start. */
struct fault *jobs_check(const void *ctx, const struct registry *r);
/* Runs the jobs of every module in the registry. jobs_wake is to be called for
 * commits that enqueued, here and (db_notifier) on other nodes. */
struct fault *jobs_start(const void *ctx, struct app *app, const char *platform_conninfo,
			 struct jobs **ret_jobs);
/* Finishes or gives back what runs, until the deadline. */
void jobs_stop(struct jobs *j, int64_t deadline_steady_ms);
void jobs_wake(struct jobs *j);
void jobs_metrics(struct jobs *j, struct buf *out);
extern const struct module jobs_module; /* its tables and schedules */
