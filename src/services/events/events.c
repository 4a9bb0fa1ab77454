/* events.c - one thread a node that seals the log and follows it.
 *
 * Woken by a commit of this process it calls core.seal_events() - one
 * statement, sent together with begin and commit, so that a process that
 * freezes or dies can never hold the sealing lock for longer than that
 * statement - and then reads what is new. Woken by another node it only reads.
 * A slow poll stands behind both: a node that died between its commit and its
 * wake leaves nothing behind. It rests as long as it has worked, which makes
 * batches grow under load. */
#include "services/events/events_internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <talloc.h>
#include <time.h>

#define POLL_MS 300	     /* and up to as much again by chance */
#define EVERYTHING_MS 30000  /* how often it looks below the floor, too */
#define REST_LEAST_US 500    /* between two passes */
#define REST_MOST_US 10000   /* and when passes take long */
#define BACKOFF_MOST_MS 1000 /* after faults */
#define SUBSCRIBERS_MAX 16
#define CHANNEL "bulkhead_wake"

struct subscriber {
	void (*on_events)(void *arg, const struct event *list, size_t n);
	void *arg;
};

struct events {
	struct db *db; /* its own, so that requests cannot starve it */
	struct db_notifier *notifier;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t bell;
	unsigned woken; /* WOKEN_ bits; under lock, as what follows */
	bool stopping;
	struct subscriber subscribers[SUBSCRIBERS_MAX];
	size_t subscriber_count;
	void (*on_wake)(void *arg, unsigned wakes);
	void *on_wake_arg;
	_Atomic int64_t head;
	_Atomic int64_t passes, faults;
	int64_t everything_at_ms; /* the thread's own from here */
	bool is_failing;
};

enum { WOKEN_HERE = 1, WOKEN_ELSEWHERE = 2, WOKEN_BY_CLOCK = 4 };

static void ring(struct events *e, unsigned why)
{
	pthread_mutex_lock(&e->lock);
	e->woken |= why;
	pthread_cond_signal(&e->bell);
	pthread_mutex_unlock(&e->lock);
}

void events_wake(struct events *e)
{
	ring(e, WOKEN_HERE);
}

/* Waits for the bell, at most ms; returns why it woke, 0 to stop. */
static unsigned wait_for_bell(struct events *e, int64_t ms)
{
	const int64_t until_us = clock_steady_us() + ms * 1000;
	const struct timespec until = { .tv_sec = until_us / 1000000,
					.tv_nsec = until_us % 1000000 * 1000 };
	unsigned why;

	pthread_mutex_lock(&e->lock);
	while (!e->woken && !e->stopping)
		if (pthread_cond_timedwait(&e->bell, &e->lock, &until))
			break;
	why = e->stopping ? 0 : e->woken ? e->woken : WOKEN_BY_CLOCK;
	e->woken = 0;
	pthread_mutex_unlock(&e->lock);
	return why;
}

static struct fault *seal(struct events *e, const void *mem)
{
	const int64_t now_ms = clock_steady_ms();
	const bool everything = now_ms >= e->everything_at_ms;
	struct tx *tx = tx_new(mem, e->db, DB_PLATFORM, TX_WRITE, &(struct scope){ 0 });

	TRY(outbox_seal(tx, EVENTS_SEALED, everything));
	TRY(tx_commit(tx));
	if (everything)
		e->everything_at_ms = now_ms + EVERYTHING_MS;
	return NULL;
}

static void deliver(struct events *e, const void *mem, const struct events_after_rows *rows)
{
	struct event *list = talloc_array(mem, struct event, (unsigned)rows->n);
	struct subscriber subscribers[SUBSCRIBERS_MAX];
	size_t count;

	for (size_t i = 0; i < rows->n; i++) {
		const struct events_after_row *row = &rows->v[i];

		list[i] = (struct event){
			.seq = row->seq,
			.tenant = row->tenant_id,
			.type = row->type,
			.subject = row->subject,
			.rooms = row->rooms,
			.payload = row->payload,
			.actor = row->actor,
			.request_id = row->request_id,
			.at_us = row->at,
		};
	}
	pthread_mutex_lock(&e->lock);
	count = e->subscriber_count;
	memcpy(subscribers, e->subscribers, sizeof(subscribers));
	pthread_mutex_unlock(&e->lock);
	for (size_t i = 0; i < count; i++)
		subscribers[i].on_events(subscribers[i].arg, list, rows->n);
}

