/* dispatch.c - the one thread of a process that talks to the lanes.
 *
 * A pass is one transaction: what has ended is settled, and what there is room
 * for is claimed. Whatever happens to it, nothing is lost and nothing counted
 * twice: a batch is told again under its number until its commit was heard,
 * claims of which the commit was not heard are given back, and a worker that
 * was declared dead forgets everything and comes back under a new name. */
#include "services/jobs/jobs_internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>
#include <talloc.h>
#include <time.h>

#define POLL_MS 1000	    /* and up to as much again by chance */
#define EVERYTHING_MS 30000 /* how often the sorter looks below its floor, too */
#define SORTED_MOST 4000    /* jobs a claim moves from the inbox at most */
#define SORTED_APART 20000  /* … and without a claim */
#define SETTLED_MOST 2000   /* jobs a pass settles at most */
#define HOLD_MS 50	    /* so much work is fetched ahead */
#define UNKNOWN_TYPE_MS 30000
#define BACKOFF_MOST_MS 1000

struct claim {
	struct str queues[QUEUES_MAX];
	int64_t wants[QUEUES_MAX];
	struct queue *of[QUEUES_MAX];
	size_t n;
	struct uuid worker;
	uint64_t identity;
	int64_t last_receipt;
	bool everything;
};

bool jobs_wait(struct jobs *j, pthread_cond_t *cond, int64_t until_ms)
{
	const struct timespec until = { .tv_sec = until_ms / 1000,
					.tv_nsec = until_ms % 1000 * 1000000 };

	return pthread_cond_timedwait(cond, &j->lock, &until) == 0;
}

/* ---- what to ask for (lock held) ---- */

/* Fetches ahead what the queue works off in HOLD_MS, so that short jobs come in
 * large batches and long ones stay where others can take them. */
static void measure(struct queue *q, int64_t now_ms)
{
	const int64_t ms = now_ms - q->claimed_ms > 0 ? now_ms - q->claimed_ms : 1;
	int64_t speed = (q->ended - q->ended_at_claim) * HOLD_MS / ms;

	if (speed > PREFETCH_MOST)
		speed = PREFETCH_MOST;
	q->prefetch = (int)(speed > q->prefetch ? speed : (q->prefetch + speed) / 2);
	q->claimed_ms = now_ms;
	q->ended_at_claim = q->ended;
}

static void plan_claim(struct jobs *j, struct claim *c)
{
	const int64_t now_ms = clock_steady_ms();

	c->worker = j->worker;
	c->identity = j->identity;
	c->last_receipt = j->last_receipt;
	c->everything = now_ms >= j->everything_at_ms;
	if (j->stopping || !j->is_registered)
		return;
	for (size_t i = 0; i < j->queue_count; i++) {
		struct queue *q = &j->queues[i];
		int capacity = q->kind->concurrency + q->prefetch;
		const int held = q->running + q->waiting.n;

		if (!q->may_have_more || (held > 0 && capacity - held < (capacity + 3) / 4))
			continue;
		measure(q, now_ms);
		capacity = q->kind->concurrency + q->prefetch;
		if (capacity <= held)
			continue;
		c->queues[c->n] = str_of(q->kind->name);
		c->wants[c->n] = capacity - held;
		c->of[c->n++] = q;
	}
}

/* ---- settle ---- */

/* Lock held: tasks of an identity that is no more are forgotten, not settled. */
static void take_ended(struct jobs *j)
{
	struct task *t;

	while (j->unsettled.n < SETTLED_MOST && (t = task_pop(&j->ended))) {
		if (t->identity == j->identity)
			task_push(&j->unsettled, t);
		else
			talloc_free(t);
	}
	j->first_ended_ms = clock_steady_ms();
	j->batch++;
}

static struct fault *settle(struct tx *tx, const void *mem, const struct jobs *j,
			    const struct claim *c)
{
	static const char letters[] = "drxb";
	const size_t n = (size_t)j->unsettled.n;
	int64_t *lanes = talloc_array(mem, int64_t, (unsigned)n);
	int64_t *seqs = talloc_array(mem, int64_t, (unsigned)n);
	int64_t *delays = talloc_array(mem, int64_t, (unsigned)n);
	struct str *outcomes = talloc_array(mem, struct str, (unsigned)n);
	struct str *errors = talloc_array(mem, struct str, (unsigned)n);
	size_t i = 0;

	for (const struct task *t = j->unsettled.first; t; t = t->next, i++) {
		lanes[i] = t->lane;
		seqs[i] = t->seq;
		delays[i] = t->delay_ms;
		outcomes[i] = (struct str){ strchr(letters, (char)t->outcome), 1 };
		errors[i] = t->error;
	}
	return jobs_settle(tx, c->worker, j->batch, lanes, n, seqs, n, outcomes, n, delays, n,
			   errors, n);
}

static void settle_receipt(struct jobs *j, int64_t id)
{
	size_t kept = 0;

	for (size_t i = 0; i < j->receipts.n; i++) {
		struct receipt *r = &j->receipts.v[i];

		r->left -= r->id == id;
		if (r->left > 0)
			j->receipts.v[kept++] = *r;
	}
	j->receipts.n = kept;
}

