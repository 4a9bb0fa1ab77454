/* stream.c - server-sent events (WHATWG HTML section 9.2) on a socket the HTTP
 * engine has handed over: id is the seq of the log, so the browser's own
 * reconnect replays; what cannot be replayed whole is said with event: reset. */
#include "services/realtime/hub_internal.h"

#define HEARTBEAT_MS 20000
#define RETRY_MS 2000

struct stream {
	struct peer peer;
	struct link *link;
	struct timer heartbeat;
};

static void end_stream(struct stream *s)
{
	struct hub *hub = s->peer.hub;

	wheel_cancel(&hub->wheel, &s->heartbeat);
	peer_remove(&s->peer);
	hub->counts.streams--;
	hub_bury(hub, s);
}

static void gone(void *owner, struct link *l)
{
	(void)l;
	end_stream(owner);
}

static const struct link_ops stream_link = { .on_gone = gone };

static void send_packet(struct peer *p, struct packet *packet)
{
	struct stream *s = CONTAINER_OF(p, struct stream, peer);

	if (s->link->out.bytes + packet->bytes > p->hub->limits.outbound_max_bytes) {
		s->link->owner = NULL;
		link_drop(s->link); /* it comes back with Last-Event-ID */
		end_stream(s);
		return;
	}
	link_push(s->link, packet);
}

static void say(struct stream *s, struct str bytes)
{
	struct packet *p = packet_raw(s->peer.hub, bytes);

	link_push(s->link, p);
	packet_drop(p);
}

static size_t backlog(const struct peer *p)
{
	return ((const struct stream *)(const void *)((const char *)p -
						      __builtin_offsetof(struct stream, peer)))
		->link->out.bytes;
}

static void no_joins(struct peer *p, const struct join_task *j, const struct fault *fault)
{
	(void)p;
	(void)j;
	(void)fault;
}

/* The place to go on from: a new reader must have one before the first event. */
static void say_place(struct stream *s, const char *event)
{
	struct buf b;

	buf_init(&b, s->peer.hub->scratch, 256);
	buf_printf(&b, "id: %lld\nevent: %s\ndata: {\"seq\":%lld}\n\n", (long long)s->peer.since,
		   event, (long long)s->peer.since);
	say(s, buf_view(&b));
}

static void replayed(struct peer *p, bool is_complete)
{
	struct stream *s = CONTAINER_OF(p, struct stream, peer);

	if (is_complete) {
		p->hub->counts.recovered++;
		return;
	}
	p->hub->counts.not_recovered++;
	say_place(s, "reset");
}

static void kick(struct peer *p, const char *code, const char *text)
{
	struct stream *s = CONTAINER_OF(p, struct stream, peer);
	struct buf b;

	buf_init(&b, p->hub->scratch, 512);
	buf_printf(&b, "event: session:ended\ndata: {\"code\":\"%s\",\"detail\":\"%s\"}\n\n", code,
		   text);
	say(s, buf_view(&b));
	link_finish(s->link);
	end_stream(s);
}

static void stop(struct peer *p)
{
	struct stream *s = CONTAINER_OF(p, struct stream, peer);

	say(s, STR(": the server is stopping\n\n"));
	link_finish(s->link);
	end_stream(s);
}

static const struct peer_ops stream_ops = {
	.send = send_packet,
	.backlog = backlog,
	.joined = no_joins,
	.replayed = replayed,
	.kick = kick,
	.stop = stop,
};

static void beat(struct timer *t)
{
	struct stream *s = CONTAINER_OF(t, struct stream, heartbeat);

	say(s, STR(":\n\n"));
	wheel_set(&s->peer.hub->wheel, t, s->peer.hub->now_ms + HEARTBEAT_MS);
}

static void say_head(struct stream *s, struct str allow_origin)
{
	struct buf b;

	buf_init(&b, s->peer.hub->scratch, 2048);
	buf_text(&b, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
		     "Cache-Control: no-store, no-transform\r\nX-Accel-Buffering: no\r\n"
		     "X-Content-Type-Options: nosniff\r\nConnection: close\r\n");
	if (!str_is_null(allow_origin))
		buf_printf(&b,
			   "Access-Control-Allow-Origin: %.*s\r\n"
			   "Access-Control-Allow-Credentials: true\r\nVary: Origin\r\n",
			   STR_ARG(allow_origin));
	buf_printf(&b, "\r\nretry: %d\n:\n\n", RETRY_MS);
	say(s, buf_view(&b));
}

void stream_take(struct hub *hub, struct arrival *a)
{
	struct stream *s;

	if (hub->is_stopping || (int)hub->peer_count >= hub->limits.sockets_max) {
		link_refuse(hub, a->fd, 503, STR("text/plain"), STR("Busy"));
		return;
	}
	s = talloc_zero(hub, struct stream);
	peer_init(&s->peer, hub, PEER_STREAM, &stream_ops);
	hub->counts.streams++;
	if (!opening_enter(hub, &s->peer, a)) {
		end_stream(s);
		link_refuse(hub, a->fd, 429, STR("text/plain"), STR("Too many connections"));
		return;
	}
	s->link = link_new(hub, a->fd, &stream_link, s);
	s->heartbeat.fire = beat;
	wheel_set(&hub->wheel, &s->heartbeat, hub->now_ms + HEARTBEAT_MS);
	say_head(s, a->opening.allow_origin);
	if (a->opening.after >= 0)
		replay_start(&s->peer, a->opening.after);
	else
		say_place(s, "ready");
}

void hub_open_stream(struct hub *hub, struct http_exchange *x, const struct opening *o)
{
	arrival_hand_over(x, arrival_of(hub, stream_take, o));
}
