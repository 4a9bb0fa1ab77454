/* events.h - the event log: what happened, in one durable order.
 *
 * event_emit writes core.outbox in the transaction of the change. The sealer (one
 * at a time over all nodes) moves visible rows to core.events with dense numbers
 * (seq); docs/adr/0004. Every node follows the log on one thread and tells its
 * subscribers. Consumers that must not miss anything across restarts keep their
 * place in core.cursors, in the transaction of their effects. NOTIFY only wakes. */
#pragma once

#include "db/db.h"
#include "spine/module.h"

struct event {
	int64_t seq;
	struct uuid tenant;
	struct str type;    /* "project:created" */
	struct str subject; /* id of the noun, as text */
	struct str rooms;   /* JSON array of further rooms, or absent */
	struct str payload; /* JSON object */
	struct str actor;   /* JSON object {kind,id,name,on_behalf}, or absent */
	struct str request_id;
	int64_t at_us;
};

/* Emits in tx, for the tenant of its scope. payload is JSON object text
 * (absent: {"id":subject}). */
struct fault *event_emit(struct tx *tx, const struct event_type *type, struct uuid subject,
			 struct str payload);
/* The same, also to further rooms: a JSON array of names, e.g. ["user:<id>"]. */
struct fault *event_emit_to(struct tx *tx, const struct event_type *type, struct uuid subject,
			    struct str rooms, struct str payload);

/* Starts the thread that seals and follows, with a connection of its own, and
 * the notifier that wakes the other nodes. */
struct fault *events_start(const void *ctx, struct app *app, const char *platform_conninfo,
			   struct events **ret_events);
void events_stop(struct events *e);
/* Wakes the sealer (after a commit); any thread. */
void events_wake(struct events *e);
/* Called on the follower thread for each batch in order of seq; must not block long.
 * A subscriber hears what is sealed after it came, each event once. */
void events_subscribe(struct events *e,
		      void (*on_events)(void *arg, const struct event *list, size_t n), void *arg);
/* Wakes other nodes (coalesced NOTIFY); any thread, never blocks. */
void events_wake_others(struct events *e, unsigned wakes);
/* Called on the notifier's thread with what other nodes sent (WAKE_JOBS, …);
 * WAKE_EVENTS is answered here already. Before the first wake is expected. */
void events_on_wake(struct events *e, void (*on_wake)(void *arg, unsigned wakes), void *arg);
/* The newest sealed seq known on this node. */
int64_t events_head(const struct events *e);
/* Events of one tenant after seq, oldest first, at most limit. *ret_complete is
 * false when older ones than asked for have been dropped (retention). */
struct fault *events_read(struct tx *platform_tx, struct uuid tenant, int64_t after_seq, int limit,
			  struct event **ret_list, size_t *ret_n, bool *ret_complete);
void events_metrics(struct events *e, struct buf *out);
extern const struct module events_module; /* its tables */
