/* jobs.h - background work: enqueued in the transaction that needs it.
 *
 * Append-only lanes, receipts and closures (design/architecture.md section 7,
 * docs/adr). At least once; never twice at the same time; every finish carries
 * its attempt number. */
#pragma once

#include "db/db.h"
#include "spine/module.h"

struct job {
	int64_t seq;
	const struct job_type *type;
	struct uuid tenant; /* nil: the platform's */
	struct str payload; /* JSON; ids only, never secrets */
	struct str request_id;
	int attempt; /* 1 … */
};

struct job_queue { /* declared by services/jobs/queues.c from spec/platform.md section 4 */
	const char *name;
	int concurrency;
	int attempts;
};

struct job_type {
	const char *name;  /* "mail.send" */
	const char *queue; /* "email" */
	/* Runs without a transaction of its own; opens what it needs with job_tx. A
	 * fault means: try again later, or dead after the last attempt. */
	struct fault *(*run)(const void *mem, struct app *app, const struct job *job);
	int timeout_s; /* 0: 60 */
};

struct job_schedule {
	const char *name; /* NULL ends the table */
	const char *cron; /* "0 6 * * *" UTC */
	const struct job_type *job;
};

struct job_options {
	int priority; /* 0 normal, -1 first, 1 later */
	int64_t delay_ms;
	const char *unique_key; /* at most one waiting job of the type and tenant with it */
};

/* Enqueues in tx, for the tenant of its scope. options may be NULL. */
struct fault *job_enqueue(struct tx *tx, const struct job_type *type, struct str payload,
			  const struct job_options *options);
/* A transaction for the job's tenant as actor "system". */
struct tx *job_tx(const void *mem, struct app *app, const struct job *job, enum tx_mode mode);

struct fault *jobs_start(const void *ctx, struct app *app, struct jobs **ret_jobs);
/* Finishes or releases what runs, until the deadline. */
void jobs_stop(struct jobs *j, int64_t deadline_steady_ms);
void jobs_wake(struct jobs *j);
void jobs_metrics(struct jobs *j, struct buf *out);
