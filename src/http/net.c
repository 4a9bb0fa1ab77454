/* net.c - a network thread: one epoll set, one inbox, one sweep a second.
 *
 * Sockets are registered once, edge-triggered for everything, so a request
 * costs no epoll_ctl. The inbox is a lock-free stack of connections to look
 * at; its eventfd is written only when the thread sleeps and never read (each
 * write is an edge). Time limits are checked by walking all connections once a
 * second: 10 000 of them cost half a millisecond, and no timer structure. */
#include "http/engine.h"

#include "base/clock.h"

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <talloc.h>
#include <unistd.h>

#define EVENTS_MAX 128
#define TRIM_MS 10000
#define TRIM_EXCHANGES 256
#define SWEEP_MS 1000
#define STOP_GRACE_MS 3000 /* after the deadline, for those who still hold an exchange */

void net_wake(struct net *t)
{
	uint64_t one = 1;
	ssize_t n;

	do
		n = write(t->wake, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
}

void net_push(struct conn *c)
{
	struct net *t = c->net;

	atomic_fetch_add(&t->pushers, 1);
	struct conn *head = atomic_load(&t->inbox);
	do
		c->inbox_next = head;
	while (!atomic_compare_exchange_weak(&t->inbox, &head, c));
	/* Sequentially consistent on both sides: either the thread sees the
	 * entry before it sleeps, or we see that it sleeps. */
	if (atomic_load(&t->asleep) && atomic_exchange(&t->asleep, false))
		net_wake(t);
	atomic_fetch_sub(&t->pushers, 1);
}

void net_again(struct conn *c)
{
	if (c->is_again)
		return;
	c->is_again = true;
	c->again_next = c->net->again;
	c->net->again = c;
}

static void take_inbox(struct net *t)
{
	struct conn *c = atomic_exchange(&t->inbox, NULL), *turned = NULL;

	while (c) { /* oldest first */
		struct conn *next = c->inbox_next;
		c->inbox_next = turned;
		turned = c;
		c = next;
	}
	while (turned) {
		c = turned;
		turned = c->inbox_next;
		conn_look(c);
	}
}

static void take_again(struct net *t)
{
	struct conn *c = t->again;

	t->again = NULL;
	while (c) {
		struct conn *next = c->again_next;
		c->is_again = false;
		if (c->fd >= 0 && !(atomic_load(&c->flags) & CONN_BUSY))
			conn_go(c);
		c = next;
	}
}

/* Closed connections may still be named by events of the same batch. */
static void bury_dead(struct net *t)
{
	struct conn *c = t->dead;

	t->dead = NULL;
	while (c) {
		struct conn *next = c->dead_next;
		if (c->is_again) {
			c->dead_next = t->dead;
			t->dead = c;
		} else {
			talloc_free(c);
		}
		c = next;
	}
}

/* A burst leaves holes between the connections that stay: pages that malloc
 * would keep for ever. */
static void give_memory_back(struct net *t)
{
	_Atomic int *freed = &t->server->freed_exchanges;

	if (t != &t->server->nets[0] || t->now_ms - t->trimmed_ms < TRIM_MS ||
	    atomic_load_explicit(freed, memory_order_relaxed) < TRIM_EXCHANGES)
		return;
	atomic_store_explicit(freed, 0, memory_order_relaxed);
	t->trimmed_ms = t->now_ms;
	malloc_trim(0);
}

static void net_sweep(struct net *t)
{
	struct conn *next;

	t->swept_ms = t->now_ms;
	for (struct conn *c = t->conns; c; c = next) {
		next = c->next;
		conn_check_time(c);
	}
	give_memory_back(t);
}

static int sleep_ms(const struct net *t)
{
	if (t->again)
		return 0;
	if (!t->conns && !t->is_stopping)
		return -1;
	int64_t left = t->swept_ms + (t->is_stopping ? 50 : SWEEP_MS) - t->now_ms;
	return left > 0 ? (int)left : 0;
}

static void net_wait(struct net *t)
{
	struct epoll_event events[EVENTS_MAX];
	int wait = sleep_ms(t);

	if (wait != 0) {
		atomic_store(&t->asleep, true);
		if (atomic_load(&t->inbox))
			wait = 0;
	}
	int n = epoll_wait(t->epoll, events, EVENTS_MAX, wait);
	atomic_store(&t->asleep, false);
	t->now_us = clock_steady_us();
	t->now_ms = t->now_us / 1000;
	for (int i = 0; i < n; i++) {
		void *what = events[i].data.ptr;
		uint32_t e = events[i].events;
		if (what == &t->wake)
			continue;
		if (what == &t->server->listener) {
			accept_some(t);
			continue;
		}
		conn_news(what, ((e & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) ? CONN_READABLE
										    : 0U) |
					((e & EPOLLRDHUP) ? CONN_HALF : 0U) |
					((e & (EPOLLERR | EPOLLHUP)) ? CONN_GONE : 0U));
	}
}

/* Idle connections close at once; what runs may finish until the deadline. */
static void net_stop(struct net *t, int64_t deadline_ms)
{
	struct conn *next;

	if (!t->is_stopping && t == &t->server->nets[0]) {
		close(t->server->listener); /* only this thread uses it */
		t->server->listener = -1;
	}
	t->is_stopping = true;
	for (struct conn *c = t->conns; c; c = next) {
		next = c->next;
		bool is_busy = (atomic_load(&c->flags) & CONN_BUSY) != 0;
		if (!is_busy && (c->phase == CONN_IDLE || t->now_ms >= deadline_ms))
			conn_close(c);
		else if (is_busy && t->now_ms >= deadline_ms)
			conn_news(c, CONN_GONE);
	}
}

void *net_run(void *net)
{
	struct net *t = net;

	t->swept_ms = t->now_ms = clock_steady_ms();
	for (;;) {
		net_wait(t);
		take_inbox(t);
		take_again(t);
		if (t->now_ms - t->swept_ms >= (t->is_stopping ? 50 : SWEEP_MS))
			net_sweep(t);
		int64_t stop_ms = atomic_load(&t->server->stop_at_ms);
		if (stop_ms)
			net_stop(t, stop_ms);
		bury_dead(t);
		if (stop_ms && (!t->conns || t->now_ms >= stop_ms + STOP_GRACE_MS))
			return NULL;
	}
}

void net_drain(struct net *t)
{
	struct conn *next;

	while (atomic_load(&t->pushers) > 0)
		sched_yield();
	take_inbox(t);
	for (struct conn *c = t->conns; c; c = next) {
		next = c->next;
		if (!(atomic_load(&c->flags) & CONN_BUSY))
			conn_close(c);
	}
	take_again(t);
	bury_dead(t);
}
