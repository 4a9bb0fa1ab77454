/* upgrade.c - WebSockets that carry an Engine.IO session: opened as one, or taken
 * over from polling after a probe. Until the client says 5 nothing moves: its
 * messages leave over exactly one transport, in order. */
#include "services/realtime/hub_internal.h"

#define NOOP_EVERY_MS 100

static void session_text(void *owner, struct link *l, struct str text)
{
	struct session *s = owner;
	struct eio_packet p;

	(void)l;
	if (!eio_decode(text, &p))
		eio_session_end(s, END_PARSE);
	else
		session_receive(s, &p);
}

static void session_binary(void *owner, struct link *l, struct str bytes)
{
	(void)l;
	session_receive(owner, &(struct eio_packet){
				       .type = EIO_MESSAGE, .is_binary = true, .data = bytes });
}

static void ignore_pong(void *owner, struct link *l)
{
	(void)owner;
	(void)l;
}

static void session_gone(void *owner, struct link *l)
{
	struct session *s = owner;

	(void)l;
	s->link = NULL;
	eio_session_end(s, END_TRANSPORT);
}

static const struct link_ops session_link = {
	.on_text = session_text,
	.on_binary = session_binary,
	.on_pong = ignore_pong,
	.on_gone = session_gone,
	.is_websocket = true,
};

/* ---- the probe ---- */

static void end_probe(struct session *s)
{
	struct link *probe = s->probe;

	s->probe = NULL;
	wheel_cancel(&s->peer.hub->wheel, &s->probing);
	if (probe && !probe->is_dead)
		link_close(probe, WS_CLOSE_NO_CODE, NULL);
}

static void probe_gone(void *owner, struct link *l)
{
	struct session *s = owner;

	(void)l;
	s->probe = NULL; /* the session stays on polling */
	wheel_cancel(&s->peer.hub->wheel, &s->probing);
}

static void release_get(struct session *s)
{
	if (s->get)
		poll_answer_queue(s, s->out.count ? NULL : "6");
}

static void probe_again(struct timer *t)
{
	struct session *s = CONTAINER_OF(t, struct session, probing);
	struct hub *hub = s->peer.hub;

	if (hub->now_ms >= s->probe_until_ms) {
		end_probe(s);
		return;
	}
	release_get(s);
	wheel_set(&hub->wheel, t, hub->now_ms + NOOP_EVERY_MS);
}

static void probe_sends(struct session *s, struct str text)
{
	struct packet *p = packet_frame(s->peer.hub, WS_TEXT, text);

	link_push(s->probe, p);
	packet_drop(p);
}

static void switch_over(struct session *s)
{
	struct hub *hub = s->peer.hub;

	wheel_cancel(&hub->wheel, &s->probing);
	if (s->get)
		poll_answer_queue(s, s->out.count ? NULL : "6");
	s->link = s->probe;
	s->probe = NULL;
	s->link->ops = &session_link;
	session_moved(s);
}

static void probe_text(void *owner, struct link *l, struct str text)
{
	struct session *s = owner;

	(void)l;
	if (str_eq(text, STR("2probe"))) {
		probe_sends(s, STR("3probe"));
		release_get(s);
		s->probing.fire = probe_again;
		wheel_set(&s->peer.hub->wheel, &s->probing, s->peer.hub->now_ms + NOOP_EVERY_MS);
	} else if (str_eq(text, STR("5")) && s->probing.fire == probe_again) {
		switch_over(s);
	} else {
		end_probe(s);
	}
}

static void probe_binary(void *owner, struct link *l, struct str bytes)
{
	(void)l;
	(void)bytes;
	end_probe(owner);
}

static const struct link_ops probe_link = {
	.on_text = probe_text,
	.on_binary = probe_binary,
	.on_pong = ignore_pong,
	.on_gone = probe_gone,
	.is_websocket = true,
};

/* ---- a socket arrives ---- */

static void accept_websocket(struct link *l, struct str key)
{
	struct buf b;

	buf_init(&b, l->hub->scratch, 1024);
	ws_handshake_answer(&b, key);
	struct packet *p = packet_raw(l->hub, buf_view(&b));
	link_push(l, p);
	packet_drop(p);
}

