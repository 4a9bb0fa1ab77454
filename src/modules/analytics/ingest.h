/* ingest.h - the batcher: requests that arrive together share a transaction.
 *
 * Requests wait in a queue for each project. A committer thread takes what has
 * gathered (one transaction is always for one project and so one tenant, ADR
 * 0061), stores it with its books and answers every request after the commit.
 * While a commit is under way the next batch gathers by itself; a second
 * committer joins a project only when enough waits. Each committer has its own
 * lane, so that books of one project never make two transactions wait. */
#pragma once

#include "modules/analytics/ingest_access.h"
#include "modules/analytics/ingest_event.h"

#define INGEST_COMMITTERS 4

struct ingest_request {
	const void *mem; /* owns everything here; the committer's until done() */
	struct ingest_access access;
	struct str key; /* to look up again when access was stale */
	struct str project_hint;
	struct str ip; /* of a browser or device, absent for servers */
	struct ingest_event *events;
	size_t event_count;
	int64_t received_us; /* wall */
	/* Called once on a committer thread: fates are final, or why is set and
	 * nothing of this request was stored. The last use of the request. */
	void (*done)(struct ingest_request *r, const struct fault *why);
	void *arg;
	/* what the answer says */
	int64_t quota_used, quota_limit;
	/* the batcher's */
	struct ingest_request *next;
	int tries;
};

struct fault *ingest_start(const void *ctx, struct app *app, struct ingest **ret_ingest);
void ingest_stop(struct ingest *in); /* commits what waits, then ends the threads */
struct access_table *ingest_access_table(struct ingest *in);
/* Hands a request to the batcher. FAULT_UNAVAILABLE when too much waits. */
struct fault *ingest_submit(struct ingest *in, struct ingest_request *r);
/* The same, and waits until done. */
struct fault *ingest_and_wait(struct ingest *in, struct ingest_request *r);
struct uuid ingest_node(const struct ingest *in);
/* Do events wait for a committer? Then what is not urgent gives way. */
bool ingest_is_busy(struct ingest *in);
void ingest_metrics(struct ingest *in, struct buf *out);

/* ---- between ingest.c and ingest_commit.c ---- */

/* One transaction's worth: requests of one project. */
struct ingest_batch {
	struct app *app;
	struct ingest *ingest;
	int lane;
	struct uuid tenant, project;
	struct ingest_request *first; /* linked by next */
	size_t events;
	bool must_retry; /* access was stale: decide again */
};

/* Stores a batch and calls done for each of its requests. */
void ingest_commit(struct ingest_batch *batch);

/* Usage of a tenant this month as this node knows it (quota.c). */
struct quota_table;
struct quota_table *quota_table_new(const void *ctx, struct app *app);
struct quota_table *ingest_quotas(struct ingest *in);
struct quota_grant {
	int64_t events;
	int64_t reads; /* how often the database had been asked by then */
};
/* Reserves up to wanted events within the plan; asks the database through tx when
 * what is known is older than some seconds. */
struct fault *quota_reserve(struct quota_table *t, struct tx *tx, int64_t wanted,
			    struct quota_grant *ret_grant);
/* Turns a reservation into use; emits usage:warned when a threshold is passed. */
void quota_settle(struct quota_table *t, struct uuid tenant, struct quota_grant grant, int64_t used,
		  int64_t *ret_used, int64_t *ret_limit);

/* Tells browsers in the project's room (live.c). */
void live_broadcast(struct app *app, struct uuid project, const struct ingest_event *const *events,
		    size_t n, int64_t received_us);
