/* ingest.c - queues and committer threads (see ingest.h). */
#include "modules/analytics/ingest.h"

#include "base/clock.h"
#include "base/map.h"
#include "modules/analytics/follow.h"
#include "services/crypto/crypto.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <talloc.h>

#define BATCH_MAX_EVENTS 1000
#define BATCH_MAX_REQUESTS 256
/* So much must wait before a second committer joins in the same project. */
#define JOIN_EVENTS 300
#define WAITING_MAX_EVENTS 400000
#define WAITING_MAX_REQUESTS 20000

struct project_queue {
	struct uuid tenant, project;
	struct ingest_request *first, **end;
	size_t events;
	int committers;
	struct project_queue *next; /* in the list of ready queues */
	bool is_ready;		    /* is in it */
};

struct committer {
	struct ingest *ingest;
	int lane;
	pthread_t thread;
};

struct ingest {
	struct app *app;
	struct uuid node;
	struct access_table *access;
	struct quota_table *quotas;
	struct follower *follower;
	pthread_mutex_t mutex;
	pthread_cond_t work;
	struct map *queues; /* project id (16 bytes) -> struct project_queue */
	struct project_queue *ready, **ready_end;
	size_t waiting_events, waiting_requests;
	bool is_stopping;
	struct committer committers[INGEST_COMMITTERS];
	_Atomic int64_t batches, events, requests;
};

static struct str queue_key(const struct uuid *project)
{
	return (struct str){ (const char *)project->b, sizeof(project->b) };
}

static void make_ready(struct ingest *in, struct project_queue *q)
{
	if (q->is_ready || !q->first || (q->committers > 0 && q->events < JOIN_EVENTS))
		return;
	q->is_ready = true;
	q->next = NULL;
	*in->ready_end = q;
	in->ready_end = &q->next;
	pthread_cond_signal(&in->work);
}

static struct project_queue *queue_of(struct ingest *in, const struct ingest_request *r)
{
	struct project_queue *q = map_get(in->queues, queue_key(&r->access.project));

	if (q)
		return q;
	q = talloc_zero(in, struct project_queue);
	q->tenant = r->access.tenant;
	q->project = r->access.project;
	q->end = &q->first;
	map_put(in->queues, queue_key(&q->project), q);
	return q;
}

struct fault *ingest_submit(struct ingest *in, struct ingest_request *r)
{
	struct fault *f = NULL;

	pthread_mutex_lock(&in->mutex);
	if (in->waiting_events > WAITING_MAX_EVENTS ||
	    in->waiting_requests > WAITING_MAX_REQUESTS || in->is_stopping) {
		f = FAULT(r->mem, FAULT_UNAVAILABLE, "overloaded",
			  "Too many events wait to be stored. Try again.");
		f->retry_after_s = 1;
	} else {
		struct project_queue *q = queue_of(in, r);
		r->next = NULL;
		*q->end = r;
		q->end = &r->next;
		q->events += r->event_count;
		in->waiting_events += r->event_count;
		in->waiting_requests++;
		make_ready(in, q);
	}
	pthread_mutex_unlock(&in->mutex);
	return f;
}

/* Takes what has gathered, at most a batch; at least one request. */
static void take(struct ingest *in, struct project_queue *q, struct ingest_batch *batch)
{
	struct ingest_request **last = &batch->first;
	size_t requests = 0;

	batch->tenant = q->tenant;
	batch->project = q->project;
	while (q->first && requests < BATCH_MAX_REQUESTS &&
	       (requests == 0 || batch->events + q->first->event_count <= BATCH_MAX_EVENTS)) {
		struct ingest_request *r = q->first;
		q->first = r->next;
		*last = r;
		last = &r->next;
		batch->events += r->event_count;
		requests++;
	}
	*last = NULL;
	if (!q->first)
		q->end = &q->first;
	q->events -= batch->events;
	in->waiting_events -= batch->events;
	in->waiting_requests -= requests;
}

static void finish(struct ingest *in, const struct uuid *project)
{
	struct project_queue *q = map_get(in->queues, queue_key(project));

	q->committers--;
	make_ready(in, q);
	if (!q->first && q->committers == 0 && !q->is_ready) {
		map_remove(in->queues, queue_key(project));
		talloc_free(q);
	}
}

/* The next batch, or false at the end. */
static bool wait_for_batch(struct committer *c, struct ingest_batch *batch)
{
	struct ingest *in = c->ingest;

	*batch = (struct ingest_batch){ .app = in->app, .ingest = in, .lane = c->lane };
	pthread_mutex_lock(&in->mutex);
	while (!in->ready && !in->is_stopping)
		pthread_cond_wait(&in->work, &in->mutex);
	struct project_queue *q = in->ready;
	if (q) {
		in->ready = q->next;
		if (!in->ready)
			in->ready_end = &in->ready;
		q->is_ready = false;
		q->committers++;
		take(in, q, batch);
		make_ready(in, q);
	}
	pthread_mutex_unlock(&in->mutex);
	return q != NULL;
}