static void probe_timeout(struct timer *t)
{
	end_probe(CONTAINER_OF(t, struct session, probing));
}

static struct link *begin_probe(struct session *s, int fd, struct str key)
{
	struct hub *hub = s->peer.hub;

	s->probe = link_new(hub, fd, &probe_link, s);
	accept_websocket(s->probe, key);
	s->probe_until_ms = hub->now_ms + hub->limits.upgrade_timeout_ms;
	s->probing.fire = probe_timeout;
	wheel_set(&hub->wheel, &s->probing, s->probe_until_ms);
	return s->probe;
}

static struct link *begin_session(struct hub *hub, int fd, struct str key,
				  const struct handshake *h)
{
	struct session *s = session_new(hub, h);
	struct buf b;

	s->link = link_new(hub, fd, &session_link, s);
	accept_websocket(s->link, key);
	buf_init(&b, hub->scratch, 1024);
	session_open_packet(s, false, &b);
	session_send_text(s, buf_view(&b));
	return s->link;
}

void upgrade_take(struct hub *hub, int fd, struct str already, struct str sid, struct str key,
		  const struct handshake *h)
{
	struct session *s = str_is_null(sid) ? NULL : eio_session_find(hub, sid);
	struct link *l;

	if (hub->is_stopping || (str_is_null(sid) && !hub_has_place(hub, h->ip))) {
		link_refuse(hub, fd, 503, STR("text/html"), STR("Busy"));
		return;
	}
	if (!str_is_null(sid) && !s) {
		link_refuse(hub, fd, 400, STR("text/html"), str_of(eio_errors[1]));
		return;
	}
	if (s && (s->link || s->probe || s->is_ended)) {
		/* One is enough; the reference lets it in and closes it. */
		l = link_new(hub, fd, &session_link, NULL);
		accept_websocket(l, key);
		link_close(l, WS_CLOSE_NO_CODE, NULL);
		return;
	}
	l = s ? begin_probe(s, fd, key) : begin_session(hub, fd, key, h);
	if (already.n > 0) /* the client was quicker than we */
		link_input(l, talloc_memdup(hub->scratch, already.p, already.n), already.n);
}

/* ---- on the way from the HTTP engine ---- */

static void deliver_arrival(struct hub *hub, struct mail *m)
{
	struct arrival *a = CONTAINER_OF(m, struct arrival, mail);

	if (a->take)
		a->take(hub, a);
	else
		upgrade_take(hub, a->fd, a->already, a->sid, a->opening.ws_key, &a->handshake);
	talloc_free(a);
}

struct arrival *arrival_new(struct hub *hub, void (*take)(struct hub *, struct arrival *))
{
	struct arrival *a = talloc_zero(NULL, struct arrival);

	a->mail.deliver = deliver_arrival;
	a->hub = hub;
	a->take = take;
	a->fd = -1;
	return a;
}

struct arrival *arrival_of(struct hub *hub, void (*take)(struct hub *, struct arrival *),
			   const struct opening *o)
{
	struct arrival *a = arrival_new(hub, take);
	struct str *topics = talloc_array(a, struct str, (unsigned)o->topic_count);
	struct str *rooms = talloc_array(a, struct str, (unsigned)o->room_count);

	a->opening = *o;
	a->who = principal_copy(a, o->who);
	a->opening.who = a->who;
	a->opening.cred = *credential_copy(a, &o->cred);
	a->opening.topics = topics;
	a->opening.rooms = rooms;
	for (size_t i = 0; i < o->topic_count; i++)
		topics[i] = str_copy(topics, o->topics[i]);
	for (size_t i = 0; i < o->room_count; i++)
		rooms[i] = str_copy(rooms, o->rooms[i]);
	a->opening.ws_key = str_copy(a, o->ws_key);
	a->opening.allow_origin = str_copy(a, o->allow_origin);
	return a;
}

static void taken(void *arg, int fd, struct str already_read) /* network thread */
{
	struct arrival *a = arg;

	a->fd = fd;
	a->already = str_copy(a, already_read);
	hub_post(a->hub, &a->mail);
}

void arrival_hand_over(struct http_exchange *x, struct arrival *a)
{
	http_hand_over(x, taken, a);
}
