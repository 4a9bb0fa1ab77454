/* session.c - an Engine.IO session: heartbeat, what it may send and receive, and
 * the one place where it ends. Which transport carries it is a detail here:
 * polling.c and upgrade.c. */
#include "services/realtime/hub_internal.h"

#include "base/map.h"
#include "services/crypto/crypto.h"

#define CLOSING_MS 30000

static void ping_due(struct timer *t)
{
	struct session *s = CONTAINER_OF(t, struct session, heartbeat);
	struct hub *hub = s->peer.hub;

	if (s->is_awaiting_pong) {
		eio_session_end(s, END_TIMEOUT);
		return;
	}
	s->is_awaiting_pong = true;
	wheel_set(&hub->wheel, t, hub->now_ms + hub->limits.ping_timeout_ms);
	session_send(s, hub->ping);
}

static void rest_until_ping(struct session *s)
{
	struct hub *hub = s->peer.hub;

	s->is_awaiting_pong = false;
	wheel_set(&hub->wheel, &s->heartbeat, hub->now_ms + hub->limits.ping_interval_ms);
}

bool strangers_are_many(const struct hub *hub, struct str address)
{
	const struct strangers *known = map_get(hub->strangers, address);

	return known && known->count >= hub->limits.strangers_per_address;
}

static struct strangers *strangers_of(struct hub *hub, struct str address)
{
	struct strangers *known = map_get(hub->strangers, address);

	if (!known) {
		known = talloc_zero(hub, struct strangers);
		known->address = str_copy(known, address.p ? address : STR(""));
		map_put(hub->strangers, known->address, known);
	}
	known->count++;
	return known;
}

void session_is_known(struct session *s, bool is_known)
{
	struct hub *hub = s->peer.hub;

	if (!is_known && !s->strangers)
		s->strangers = strangers_of(hub, s->handshake->ip);
	if (!is_known || !s->strangers)
		return;
	if (--s->strangers->count == 0) {
		map_remove(hub->strangers, s->strangers->address);
		talloc_free(s->strangers);
	}
	s->strangers = NULL;
}

static void session_remove(struct session *s)
{
	struct hub *hub = s->peer.hub;

	session_is_known(s, true);

	wheel_cancel(&hub->wheel, &s->heartbeat);
	wheel_cancel(&hub->wheel, &s->deadline);
	wheel_cancel(&hub->wheel, &s->probing);
	outbox_clear(&s->out);
	peer_remove(&s->peer);
	hub->counts.sessions--;
	hub_bury(hub, s);
}

static void deadline_passed(struct timer *t)
{
	struct session *s = CONTAINER_OF(t, struct session, deadline);

	if (s->is_closing)
		session_remove(s);
	else if (s->stage != STAGE_CONNECTED)
		eio_session_end(s, END_PARSE);
}

static void session_flush(struct dirty *d)
{
	struct session *s = CONTAINER_OF(d, struct session, dirty);

	if (s->get && s->out.count > 0)
		poll_answer_queue(s, NULL);
}

struct session *session_new(struct hub *hub, const struct handshake *h)
{
	struct session *s = talloc_zero(hub, struct session);

	peer_init(&s->peer, hub, PEER_SOCKETIO, &session_peer_ops);
	hub_random_id(s->sid);
	memcpy(s->sid, &s->peer.slot, sizeof(s->peer.slot)); /* 88 random bits remain */
	s->dirty.flush = session_flush;
	s->heartbeat.fire = ping_due;
	s->deadline.fire = deadline_passed;
	s->handshake = talloc_zero(s, struct handshake);
	s->handshake->cookie = str_copy(s->handshake, h->cookie);
	s->handshake->ip = str_copy(s->handshake, h->ip);
	s->handshake->user_agent = str_copy(s->handshake, h->user_agent);
	hub->counts.sessions++;
	session_is_known(s, false);
	rest_until_ping(s);
	if (hub->handler->needs_connect)
		wheel_set(&hub->wheel, &s->deadline, hub->now_ms + hub->limits.connect_timeout_ms);
	return s;
}

struct session *eio_session_find(const struct hub *hub, struct str sid)
{
	uint8_t id[EIO_SID_BYTES];
	uint32_t slot;

	if (!eio_sid_parse(sid, id))
		return NULL;
	memcpy(&slot, id, sizeof(slot));
	if (slot >= hub->slot_count || !hub->slots[slot].peer ||
	    hub->slots[slot].peer->kind != PEER_SOCKETIO)
		return NULL;
	struct session *s = CONTAINER_OF(hub->slots[slot].peer, struct session, peer);
	struct str ours = { (const char *)s->sid, sizeof(s->sid) };
	return crypto_equal(ours, (struct str){ (const char *)id, sizeof(id) }) ? s : NULL;
}

