/* live.h - "event:received" in the room project:{id} of this process. */
#pragma once

#include "modules/analytics/ingest.h"

struct live_event {
	struct uuid id;
	struct str type, name, user_id, anonymous_id;
	int64_t occurred_us, received_us;
	struct str properties; /* JSON object or absent */
};

/* "project:{id}" */
struct str live_room(const void *mem, struct uuid project);
/* Does anybody on this node look? */
bool live_is_watched(struct app *app, struct uuid project);
/* Only the first hundred of the n events are read; the others are counted. */
void live_send(struct app *app, struct uuid project, const struct live_event *events, size_t n);
