/* packet.h - encoded bytes that many sockets send, and the queue they wait in.
 *
 * A broadcast is encoded once; every recipient's outbox holds a reference. A
 * packet may start with a WebSocket header that the polling transport leaves
 * out. Only the hub's loop thread touches packets, so the count is plain. */
#pragma once

#include "services/realtime/websocket.h"

struct packet {
	uint32_t holders;
	uint32_t bytes;	      /* all of them */
	uint8_t header_bytes; /* of the WebSocket frame */
	bool is_binary;
	char data[];
};

/* A new packet is held once by the caller, who drops it after pushing it. */
struct packet *packet_frame(const void *ctx, enum ws_opcode opcode, struct str payload);
struct packet *packet_raw(const void *ctx, struct str bytes);
void packet_hold(struct packet *p);
void packet_drop(struct packet *p);

static inline struct str packet_payload(const struct packet *p)
{
	return (struct str){ p->data + p->header_bytes, p->bytes - p->header_bytes };
}

#define OUTBOX_INLINE 3

/* A queue of packets; most of the time it is empty and owns no memory. */
struct outbox {
	struct packet **more; /* when they are more than fit here */
	struct packet *few[OUTBOX_INLINE];
	uint32_t head, count, room;
	size_t bytes;
};

void outbox_push(struct outbox *o, const void *ctx, struct packet *p);
/* The i-th from the front, NULL past the end. */
struct packet *outbox_at(const struct outbox *o, uint32_t i);
void outbox_pop(struct outbox *o);
void outbox_clear(struct outbox *o);
