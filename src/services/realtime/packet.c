/* packet.c - packets and outboxes (see packet.h). */
#include "services/realtime/packet.h"

#include <assert.h>
#include <talloc.h>

static struct packet *packet_new(const void *ctx, const void *header, size_t header_bytes,
				 struct str payload)
{
	struct packet *p = talloc_size(ctx, sizeof(struct packet) + header_bytes + payload.n);

	*p = (struct packet){ .holders = 1,
			      .bytes = (uint32_t)(header_bytes + payload.n),
			      .header_bytes = (uint8_t)header_bytes };
	memcpy(p->data, header, header_bytes);
	if (payload.n)
		memcpy(p->data + header_bytes, payload.p, payload.n);
	return p;
}

struct packet *packet_frame(const void *ctx, enum ws_opcode opcode, struct str payload)
{
	uint8_t header[WS_HEADER_MAX];
	size_t n = ws_write_header(header, opcode, payload.n);
	struct packet *p = packet_new(ctx, header, n, payload);

	p->is_binary = opcode == WS_BINARY;
	return p;
}

struct packet *packet_raw(const void *ctx, struct str bytes)
{
	return packet_new(ctx, "", 0, bytes);
}

void packet_hold(struct packet *p)
{
	p->holders++;
}

void packet_drop(struct packet *p)
{
	assert(p->holders > 0);
	if (--p->holders == 0)
		talloc_free(p);
}

static struct packet **places(const struct outbox *o)
{
	return o->more ? o->more : (struct packet **)(uintptr_t)o->few;
}

static void make_room(struct outbox *o, const void *ctx)
{
	struct packet **from = places(o);
	uint32_t room = o->more ? o->room : OUTBOX_INLINE;

	if (o->head + o->count < room)
		return;
	if (o->head > 0) {
		memmove(from, from + o->head, o->count * sizeof(*from));
		o->head = 0;
		if (o->count < room)
			return;
	}
	bool was_inline = !o->more;
	o->room = room * 2 + 2;
	o->more = talloc_realloc(ctx, o->more, struct packet *, o->room);
	if (was_inline)
		memcpy(o->more, o->few, o->count * sizeof(*from));
}

void outbox_push(struct outbox *o, const void *ctx, struct packet *p)
{
	make_room(o, ctx);
	packet_hold(p);
	places(o)[o->head + o->count++] = p;
	o->bytes += p->bytes;
}

struct packet *outbox_at(const struct outbox *o, uint32_t i)
{
	return i < o->count ? places(o)[o->head + i] : NULL;
}

void outbox_pop(struct outbox *o)
{
	struct packet *p = outbox_at(o, 0);

	assert(p);
	o->bytes -= p->bytes;
	o->head++;
	o->count--;
	packet_drop(p);
	if (o->count > 0)
		return;
	o->head = 0;
	TALLOC_FREE(o->more);
}

void outbox_clear(struct outbox *o)
{
	while (o->count > 0)
		outbox_pop(o);
}
