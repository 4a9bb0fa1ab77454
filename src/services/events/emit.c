/* emit.c - the writing side of the event log: one held-back insert into the outbox.
 *
 * It travels with the next statement or the commit, so an event costs its
 * transaction no round trip. Who, where from and when are column defaults. */
#include "services/events/events.h"

#include "services/events/events_gen.h"

struct fault *event_emit_to(struct tx *tx, const struct event_type *type, struct uuid subject,
			    struct str rooms, struct str payload)
{
	struct str id = uuid_str(tx_mem(tx), subject);
	struct buf text;

	if (str_is_null(payload)) {
		buf_init(&text, tx_mem(tx), 64);
		buf_printf(&text, "{\"id\":\"%.*s\"}", STR_ARG(id));
		payload = buf_view(&text);
	}
	TRY(outbox_put(tx, str_of(type->name), id, rooms, payload));
	tx_wake(tx, WAKE_EVENTS);
	return NULL;
}

struct fault *event_emit(struct tx *tx, const struct event_type *type, struct uuid subject,
			 struct str payload)
{
	return event_emit_to(tx, type, subject, (struct str){ 0 }, payload);
}
