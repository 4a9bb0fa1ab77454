/* events.h - the event log: what happened, in one durable order.
 *
 * event_emit writes core.outbox in the transaction of the change. One node's
 * sealer (advisory lock, takeover within a second) moves visible rows to
 * core.events with dense numbers (seq). Every node follows the log; consumers
 * keep their place in core.cursors. NOTIFY only wakes. */
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
	struct str actor;   /* JSON object {id,name,kind} */
	struct str request_id;
	int64_t at_us;
};

/* Emits in tx. payload is JSON object text (NULL-able: {"id":subject}). */
struct fault *event_emit(struct tx *tx, const struct event_type *type, struct uuid subject,
			 struct str payload);

/* Starts sealer and follower threads. */
struct fault *events_start(const void *ctx, struct app *app, const char *platform_conninfo,
			   struct events **ret_events);
void events_stop(struct events *e);
/* Wakes the sealer (after a commit); any thread. */
void events_wake(struct events *e);
/* Called on the follower thread for each batch in order of seq; must not block long. */
void events_subscribe(struct events *e,
		      void (*on_events)(void *arg, const struct event *list, size_t n), void *arg);
/* The newest sealed seq known on this node. */
int64_t events_head(const struct events *e);
/* Events of one tenant after seq, oldest first, at most limit. *ret_complete is
 * false when older ones than asked for have been dropped (retention). */
struct fault *events_read(struct tx *platform_tx, struct uuid tenant, int64_t after_seq, int limit,
			  struct event **ret_list, size_t *ret_n, bool *ret_complete);
