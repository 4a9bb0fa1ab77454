/* plain.c - the WebSocket for programs that do not speak Socket.IO: one JSON object
 * a message. To us: {"type":"join"|"leave","noun":…,"id":…,"ref":…}, {"type":"ping"}.
 * To them: hello, event, joined, left, pong, reset, error, ended; docs/realtime.md. */
#include "services/realtime/hub_internal.h"

#include "spine/pipeline.h"

static const struct json_limits message_limits = { .depth = 8, .nodes = 200 };

struct plain {
	struct peer peer;
	struct link *link;
	struct timer heartbeat;
	bool is_awaiting_pong;
};

static void end_plain(struct plain *s)
{
	struct hub *hub = s->peer.hub;

	wheel_cancel(&hub->wheel, &s->heartbeat);
	peer_remove(&s->peer);
	hub->counts.plains--;
	hub_bury(hub, s);
}

static void close_plain(struct plain *s, uint16_t code, const char *reason)
{
	s->link->owner = NULL;
	link_close(s->link, code, reason);
	end_plain(s);
}

static void send_packet(struct peer *p, struct packet *packet)
{
	struct plain *s = CONTAINER_OF(p, struct plain, peer);

	if (s->link->out.bytes + packet->bytes > p->hub->limits.outbound_max_bytes) {
		s->link->owner = NULL;
		link_drop(s->link);
		end_plain(s);
		return;
	}
	link_push(s->link, packet);
}

static void say(struct plain *s, struct str text)
{
	struct packet *p = packet_frame(s->peer.hub, WS_TEXT, text);

	send_packet(&s->peer, p);
	packet_drop(p);
}

/* {"type":…,"ref":…,"key":value}; ref and value are JSON, absent: left out. */
static void say_about(struct plain *s, const char *type, struct str ref, const char *key,
		      struct str value)
{
	struct json_out w;
	struct buf b;

	buf_init(&b, s->peer.hub->scratch, 65536);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "type");
	json_put_str(&w, str_of(type));
	if (!str_is_null(ref)) {
		json_key(&w, "ref");
		json_put_raw(&w, ref);
	}
	if (key) {
		json_key(&w, key);
		json_put_raw(&w, value);
	}
	json_close(&w, '}');
	say(s, buf_view(&b));
}

static struct str seq_text(struct plain *s)
{
	struct buf b;

	buf_init(&b, s->peer.hub->scratch, 32);
	buf_int(&b, s->peer.since);
	return buf_view(&b);
}

static void joined(struct peer *p, const struct join_task *j, const struct fault *fault)
{
	struct plain *s = CONTAINER_OF(p, struct plain, peer);

	if (fault)
		say_about(s, "error", j->ref, "problem", problem_text(p->hub->scratch, fault));
	else
		say_about(s, "joined", j->ref, NULL, (struct str){ 0 });
}

static void replayed(struct peer *p, bool is_complete)
{
	struct plain *s = CONTAINER_OF(p, struct plain, peer);

	if (is_complete) {
		p->hub->counts.recovered++;
		return;
	}
	p->hub->counts.not_recovered++;
	say_about(s, "reset", (struct str){ 0 }, "seq", seq_text(s));
}

static size_t backlog(const struct peer *p)
{
	return ((const struct plain *)(const void *)((const char *)p -
						     __builtin_offsetof(struct plain, peer)))
		->link->out.bytes;
}

static void kick(struct peer *p, const char *code, const char *text)
{
	struct plain *s = CONTAINER_OF(p, struct plain, peer);
	struct buf b;

	buf_init(&b, p->hub->scratch, 512);
	buf_printf(&b, "{\"type\":\"ended\",\"code\":\"%s\",\"detail\":\"%s\"}", code, text);
	struct packet *packet = packet_frame(p->hub, WS_TEXT, buf_view(&b));
	link_push(s->link, packet);
	packet_drop(packet);
	close_plain(s, WS_CLOSE_POLICY, text);
}

static void stop(struct peer *p)
{
	close_plain(CONTAINER_OF(p, struct plain, peer), WS_CLOSE_GOING_AWAY, "server is stopping");
}

static const struct peer_ops plain_ops = {
	.send = send_packet,
	.backlog = backlog,
	.joined = joined,
	.replayed = replayed,
	.kick = kick,
	.stop = stop,
};

/* ---- what the client says ---- */

static void complain(struct plain *s, struct str ref, const char *code, const char *text)
{
	const void *mem = s->peer.hub->scratch;

	say_about(s, "error", ref, "problem",
		  problem_text(mem, FAULT(mem, FAULT_MALFORMED, code, "%s", text)));
}