/* Reads and delivers one batch after the head. */
static struct fault *follow(struct events *e, const void *mem, size_t *ret_n)
{
	struct tx *tx = tx_new(mem, e->db, DB_PLATFORM, TX_READ, &(struct scope){ 0 });
	struct events_after_rows rows;

	TRY(events_after(tx, e->head, EVENTS_BATCH, &rows));
	tx_end(tx);
	*ret_n = rows.n;
	if (rows.n == 0)
		return NULL;
	/* numbers are dense; only a node that slept longer than the log is kept sees a gap */
	if (rows.v[0].seq != e->head + 1)
		LOG_ERROR("events were dropped before this node had read them",
			  LOG_INT("after", e->head), LOG_INT("next", rows.v[0].seq));
	deliver(e, mem, &rows);
	e->head = rows.v[rows.n - 1].seq;
	return NULL;
}

static struct fault *pass(struct events *e, const void *mem, unsigned why)
{
	const bool seals = why & (WOKEN_HERE | WOKEN_BY_CLOCK);
	size_t n;

	do {
		void *batch = talloc_new(mem);
		struct fault *f = seals ? seal(e, mem) : NULL;

		if (!f)
			f = follow(e, batch, &n);
		if (f)
			return f;
		talloc_free(batch);
		if (seals && n > 0)
			events_wake_others(e, WAKE_EVENTS);
	} while (n >= EVENTS_BATCH);
	return NULL;
}

static void report(struct events *e, const void *mem, const struct fault *f)
{
	if (f && !e->is_failing)
		LOG_WARN("event log stalled", LOG_TEXT("fault", fault_describe(mem, f)));
	if (!f && e->is_failing)
		LOG_INFO("event log runs again");
	e->is_failing = f != NULL;
	e->faults += f != NULL;
	e->passes++;
}

static void rest(int64_t worked_us)
{
	const int64_t us = worked_us < REST_LEAST_US  ? REST_LEAST_US
			   : worked_us > REST_MOST_US ? REST_MOST_US
						      : worked_us;
	const struct timespec pause = { .tv_nsec = us * 1000 };

	nanosleep(&pause, NULL);
}

static void *run(void *arg)
{
	struct events *e = arg;
	unsigned seed = (unsigned)clock_wall_us(), why;
	int64_t wait_ms = POLL_MS, backoff_ms = 0;

	while ((why = wait_for_bell(e, wait_ms)) != 0) {
		const int64_t began_us = clock_steady_us();
		void *mem = talloc_new(NULL);
		struct fault *f = pass(e, mem, why);

		report(e, mem, f);
		talloc_free(mem);
		wait_ms = POLL_MS + rand_r(&seed) % POLL_MS;
		if (f) {
			backoff_ms = backoff_ms ? backoff_ms * 2 : 50;
			backoff_ms = backoff_ms < BACKOFF_MOST_MS ? backoff_ms : BACKOFF_MOST_MS;
			nanosleep(&(struct timespec){ .tv_sec = backoff_ms / 1000,
						      .tv_nsec = backoff_ms % 1000 * 1000000 },
				  NULL);
			wait_ms = 0;
			continue;
		}
		backoff_ms = 0;
		rest(clock_steady_us() - began_us);
	}
	return NULL;
}

static void woken_by_node(void *arg, unsigned wakes)
{
	struct events *e = arg;
	void (*on_wake)(void *arg, unsigned wakes);
	void *on_wake_arg;

	if (wakes & WAKE_EVENTS)
		ring(e, WOKEN_ELSEWHERE);
	pthread_mutex_lock(&e->lock);
	on_wake = e->on_wake;
	on_wake_arg = e->on_wake_arg;
	pthread_mutex_unlock(&e->lock);
	if (on_wake)
		on_wake(on_wake_arg, wakes & ~(unsigned)WAKE_EVENTS);
}

