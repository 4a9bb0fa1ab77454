/* realtime.h - live connections over one event log: Socket.IO (polling and
 * WebSocket), plain WebSocket and SSE.
 *
 * An epoll loop of its own owns handed-over sockets. Rooms: user:{id},
 * tenant:{id}, {noun}:{id}. Connecting and joining are checked like a route,
 * and again when stamps change. */
#pragma once

#include "spine/module.h"

/* After events_start. Freed with ctx, once the HTTP server has stopped. */
struct fault *realtime_start(const void *ctx, struct app *app, struct realtime **ret_realtime);
/* Closes every socket with a reason and answers waiting polls; call it before
 * http_stop, which would wait for them. Newcomers are refused from then on. */
void realtime_stop(struct realtime *r, int64_t deadline_steady_ms);
/* Sends an event to a room of this process only, beside the log (live view of ingested
 * events; every node does it for what it finds). Any thread; bytes are copied. */
void realtime_broadcast(struct realtime *r, struct str room, struct str event_name,
			struct str payload_json);
/* Is anybody in the room on this node? Cheap; any thread. */
bool realtime_has_room(struct realtime *r, struct str room);
void realtime_metrics(struct realtime *r, struct buf *out);
extern const struct module realtime_module; /* /socket.io/, stream, ws routes */