/* Lock held. */
static void forget_settled(struct jobs *j)
{
	struct task *t;

	while ((t = task_pop(&j->unsettled))) {
		t->queue->done += t->outcome == OUTCOME_DONE;
		t->queue->again += t->outcome == OUTCOME_AGAIN;
		t->queue->dead += t->outcome == OUTCOME_DEAD;
		if (t->outcome != OUTCOME_DONE)
			j->due_is_known = false;
		settle_receipt(j, t->receipt);
		talloc_free(t);
	}
}

int64_t jobs_oldest_receipt(const struct jobs *j)
{
	return j->receipts.n > 0 ? j->receipts.v[0].id : j->last_receipt + 1;
}

/* ---- claim ---- */

static struct task *task_of(struct jobs *j, const struct claim *c, const struct jobs_claim_row *row)
{
	struct task *t = talloc_zero(NULL, struct task);

	t->queue = c->of[row->queue - 1];
	t->identity = c->identity;
	t->receipt = row->receipt;
	t->lane = row->lane;
	t->seq = row->seq;
	t->job = (struct job){
		.id = row->id,
		.type = map_get(j->types, row->type),
		.tenant = row->tenant_id,
		.payload = str_copy(t, row->payload),
		.request_id = str_copy(t, row->request_id),
		.attempt = (int)row->attempt,
		.attempts = (int)row->attempts,
		.worker = c->worker,
		.stopping = &j->stopping,
	};
	if (!t->job.type)
		LOG_WARN("job of a type this version does not know", LOG_STR("type", row->type),
			 LOG_INT("job", row->id));
	return t;
}

/* Lock held. */
static void accept(struct jobs *j, const struct claim *c, const struct jobs_claim_rows *rows)
{
	for (size_t i = 0; i < c->n; i++)
		c->of[i]->may_have_more = false;
	for (size_t i = 0; i < rows->n; i++) {
		struct task *t = task_of(j, c, &rows->v[i]);
		const size_t last = j->receipts.n;

		if (last == 0 || j->receipts.v[last - 1].id != t->receipt)
			*VEC_ADD(&j->receipts, j) = (struct receipt){ .id = t->receipt };
		j->receipts.v[j->receipts.n - 1].left++;
		j->last_receipt = t->receipt;
		t->queue->may_have_more = true;
		if (t->job.type) {
			task_push(&t->queue->waiting, t);
			continue;
		}
		t->outcome = OUTCOME_BACK;
		t->delay_ms = UNKNOWN_TYPE_MS;
		task_push(&j->ended, t);
	}
	j->claims += rows->n > 0;
	runners_call(j);
}

/* ---- a pass ---- */

static struct fault *converse(struct jobs *j, const void *mem, const struct claim *c,
			      struct jobs_claim_rows *ret_rows)
{
	struct tx *tx = tx_new(mem, j->db, DB_PLATFORM, TX_WRITE, &(struct scope){ 0 });

	if (j->claim_is_unknown)
		TRY(jobs_return(tx, c->worker, c->last_receipt));
	if (j->unsettled.n > 0)
		TRY(settle(tx, mem, j, c));
	if (c->n > 0) {
		TRY(jobs_claim(tx, c->worker, c->queues, c->n, c->wants, c->n, SORTED_MOST,
			       c->everything, ret_rows));
		j->claim_is_unknown = true; /* until the commit is heard of */
	}
	TRY(tx_commit(tx));
	j->claim_is_unknown = false;
	return NULL;
}

void jobs_new_identity(struct jobs *j)
{
	struct task *t;

	LOG_WARN("worker was declared dead, its jobs run elsewhere");
	for (size_t i = 0; i < j->queue_count; i++)
		while ((t = task_pop(&j->queues[i].waiting)))
			talloc_free(t);
	j->identity++;
	j->is_registered = false;
	j->receipts.n = 0;
	j->lease_until_ms = 0;
	pthread_cond_signal(&j->resign);
}

static void start_anew(struct jobs *j, uint64_t identity)
{
	struct task *t;

	while ((t = task_pop(&j->unsettled)))
		talloc_free(t);
	j->claim_is_unknown = false;
	pthread_mutex_lock(&j->lock);
	if (j->identity == identity)
		jobs_new_identity(j);
	pthread_mutex_unlock(&j->lock);
}

static struct fault *pass(struct jobs *j, const void *mem)
{
	struct jobs_claim_rows rows = { 0 };
	struct claim c = { .n = 0 };
	bool is_same;
	struct fault *f;

	pthread_mutex_lock(&j->lock);
	plan_claim(j, &c);
	if (j->unsettled.n == 0 && j->ended.n > 0)
		take_ended(j);
	pthread_mutex_unlock(&j->lock);
	if (c.n == 0 && j->unsettled.n == 0)
		return NULL;
	f = converse(j, mem, &c, &rows);
	if (f && f->kind == FAULT_CONFLICT && !strcmp(f->code, "conflict")) { /* BH002 */
		start_anew(j, c.identity);
		return NULL;
	}
	if (f)
		return f;
	if (c.everything && c.n > 0)
		j->everything_at_ms = clock_steady_ms() + EVERYTHING_MS;
	if (c.n > 0)
		j->due_is_known = false;
	pthread_mutex_lock(&j->lock);
	is_same = j->identity == c.identity;
	if (is_same) {
		forget_settled(j);
		accept(j, &c, &rows);
	}
	pthread_mutex_unlock(&j->lock);
	if (!is_same) /* the keeper heard of our death first */
		start_anew(j, c.identity);
	return NULL;
}

