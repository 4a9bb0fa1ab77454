/* jobs_internal.h - what the threads of services/jobs share.
 *
 * dispatcher (dispatch.c): settles and claims, the only one that talks to the
 *   lanes; runners (run.c): as many threads as there is work, up to the queues'
 *   concurrency; keeper (keep.c): heartbeat, rescue, schedules.
 * Everything below `lock` is guarded by it. A task belongs to the dispatcher
 * until it is in a queue, then to a runner, then, in `ended`, to the
 * dispatcher again. */
#pragma once

#include "services/jobs/jobs.h"

#include "base/map.h"
#include "base/vec.h"
#include "services/jobs/cron.h"
#include "services/jobs/jobs_gen.h"

#include <pthread.h>

#define QUEUES_MAX 16
#define LEASE_MS 9000	      /* a killed worker's jobs run again after this … */
#define BEAT_MS 2000	      /* … and at most one beat of another worker */
#define LEASE_MARGIN_MS 1500  /* nothing is begun that late in the lease */
#define PREFETCH_MOST 500     /* jobs a process holds of a queue beyond those it runs */
#define SETTLE_AT 100	      /* ended jobs that are worth a round trip … */
#define SETTLE_AFTER_MS 5     /* … or the time the first one has waited */
#define RUNNER_IDLE_MS 10000  /* a thread without work ends */
#define MAX_LOSSES 5	      /* workers a job may take down before it is dead */
#define ERROR_MOST_BYTES 2000 /* kept of a fault */

enum outcome { OUTCOME_DONE = 'd', OUTCOME_AGAIN = 'r', OUTCOME_DEAD = 'x', OUTCOME_BACK = 'b' };

struct task {
	struct job job;
	struct queue *queue;
	uint64_t identity; /* of the worker at the claim; older ones are not settled */
	int64_t receipt, lane, seq;
	enum outcome outcome;
	int64_t delay_ms;
	struct str error;
	struct task *next;
};

struct task_list {
	struct task *first, *last;
	int n;
};

struct queue {
	const struct job_queue *kind;
	struct task_list waiting;
	int running;
	int prefetch;
	bool may_have_more;			   /* claim again when there is room */
	int64_t ended, ended_at_claim, claimed_ms; /* for the speed */
	int64_t done, again, dead;		   /* counters */
	int64_t backlog;			   /* in the database, seen by the keeper */
};

struct receipt {
	int64_t id;
	int left; /* jobs of it that are not settled */
};

struct schedule {
	const struct job_schedule *kind;
	struct cron cron;
	int64_t last_us; /* the newest firing that was seen to */
};

struct jobs {
	struct app *app;
	struct db *db; /* its own, so that requests cannot starve the heartbeat */
	struct map *types;
	VEC(struct schedule) schedules; /* the keeper's */
	pthread_t dispatcher, keeper;
	_Atomic int64_t lease_until_ms; /* steady; runners begin nothing after it */

	pthread_mutex_t lock;
	pthread_cond_t bell;   /* for the dispatcher */
	pthread_cond_t work;   /* for runners */
	pthread_cond_t resign; /* for the keeper */
	struct queue queues[QUEUES_MAX];
	size_t queue_count;
	struct task_list ended;
	int64_t first_ended_ms;
	int runners, idle_runners, running;
	bool woken, keeper_stops, dispatcher_stops;
	_Atomic bool stopping; /* read without the lock, too */
	struct uuid worker;
	uint64_t identity; /* goes up when the worker was declared dead */
	bool is_registered;
	VEC(struct receipt) receipts; /* open ones, oldest first */
	int64_t last_receipt;
	size_t turn; /* which queue a runner looks at first */
	int64_t claims, rescued, overdue;

	/* the dispatcher's own */
	struct task_list unsettled; /* a batch that was sent at least once */
	int64_t batch;
	bool claim_is_unknown; /* a claim's commit was not heard of */
	int64_t everything_at_ms;
	int64_t due_ms; /* when the next deferred job is due, if known; INT64_MAX: none */
	bool due_is_known;
	bool is_failing;
};

void task_push(struct task_list *list, struct task *t);
struct task *task_pop(struct task_list *list);
/* Moves all of from to the end of to. */
void task_append(struct task_list *to, struct task_list *from);

void *dispatch_run(void *jobs);
void *keep_run(void *jobs);
/* Lock held: makes or wakes runners for what waits. */
void runners_call(struct jobs *j);
/* Waits on cond until steady ms; lock held. False when the time has come. */
bool jobs_wait(struct jobs *j, pthread_cond_t *cond, int64_t until_ms);
/* Lock held: forgets everything that was claimed as the old worker. */
void jobs_new_identity(struct jobs *j);
/* Lock held: no receipt below this is open. */
int64_t jobs_oldest_receipt(const struct jobs *j);
/* Enters the worker's row, at the start and after it was declared dead. */
struct fault *jobs_register(struct jobs *j, const void *mem);
struct fault *schedules_load(struct jobs *j, const void *mem);
struct fault *schedules_fire(struct jobs *j, const void *mem, int64_t now_us);