static void *committer_run(void *arg)
{
	struct committer *c = arg;
	struct ingest *in = c->ingest;
	struct ingest_batch batch;

	pthread_setname_np(pthread_self(), "ingest");
	while (wait_for_batch(c, &batch)) {
		struct uuid project = batch.project;
		atomic_fetch_add(&in->batches, 1);
		atomic_fetch_add(&in->events, (int64_t)batch.events);
		ingest_commit(&batch);
		pthread_mutex_lock(&in->mutex);
		finish(in, &project);
		pthread_mutex_unlock(&in->mutex);
	}
	return NULL;
}

struct fault *ingest_start(const void *ctx, struct app *app, struct ingest **ret_ingest)
{
	struct ingest *in = talloc_zero(ctx, struct ingest);
	uint8_t spread;

	in->app = app;
	in->node = uuid_new();
	in->access = access_table_new(in, app);
	in->quotas = quota_table_new(in, app);
	in->queues = map_new(in);
	in->ready_end = &in->ready;
	pthread_mutex_init(&in->mutex, NULL);
	pthread_cond_init(&in->work, NULL);
	app->ingest = in;
	TRY(follower_start(in, app, &in->follower));
	/* nodes spread over sixteen lanes; meeting in one only costs a wait */
	crypto_random(&spread, 1);
	for (int i = 0; i < INGEST_COMMITTERS; i++) {
		struct committer *c = &in->committers[i];
		*c = (struct committer){ .ingest = in, .lane = i + (spread & 3) * 4 };
		if (pthread_create(&c->thread, NULL, committer_run, c) != 0)
			return FAULT_BUG(ctx, "cannot start a committer thread");
	}
	*ret_ingest = in;
	return NULL;
}

void analytics_wake(struct app *app)
{
	follower_wake(app->ingest->follower);
}

void ingest_stop(struct ingest *in)
{
	pthread_mutex_lock(&in->mutex);
	in->is_stopping = true;
	pthread_cond_broadcast(&in->work);
	pthread_mutex_unlock(&in->mutex);
	for (int i = 0; i < INGEST_COMMITTERS; i++)
		pthread_join(in->committers[i].thread, NULL);
	follower_stop(in->follower);
}

struct access_table *ingest_access_table(struct ingest *in)
{
	return in->access;
}

struct quota_table *ingest_quotas(struct ingest *in)
{
	return in->quotas;
}

struct uuid ingest_node(const struct ingest *in)
{
	return in->node;
}

struct waiter {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool is_done;
	struct fault *why; /* on the waiting side's memory */
	const void *mem;
};

static void wake_waiter(struct ingest_request *r, const struct fault *why)
{
	struct waiter *w = r->arg;

	pthread_mutex_lock(&w->mutex);
	if (why)
		w->why = fault_detail(FAULT(w->mem, why->kind, why->code, "%s", why->text), "%s",
				      fault_describe(w->mem, why));
	w->is_done = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->mutex);
}

struct fault *ingest_and_wait(struct ingest *in, struct ingest_request *r)
{
	struct waiter w = { .mem = r->mem };

	pthread_mutex_init(&w.mutex, NULL);
	pthread_cond_init(&w.cond, NULL);
	r->done = wake_waiter;
	r->arg = &w;
	struct fault *f = ingest_submit(in, r);
	if (!f) {
		pthread_mutex_lock(&w.mutex);
		while (!w.is_done)
			pthread_cond_wait(&w.cond, &w.mutex);
		pthread_mutex_unlock(&w.mutex);
		f = w.why;
	}
	pthread_cond_destroy(&w.cond);
	pthread_mutex_destroy(&w.mutex);
	return f;
}

bool ingest_is_busy(struct ingest *in)
{
	pthread_mutex_lock(&in->mutex);
	bool busy = in->waiting_events > BATCH_MAX_EVENTS / 2;
	pthread_mutex_unlock(&in->mutex);
	return busy;
}

void ingest_metrics(struct ingest *in, struct buf *out)
{
	pthread_mutex_lock(&in->mutex);
	size_t waiting = in->waiting_events;
	pthread_mutex_unlock(&in->mutex);
	buf_printf(out,
		   "# TYPE bulkhead_ingest_batches_total counter\n"
		   "bulkhead_ingest_batches_total %lld\n"
		   "# TYPE bulkhead_ingest_events_total counter\n"
		   "bulkhead_ingest_events_total %lld\n"
		   "# TYPE bulkhead_ingest_waiting_events gauge\n"
		   "bulkhead_ingest_waiting_events %zu\n",
		   (long long)atomic_load(&in->batches), (long long)atomic_load(&in->events),
		   waiting);
}