/* Before it sleeps: when is the next deferred job due? A crowd in the inbox is
 * given its places although there is no room to claim it. */
static struct fault *look_ahead(struct jobs *j, const void *mem)
{
	struct tx *tx = tx_new(mem, j->db, DB_PLATFORM, TX_READ, &(struct scope){ 0 });
	struct jobs_next_due_row row;

	TRY(jobs_next_due(tx, &row));
	tx_end(tx);
	j->due_ms = row.has_wait_ms ? clock_steady_ms() + (row.wait_ms > 0 ? row.wait_ms + 1 : 1)
				    : INT64_MAX;
	j->due_is_known = !row.is_unsorted;
	if (!row.is_unsorted)
		return NULL;
	tx = tx_new(mem, j->db, DB_PLATFORM, TX_WRITE, &(struct scope){ 0 });
	TRY(jobs_sort(tx, SORTED_APART));
	return tx_commit(tx);
}

/* ---- when ---- */

static void look_everywhere(struct jobs *j)
{
	for (size_t i = 0; i < j->queue_count; i++)
		j->queues[i].may_have_more = true;
}

static bool is_worth_a_pass(const struct jobs *j)
{
	struct claim c = { .n = 0 };

	for (size_t i = 0; i < j->queue_count && !j->stopping && j->is_registered; i++) {
		const struct queue *q = &j->queues[i];
		const int capacity = q->kind->concurrency + q->prefetch;
		const int held = q->running + q->waiting.n;

		if (q->may_have_more && (held == 0 || capacity - held >= (capacity + 3) / 4))
			c.n++;
	}
	return c.n > 0;
}

/* Lock held. How long an ended job may wait for others to be settled with it. */
static int64_t settle_at_ms(const struct jobs *j)
{
	if (j->ended.n == 0)
		return INT64_MAX;
	if (j->ended.n >= SETTLE_AT || j->running == 0)
		return 0;
	return j->first_ended_ms + SETTLE_AFTER_MS;
}

/* Waits until something is to be done; false when it is time to end. */
static bool wait_for_work(struct jobs *j, int64_t poll_ms)
{
	bool goes_on = true;

	pthread_mutex_lock(&j->lock);
	for (;;) {
		const int64_t now_ms = clock_steady_ms(), settle_ms = settle_at_ms(j);
		int64_t until_ms = poll_ms < settle_ms ? poll_ms : settle_ms;

		if (j->woken || now_ms >= poll_ms || now_ms >= j->due_ms)
			look_everywhere(j);
		if (now_ms >= j->due_ms)
			j->due_ms = INT64_MAX; /* until it is asked for again */
		j->woken = false;
		goes_on = !j->dispatcher_stops;
		if (!goes_on || j->unsettled.n > 0 || now_ms >= until_ms || is_worth_a_pass(j))
			break;
		jobs_wait(j, &j->bell, until_ms < j->due_ms ? until_ms : j->due_ms);
	}
	pthread_mutex_unlock(&j->lock);
	return goes_on;
}

static void report(struct jobs *j, const void *mem, const struct fault *f)
{
	if (f && !j->is_failing)
		LOG_WARN("jobs stalled", LOG_TEXT("fault", fault_describe(mem, f)));
	if (!f && j->is_failing)
		LOG_INFO("jobs run again");
	j->is_failing = f != NULL;
}

static bool is_idle(struct jobs *j)
{
	bool idle;

	pthread_mutex_lock(&j->lock);
	idle = !is_worth_a_pass(j);
	pthread_mutex_unlock(&j->lock);
	return idle;
}

void *dispatch_run(void *jobs)
{
	struct jobs *j = jobs;
	unsigned seed = (unsigned)clock_wall_us();
	int64_t poll_ms = 0, backoff_ms = 0;

	while (wait_for_work(j, poll_ms)) {
		void *mem = talloc_new(NULL);
		struct fault *f = pass(j, mem);

		if (!f && !j->due_is_known && is_idle(j))
			f = look_ahead(j, mem);
		report(j, mem, f);
		talloc_free(mem);
		poll_ms = clock_steady_ms();
		if (j->due_is_known)
			poll_ms += POLL_MS + rand_r(&seed) % POLL_MS;
		backoff_ms = !f ? 0 : backoff_ms == 0 ? 50 : backoff_ms * 2;
		backoff_ms = backoff_ms < BACKOFF_MOST_MS ? backoff_ms : BACKOFF_MOST_MS;
		if (f)
			nanosleep(&(struct timespec){ .tv_sec = backoff_ms / 1000,
						      .tv_nsec = backoff_ms % 1000 * 1000000 },
				  NULL);
	}
	return NULL;
}
