/* lane.c - bounded queues and the worker threads behind them.
 *
 * Waking is chained: while one worker is being woken nobody wakes another; it
 * takes an exchange and, if more wait, wakes the next. A burst of short
 * requests is so done by few threads (measured: a third more requests than
 * waking one worker for each), a burst of long ones still spreads in
 * microseconds. The worker that went to sleep last is woken first: a lightly
 * loaded lane keeps few threads and database connections warm. */
#include "http/engine.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <talloc.h>

/* Whom to wake now, under the lock; NULL: nobody. */
static struct worker *lane_pick(struct lane *lane)
{
	struct worker *w = lane->idle;

	if (!w || lane->count == 0 || lane->is_waking)
		return NULL;
	lane->idle = w->idle_next;
	lane->is_waking = true;
	return w;
}

bool lane_push(struct http_exchange *x)
{
	struct lane *lane = &x->server->lanes[x->admission.lane];
	struct worker *w;

	if (lane->worker_count == 0)
		lane = &x->server->lanes[LANE_NORMAL];
	pthread_mutex_lock(&lane->lock);
	/* what idle workers will take at once does not count as queued */
	bool fits = lane->count < lane->limit + (size_t)(lane->worker_count - lane->busy);
	if (fits)
		lane->ring[(lane->first + lane->count++) % lane->room] = x;
	w = lane_pick(lane);
	pthread_mutex_unlock(&lane->lock);
	if (w)
		sem_post(&w->go);
	return fits;
}

static void lane_sleep(struct lane *lane, struct worker *w)
{
	w->idle_next = lane->idle;
	lane->idle = w;
	pthread_mutex_unlock(&lane->lock);
	while (sem_wait(&w->go) != 0)
		assert(errno == EINTR);
	pthread_mutex_lock(&lane->lock);
	lane->is_waking = false;
}

/* The next exchange, or NULL when the lane stops and is empty. */
static struct http_exchange *lane_pop(struct worker *w, bool was_busy)
{
	struct lane *lane = w->lane;
	struct http_exchange *x = NULL;
	struct worker *next = NULL;

	pthread_mutex_lock(&lane->lock);
	lane->busy -= was_busy;
	while (lane->count == 0 && !lane->stops)
		lane_sleep(lane, w);
	if (lane->count > 0) {
		x = lane->ring[lane->first];
		lane->first = (lane->first + 1) % lane->room;
		lane->count--;
		lane->busy++;
		next = lane_pick(lane);
	}
	pthread_mutex_unlock(&lane->lock);
	if (next)
		sem_post(&next->go);
	return x;
}

void lane_settle(struct worker *w, struct http_exchange *x)
{
	struct conn *c = x->conn;
	bool is_streamed = x->outcome == OUTCOME_STREAMED;
	unsigned busy_only = CONN_BUSY;

	assert(x->outcome == OUTCOME_ANSWER || x->outcome == OUTCOME_HAND_OVER || is_streamed);
	if (x->outcome == OUTCOME_HAND_OVER) {
		conn_give_back(c);
		return;
	}
	if (!is_streamed)
		answer_build(x, &w->date,
			     (int64_t)(x->file_fd >= 0 ? x->file_left : x->answer_body.n));
	else
		x->answer_body.n = 0;
	bool is_sent = answer_send(x) == SEND_DONE;
	if (is_sent && !x->closes && c->in_n == 0) {
		conn_rest(c, clock_steady_ms());
		if (atomic_compare_exchange_strong(&c->flags, &busy_only, 0))
			return;
	} else {
		c->phase = CONN_WRITE;
		c->deadline_ms = clock_steady_ms() + STALL_MS;
	}
	conn_give_back(c);
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	struct http_server *s = w->lane->server;
	struct http_exchange *x = lane_pop(w, false);

	while (x) {
		s->config.handle(s->config.app, x);
		if (x->holder == HELD_BY_DEFERRER)
			exchange_let_go(x);
		else
			lane_settle(w, x);
		x = lane_pop(w, true);
	}
	return NULL;
}

void lane_start(const void *ctx, struct http_server *s, enum http_lane which)
{
	struct lane *lane = &s->lanes[which];
	int limit = s->config.queue_limit[which];
	char name[16];

	lane->server = s;
	lane->limit = limit > 0 ? (size_t)limit : 1;
	lane->worker_count = s->config.workers[which];
	lane->room = lane->limit + (size_t)lane->worker_count;
	lane->ring = talloc_array(ctx, struct http_exchange *, (unsigned)lane->room);
	lane->workers = talloc_zero_array(ctx, struct worker, (unsigned)lane->worker_count);
	pthread_mutex_init(&lane->lock, NULL);
	for (int i = 0; i < lane->worker_count; i++) {
		struct worker *w = &lane->workers[i];
		w->lane = lane;
		w->date.second = -1;
		sem_init(&w->go, 0, 0);
		int error = pthread_create(&w->thread, NULL, worker_run, w);
		assert(error == 0);
		snprintf(name, sizeof(name), "work-%d-%d", (int)which, i % 1000);
		pthread_setname_np(w->thread, name);
	}
}

void lane_stop(struct lane *lane)
{
	pthread_mutex_lock(&lane->lock);
	lane->stops = true;
	struct worker *idle = lane->idle;
	lane->idle = NULL;
	pthread_mutex_unlock(&lane->lock);
	while (idle) {
		struct worker *next = idle->idle_next;
		sem_post(&idle->go);
		idle = next;
	}
	for (int i = 0; i < lane->worker_count; i++) {
		pthread_join(lane->workers[i].thread, NULL);
		sem_destroy(&lane->workers[i].go);
	}
}