static struct str text_of(const void *mem, const struct json *j, struct str key)
{
	struct str s = json_string(mem, j, json_get(j, json_root(j), key));

	return s.p ? s : STR("");
}

static void take_request(struct plain *s, const struct json *j)
{
	const void *mem = s->peer.hub->scratch;
	struct str type = text_of(mem, j, STR("type"));
	const struct json_node *ref_node = json_get(j, json_root(j), STR("ref"));
	struct str ref = ref_node ? json_text(j, ref_node) : (struct str){ 0 };
	struct str noun = text_of(mem, j, STR("noun")), id = text_of(mem, j, STR("id"));

	if (str_eq(type, STR("ping"))) {
		say_about(s, "pong", ref, NULL, (struct str){ 0 });
	} else if (str_eq(type, STR("join"))) {
		join_start(&s->peer, noun, id, -1, ref);
	} else if (str_eq(type, STR("leave"))) {
		join_leave(&s->peer, noun, id);
		say_about(s, "left", ref, NULL, (struct str){ 0 });
	} else {
		complain(s, ref, "unknown_type", "type is join, leave or ping.");
	}
}

static void on_text(void *owner, struct link *l, struct str text)
{
	struct plain *s = owner;
	struct json j;

	(void)l;
	if (!peer_may_speak(&s->peer))
		close_plain(s, WS_CLOSE_POLICY, "too many messages");
	else if (json_parse(s->peer.hub->scratch, text, &message_limits, &j) ||
		 !json_is(json_root(&j), JSON_OBJECT))
		complain(s, (struct str){ 0 }, "malformed_json", "A message is one JSON object.");
	else
		take_request(s, &j);
}

static void on_binary(void *owner, struct link *l, struct str bytes)
{
	(void)l;
	(void)bytes;
	close_plain(owner, 1003, "text only");
}

static void on_pong(void *owner, struct link *l)
{
	struct plain *s = owner;
	struct hub *hub = s->peer.hub;

	(void)l;
	s->is_awaiting_pong = false;
	wheel_set(&hub->wheel, &s->heartbeat, hub->now_ms + hub->limits.ping_interval_ms);
}

static void on_gone(void *owner, struct link *l)
{
	(void)l;
	end_plain(owner);
}

static const struct link_ops plain_link = {
	.on_text = on_text,
	.on_binary = on_binary,
	.on_pong = on_pong,
	.on_gone = on_gone,
	.is_websocket = true,
};

static void beat(struct timer *t)
{
	struct plain *s = CONTAINER_OF(t, struct plain, heartbeat);
	struct hub *hub = s->peer.hub;

	if (s->is_awaiting_pong) {
		s->link->owner = NULL;
		link_drop(s->link);
		end_plain(s);
		return;
	}
	s->is_awaiting_pong = true;
	wheel_set(&hub->wheel, t, hub->now_ms + hub->limits.ping_timeout_ms);
	struct packet *p = packet_frame(hub, WS_PING, STR(""));
	link_push(s->link, p);
	packet_drop(p);
}

static void say_switching(struct link *l, struct str key)
{
	struct buf b;

	buf_init(&b, l->hub->scratch, 1024);
	ws_handshake_answer(&b, key);
	struct packet *p = packet_raw(l->hub, buf_view(&b));
	link_push(l, p);
	packet_drop(p);
}

void plain_take(struct hub *hub, struct arrival *a)
{
	struct plain *s;

	if (hub->is_stopping || (int)hub->peer_count >= hub->limits.sockets_max) {
		link_refuse(hub, a->fd, 503, STR("text/plain"), STR("Busy"));
		return;
	}
	s = talloc_zero(hub, struct plain);
	peer_init(&s->peer, hub, PEER_PLAIN, &plain_ops);
	hub->counts.plains++;
	if (!opening_enter(hub, &s->peer, a)) {
		end_plain(s);
		link_refuse(hub, a->fd, 429, STR("text/plain"), STR("Too many connections"));
		return;
	}
	s->link = link_new(hub, a->fd, &plain_link, s);
	say_switching(s->link, a->opening.ws_key);
	s->heartbeat.fire = beat;
	wheel_set(&hub->wheel, &s->heartbeat, hub->now_ms + hub->limits.ping_interval_ms);
	say_about(s, "hello", (struct str){ 0 }, "seq", seq_text(s));
	if (a->opening.after >= 0)
		replay_start(&s->peer, a->opening.after);
	if (a->already.n > 0)
		link_input(s->link, talloc_memdup(hub->scratch, a->already.p, a->already.n),
			   a->already.n);
}

void hub_open_plain(struct hub *hub, struct http_exchange *x, const struct opening *o)
{
	arrival_hand_over(x, arrival_of(hub, plain_take, o));
}
