/* notify.c - wake-ups between nodes: one connection that listens and notifies.
 *
 * A NOTIFY takes a cluster-wide lock at commit, so business transactions never
 * send one; here at most one leaves each 2 ms, with all bits since the last.
 * The payload is the bits in decimal; what comes from this very connection is
 * ignored. After a reconnection everybody is woken, since something may have
 * been missed; notifications only ever mean "look", so one too many is fine. */
#include "db/db_internal.h"

#include "base/clock.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define QUIET_MS 2
#define RETRY_MS 500
#define EVERYTHING (WAKE_EVENTS | WAKE_JOBS | WAKE_INGEST)

struct db_notifier {
	const char *conninfo;
	const char *channel;
	void (*on_wake)(void *arg, unsigned wakes);
	void *arg;
	PGconn *pg; /* of the thread */
	atomic_uint due;
	atomic_bool stopping;
	int event; /* eventfd: due or stopping has changed */
	int64_t last_sent_ms;
	bool was_lost;
	pthread_t thread;
};

static bool listen_now(struct db_notifier *n)
{
	void *mem = talloc_new(NULL);
	bool is_open = conn_open(mem, n->conninfo, "-c timezone=UTC", &n->pg) == NULL;

	talloc_free(mem);
	if (!is_open)
		return false;
	char *name = PQescapeIdentifier(n->pg, n->channel, strlen(n->channel));
	char sql[128];
	snprintf(sql, sizeof(sql), "listen %s", name);
	PQfreemem(name);
	PGresult *r = PQexec(n->pg, sql);
	bool is_listening = PQresultStatus(r) == PGRES_COMMAND_OK;
	PQclear(r);
	return is_listening;
}

static void hang_up(struct db_notifier *n)
{
	PQfinish(n->pg);
	n->pg = NULL;
	n->was_lost = true;
}

static void read_all(struct db_notifier *n)
{
	unsigned wakes = 0;

	if (!PQconsumeInput(n->pg)) {
		hang_up(n);
		return;
	}
	for (PGnotify *note = PQnotifies(n->pg); note; note = PQnotifies(n->pg)) {
		if (note->be_pid != PQbackendPID(n->pg))
			wakes |= (unsigned)strtoul(note->extra, NULL, 10);
		PQfreemem(note);
	}
	wakes &= EVERYTHING;
	if (wakes)
		n->on_wake(n->arg, wakes);
}

static void send_due(struct db_notifier *n)
{
	unsigned wakes = atomic_exchange(&n->due, 0);
	char payload[16];
	const char *const values[] = { n->channel, payload };

	snprintf(payload, sizeof(payload), "%u", wakes);
	PGresult *r =
		PQexecParams(n->pg, "select pg_notify($1, $2)", 2, NULL, values, NULL, NULL, 0);
	if (PQresultStatus(r) != PGRES_TUPLES_OK) {
		atomic_fetch_or(&n->due, wakes);
		hang_up(n);
	}
	PQclear(r);
	n->last_sent_ms = clock_steady_ms();
}

static void drain_event(struct db_notifier *n)
{
	uint64_t count;

	if (read(n->event, &count, sizeof(count)) < 0)
		return; /* nothing there */
}

/* How long to sleep: until the next send is allowed, or until something comes. */
static int patience_ms(const struct db_notifier *n)
{
	if (!n->pg)
		return RETRY_MS;
	if (!atomic_load(&n->due))
		return -1;
	int64_t left_ms = n->last_sent_ms + QUIET_MS - clock_steady_ms();
	return left_ms > 0 ? (int)left_ms : 0;
}

static void *notifier_main(void *arg)
{
	struct db_notifier *n = arg;

	while (!atomic_load(&n->stopping)) {
		if (!n->pg && !listen_now(n)) {
			hang_up(n);
		} else if (n->was_lost) {
			n->was_lost = false;
			n->on_wake(n->arg, EVERYTHING);
		}
		/* with something due only time (or a message) may wake us */
		struct pollfd fds[] = {
			{ .fd = n->pg ? PQsocket(n->pg) : -1, .events = POLLIN },
			{ .fd = n->pg && atomic_load(&n->due) ? -1 : n->event, .events = POLLIN },
		};
		poll(fds, 2, patience_ms(n));
		drain_event(n);
		if (n->pg && fds[0].revents)
			read_all(n);
		if (n->pg && atomic_load(&n->due) && patience_ms(n) == 0)
			send_due(n);
		if (n->pg) /* what arrived while sending */
			read_all(n);
	}
	PQfinish(n->pg);
	return NULL;
}

struct fault *db_notifier_start(const void *ctx, const char *conninfo, const char *channel,
				void (*on_wake)(void *arg, unsigned wakes), void *arg,
				struct db_notifier **ret_notifier)
{
	struct db_notifier *n = talloc_zero(ctx, struct db_notifier);

	n->conninfo = talloc_strdup(n, conninfo);
	n->channel = talloc_strdup(n, channel);
	n->on_wake = on_wake;
	n->arg = arg;
	n->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (n->event < 0)
		return FAULT_BUG(ctx, "eventfd failed");
	if (pthread_create(&n->thread, NULL, notifier_main, n) != 0) {
		close(n->event);
		return FAULT_BUG(ctx, "no thread for the notifier");
	}
	*ret_notifier = n;
	return NULL;
}

static void poke(struct db_notifier *n)
{
	uint64_t one = 1;

	if (write(n->event, &one, sizeof(one)) < 0)
		return; /* the counter is full: it is awake anyway */
}

void db_notifier_send(struct db_notifier *n, unsigned wakes)
{
	if (atomic_fetch_or(&n->due, wakes) == 0)
		poke(n);
}

void db_notifier_stop(struct db_notifier *n)
{
	atomic_store(&n->stopping, true);
	poke(n);
	pthread_join(n->thread, NULL);
	close(n->event);
	talloc_free(n);
}