/* The first look: partitions for today, and where the log stands. */
static struct fault *prepare(struct events *e)
{
	void *mem = talloc_new(e);
	struct tx *tx = tx_new(mem, e->db, DB_PLATFORM, TX_WRITE, &(struct scope){ 0 });
	struct partitions_maintain_row made;
	struct events_bounds_row bounds;

	TRY(partitions_lock(tx));
	TRY(partitions_maintain(tx, &made));
	TRY(tx_commit(tx));
	tx = tx_new(mem, e->db, DB_PLATFORM, TX_READ, &(struct scope){ 0 });
	TRY(events_bounds(tx, &bounds));
	tx_end(tx);
	e->head = bounds.head;
	talloc_free(mem);
	return NULL;
}

struct fault *events_start(const void *ctx, struct app *app, const char *platform_conninfo,
			   struct events **ret_events)
{
	const struct db_config config = {
		.conninfo[DB_PLATFORM] = platform_conninfo,
		.pool_size[DB_PLATFORM] = 1,
		.wait_ms = 2000,
		.statement_timeout_ms = 20000,
	};
	struct events *e = talloc_zero(ctx, struct events);
	pthread_condattr_t steady;

	(void)app;
	TRY(db_open(e, &config, &e->db));
	pthread_mutex_init(&e->lock, NULL);
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&e->bell, &steady);
	pthread_condattr_destroy(&steady);
	TRY(prepare(e));
	TRY(db_notifier_start(e, platform_conninfo, CHANNEL, woken_by_node, e, &e->notifier));
	e->woken = WOKEN_BY_CLOCK; /* what a dead process left in the outbox */
	if (pthread_create(&e->thread, NULL, run, e))
		return FAULT_BUG(ctx, "no thread for the event log");
	*ret_events = e;
	return NULL;
}

void events_stop(struct events *e)
{
	pthread_mutex_lock(&e->lock);
	e->stopping = true;
	pthread_cond_signal(&e->bell);
	pthread_mutex_unlock(&e->lock);
	pthread_join(e->thread, NULL);
	db_notifier_stop(e->notifier);
	db_close(e->db);
	pthread_cond_destroy(&e->bell);
	pthread_mutex_destroy(&e->lock);
	talloc_free(e);
}

void events_subscribe(struct events *e,
		      void (*on_events)(void *arg, const struct event *list, size_t n), void *arg)
{
	pthread_mutex_lock(&e->lock);
	assert(e->subscriber_count < SUBSCRIBERS_MAX);
	e->subscribers[e->subscriber_count++] = (struct subscriber){ on_events, arg };
	pthread_mutex_unlock(&e->lock);
}

void events_on_wake(struct events *e, void (*on_wake)(void *arg, unsigned wakes), void *arg)
{
	pthread_mutex_lock(&e->lock);
	e->on_wake = on_wake;
	e->on_wake_arg = arg;
	pthread_mutex_unlock(&e->lock);
}

void events_wake_others(struct events *e, unsigned wakes)
{
	db_notifier_send(e->notifier, wakes);
}

int64_t events_head(const struct events *e)
{
	return e->head;
}

void events_metrics(struct events *e, struct buf *out)
{
	buf_printf(out,
		   "# TYPE bulkhead_events_head gauge\nbulkhead_events_head %lld\n"
		   "# TYPE bulkhead_events_passes_total counter\n"
		   "bulkhead_events_passes_total %lld\n"
		   "# TYPE bulkhead_events_faults_total counter\n"
		   "bulkhead_events_faults_total %lld\n",
		   (long long)e->head, (long long)e->passes, (long long)e->faults);
}

static void module_metrics(struct app *app, struct buf *out)
{
	if (app->events)
		events_metrics(app->events, out);
}

const struct module events_module = {
	.name = "events",
	.migrations = events_migrations,
	.queries = events_queries,
	.shapes = events_shapes,
	.metrics = module_metrics,
};
