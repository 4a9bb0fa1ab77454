/* server.c - starting and stopping the engine, and its counts.
 *
 * Order of the end: network threads refuse new work and wait for the running
 * exchanges (until the deadline, then a short grace), lanes finish their
 * queues and are joined, and what came back late is closed here. */
#include "http/engine.h"

#include "base/clock.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <talloc.h>
#include <unistd.h>

static struct fault *net_open(const void *ctx, struct http_server *s, struct net *t)
{
	t->server = s;
	t->date.second = -1;
	t->scratch = talloc_size(s, RECEIVE_BYTES);
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	t->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.ptr = &t->wake };
	if (t->epoll < 0 || t->wake < 0 || epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->wake, &e) != 0)
		return FAULT_BUG(ctx, "cannot make an epoll set");
	return NULL;
}

static void close_descriptors(struct http_server *s)
{
	if (s->listener >= 0)
		close(s->listener);
	if (s->spare_fd >= 0)
		close(s->spare_fd);
	s->listener = s->spare_fd = -1;
	for (int i = 0; i < s->config.network_threads; i++) {
		if (s->nets[i].epoll >= 0)
			close(s->nets[i].epoll);
		if (s->nets[i].wake >= 0)
			close(s->nets[i].wake);
		s->nets[i].epoll = s->nets[i].wake = -1;
	}
}

/* Signals are the main thread's. SIGPIPE, too, is blocked here: sendfile has
 * no MSG_NOSIGNAL. */
static void start_threads(struct http_server *s)
{
	sigset_t all, before;
	char name[16];

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	for (int lane = 0; lane < LANE_COUNT; lane++)
		lane_start(s, s, (enum http_lane)lane);
	for (int i = 0; i < s->config.network_threads; i++) {
		int error = pthread_create(&s->nets[i].thread, NULL, net_run, &s->nets[i]);
		assert(error == 0);
		snprintf(name, sizeof(name), "net-%d", i % 1000);
		pthread_setname_np(s->nets[i].thread, name);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static struct fault *server_open(const void *ctx, struct http_server *s)
{
	TRY(peer_ranges(ctx, s));
	for (int i = 0; i < s->config.network_threads; i++)
		TRY(net_open(ctx, s, &s->nets[i]));
	return accept_open(ctx, s);
}

struct fault *http_start(const void *ctx, const struct http_config *config,
			 struct http_server **ret_server)
{
	struct http_server *s = talloc_zero(ctx, struct http_server);

	assert(config->network_threads > 0 && config->admit && config->handle && config->refuse);
	s->config = *config;
	s->listener = s->spare_fd = -1;
	s->nets = talloc_zero_array(s, struct net, (unsigned)config->network_threads);
	for (int i = 0; i < config->network_threads; i++)
		s->nets[i].epoll = s->nets[i].wake = -1;
	struct fault *f = server_open(ctx, s);
	if (f) {
		close_descriptors(s);
		talloc_free(s);
		return f;
	}
	*ret_server = s; /* before a hook can run and ask for it */
	start_threads(s);
	return NULL;
}

uint16_t http_port(const struct http_server *s)
{
	return s->port;
}

void http_stop(struct http_server *s, int64_t deadline_steady_ms)
{
	if (s->is_stopped)
		return;
	s->is_stopped = true;
	atomic_store(&s->stop_at_ms, deadline_steady_ms > 0 ? deadline_steady_ms : 1);
	for (int i = 0; i < s->config.network_threads; i++)
		net_wake(&s->nets[i]);
	for (int i = 0; i < s->config.network_threads; i++)
		pthread_join(s->nets[i].thread, NULL);
	for (int i = 0; i < LANE_COUNT; i++)
		lane_stop(&s->lanes[i]);
	for (int i = 0; i < s->config.network_threads; i++)
		net_drain(&s->nets[i]);
	close_descriptors(s);
}

struct http_counts http_counts(const struct http_server *s)
{
	struct http_counts counts = { 0 };

	for (int i = 0; i < s->config.network_threads; i++) {
		const struct net *t = &s->nets[i];
		counts.connections += atomic_load_explicit(&t->conn_count, memory_order_relaxed);
		counts.requests += atomic_load_explicit(&t->requests, memory_order_relaxed);
		counts.refused += atomic_load_explicit(&t->refused, memory_order_relaxed);
	}
	for (int i = 0; i < LANE_COUNT; i++) {
		struct lane *lane = (struct lane *)(uintptr_t)&s->lanes[i];
		pthread_mutex_lock(&lane->lock);
		counts.queued[i] = (int64_t)lane->count;
		counts.busy[i] = lane->busy;
		pthread_mutex_unlock(&lane->lock);
	}
	return counts;
}