void session_open_packet(const struct session *s, bool can_upgrade, struct buf *out)
{
	const struct hub_limits *limits = &s->peer.hub->limits;
	char sid[EIO_SID_CHARS];

	eio_sid_format(s->sid, sid);
	eio_open_write(out, &(struct eio_open){ .sid = { sid, sizeof(sid) },
						.can_upgrade = can_upgrade,
						.ping_interval_ms = limits->ping_interval_ms,
						.ping_timeout_ms = limits->ping_timeout_ms,
						.max_payload_bytes = limits->message_max_bytes });
}

void session_send(struct session *s, struct packet *p)
{
	struct hub *hub = s->peer.hub;
	struct outbox *out = s->link ? &s->link->out : &s->out;

	if (s->is_ended)
		return;
	if (out->bytes + p->bytes > hub->limits.outbound_max_bytes) {
		eio_session_end(s, END_SLOW);
		return;
	}
	if (s->link) {
		link_push(s->link, p);
		return;
	}
	outbox_push(&s->out, s, p);
	hub_mark_dirty(hub, &s->dirty);
}

void session_send_text(struct session *s, struct str eio_text)
{
	struct packet *p = packet_frame(s->peer.hub, WS_TEXT, eio_text);

	session_send(s, p);
	packet_drop(p);
}

void session_send_binary(struct session *s, struct str bytes)
{
	struct packet *p = packet_frame(s->peer.hub, WS_BINARY, bytes);

	session_send(s, p);
	packet_drop(p);
}

static void receive_binary(struct session *s, const struct eio_packet *p)
{
	struct str bytes = p->data;

	if (p->is_base64 && !crypto_unbase64(s->peer.hub->scratch, p->data, &bytes))
		eio_session_end(s, END_PARSE);
	else
		s->peer.hub->handler->on_binary(s, bytes);
}

void session_receive(struct session *s, const struct eio_packet *p)
{
	if (!peer_may_speak(&s->peer)) {
		eio_session_end(s, END_FLOOD);
		return;
	}
	switch (p->type) {
	case EIO_MESSAGE:
		if (p->is_binary)
			receive_binary(s, p);
		else
			s->peer.hub->handler->on_text(s, p->data);
		break;
	case EIO_PONG:
		rest_until_ping(s);
		break;
	case EIO_CLOSE:
		eio_session_end(s, END_CLIENT);
		break;
	case EIO_PING: /* in v4 only the server pings */
	case EIO_OPEN:
		eio_session_end(s, END_PARSE);
		break;
	case EIO_UPGRADE:
	case EIO_NOOP:
		break;
	}
}

struct close_word {
	uint16_t code;
	const char *reason;
};

static const struct close_word close_words[ENDINGS] = {
	[END_CLIENT] = { WS_CLOSE_NO_CODE, NULL },
	[END_TRANSPORT] = { WS_CLOSE_NO_CODE, NULL },
	[END_PARSE] = { WS_CLOSE_NO_CODE, NULL },
	[END_TIMEOUT] = { WS_CLOSE_NO_CODE, NULL },
	[END_KICKED] = { WS_CLOSE_POLICY, "access ended" },
	[END_REPLACED] = { WS_CLOSE_NORMAL, "replaced by a newer connection" },
	[END_STOPPING] = { WS_CLOSE_GOING_AWAY, "server is stopping" },
	[END_DUPLICATE] = { WS_CLOSE_NO_CODE, NULL },
	[END_FLOOD] = { WS_CLOSE_POLICY, "too many messages" },
};

static void end_links(struct session *s, enum ending why)
{
	struct link *link = s->link, *probe = s->probe;

	s->link = s->probe = NULL;
	if (probe)
		link_drop(probe);
	if (!link)
		return;
	link->owner = NULL;
	if (why == END_SLOW)
		link_drop(link); /* a polite word would wait behind all the rest */
	else
		link_close(link, close_words[why].code, close_words[why].reason);
}

static bool is_recoverable(enum ending why)
{
	return why == END_TRANSPORT || why == END_TIMEOUT || why == END_SLOW ||
	       why == END_REPLACED || why == END_CLIENT;
}

void eio_session_end(struct session *s, enum ending why)
{
	struct hub *hub = s->peer.hub;
	bool is_polling = s->link == NULL;

	if (s->is_ended)
		return;
	s->is_ended = true;
	hub->counts.ended[why]++;
	hub->handler->on_end(s, is_recoverable(why));
	end_links(s, why);
	wheel_cancel(&hub->wheel, &s->heartbeat);
	wheel_cancel(&hub->wheel, &s->probing);
	if (why == END_SLOW)
		outbox_clear(&s->out);
	if (s->get) {
		poll_answer_queue(s, why == END_CLIENT ? "6" : "1");
	} else if (is_polling && why == END_KICKED) {
		/* The reason waits for the next GET. */
		s->is_closing = true;
		peer_retire(&s->peer);
		wheel_set(&hub->wheel, &s->deadline, hub->now_ms + CLOSING_MS);
		return;
	}
	session_remove(s);
}

void session_moved(struct session *s)
{
	while (s->out.count > 0) {
		link_push(s->link, outbox_at(&s->out, 0));
		outbox_pop(&s->out);
	}
}
