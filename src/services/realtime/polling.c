/* polling.c - Engine.IO over HTTP long polling. A worker reads the request and
 * parks the exchange (http_defer); the loop answers it when there is something
 * to say. A parked GET is named by a serial number, never by its pointer, once
 * the network thread may have seen its end. */
#include "services/realtime/hub_internal.h"

#include "services/crypto/crypto.h"

#define ANSWER_MAX_BYTES (64 << 20)

const char *const eio_errors[] = {
	"Transport unknown", "Session ID unknown", "Bad handshake method",
	"Bad request",	     "Forbidden",	   "Unsupported protocol version"
};

static _Atomic uint64_t next_serial = 1; /* of parked exchanges, over all hubs */

struct poll_mail {
	struct mail mail;
	struct poll *poll;
	enum http_method method;
	bool is_octets;
	struct str sid, body; /* borrowed from the exchange */
	struct handshake handshake;
};

struct abort_note { /* lies with the exchange */
	struct hub *hub;
	uint64_t serial;
	char sid[EIO_SID_CHARS];
};

struct abort_mail {
	struct mail mail;
	uint64_t serial;
	char sid[EIO_SID_CHARS];
};

void poll_answer(struct http_exchange *x, int status, struct str type, struct str body)
{
	http_add(x, STR("Content-Type"), type);
	http_add(x, STR("Cache-Control"), STR("no-store"));
	http_add(x, STR("X-Content-Type-Options"), STR("nosniff"));
	http_answer(x, status, body);
}

void poll_error(struct http_exchange *x, int code)
{
	struct str body = { 0 };

	body.p = talloc_asprintf(http_mem(x), "{\"code\":%d,\"message\":\"%s\"}", code,
				 eio_errors[code]);
	body.n = strlen(body.p);
	poll_answer(x, code == 4 ? 403 : 400, STR("application/json"), body);
}

static void add_packet(struct buf *b, const struct packet *p)
{
	struct str payload = packet_payload(p);

	if (!p->is_binary) {
		eio_payload_add(b, payload);
		return;
	}
	eio_payload_add(b, STR("b"));
	buf_str(b, crypto_base64(b->ctx, payload));
}

void poll_answer_queue(struct session *s, const char *last_packet)
{
	struct http_exchange *x = s->get->x;
	struct buf b;

	s->get = NULL;
	s->peer.hub->counts.polls--;
	buf_init(&b, http_mem(x), ANSWER_MAX_BYTES);
	while (s->out.count > 0) {
		add_packet(&b, outbox_at(&s->out, 0));
		outbox_pop(&s->out);
	}
	if (last_packet)
		eio_payload_add(&b, str_of(last_packet));
	poll_answer(x, 200, STR("text/plain; charset=UTF-8"), buf_view(&b));
}

bool hub_has_place(const struct hub *hub, struct str address)
{
	return !hub->is_stopping && (int)hub->peer_count < hub->limits.sockets_max &&
	       !strangers_are_many(hub, address);
}

static void open_session(struct hub *hub, const struct poll_mail *m)
{
	struct http_exchange *x = m->poll->x;
	struct buf b;

	if (m->method != HTTP_GET) {
		poll_error(x, 2);
		return;
	}
	if (!hub_has_place(hub, m->handshake.ip)) {
		hub->counts.refused++;
		poll_answer(x, 503, STR("application/json"),
			    STR("{\"code\":3,\"message\":\"Busy\"}"));
		return;
	}
	struct session *s = session_new(hub, &m->handshake);
	buf_init(&b, http_mem(x), 1024);
	session_open_packet(s, true, &b);
	poll_answer(x, 200, STR("text/plain; charset=UTF-8"), buf_view(&b));
}

static void take_get(struct session *s, struct poll *poll)
{
	if (s->get) {
		eio_session_end(s, END_DUPLICATE);
		poll_error(poll->x, 3);
		return;
	}
	s->get = poll;
	s->peer.hub->counts.polls++;
	if (s->is_closing) {
		poll_answer_queue(s, "1");
		wheel_set(&s->peer.hub->wheel, &s->deadline, s->peer.hub->now_ms);
	} else if (s->out.count > 0) {
		poll_answer_queue(s, NULL);
	} /* while a probe is open, probe_again ends it with a noop */
}

static bool receive_payload(struct session *s, struct str payload)
{
	struct eio_packet p;

	if (!str_is_utf8(payload))
		return false;
	while (!str_is_null(payload) && !s->is_ended) {
		if (!eio_payload_next(&payload, &p))
			return false;
		session_receive(s, &p);
	}
	return true;
}

static void take_post(struct session *s, const struct poll_mail *m)
{
	struct http_exchange *x = m->poll->x;

	if (s->is_closing || m->is_octets || !receive_payload(s, m->body)) {
		eio_session_end(s, END_PARSE);
		poll_error(x, 3);
		return;
	}
	poll_answer(x, 200, STR("text/html"), STR("ok"));
}

void poll_deliver(struct hub *hub, struct mail *mail)
{
	struct poll_mail *m = CONTAINER_OF(mail, struct poll_mail, mail);
	struct session *s = str_is_null(m->sid) ? NULL : eio_session_find(hub, m->sid);

	if (str_is_null(m->sid))
		open_session(hub, m);
	else if (!s)
		poll_error(m->poll->x, 1);
	else if (s->link)
		poll_error(m->poll->x, 3); /* it has left polling */
	else if (m->method == HTTP_GET)
		take_get(s, m->poll);
	else if (m->method == HTTP_POST)
		take_post(s, m);
	else
		poll_error(m->poll->x, 3);
	talloc_free(m);
}

/* The client of a parked GET has gone: so has the session (3.1). */
static void deliver_abort(struct hub *hub, struct mail *mail)
{
	struct abort_mail *m = CONTAINER_OF(mail, struct abort_mail, mail);
	struct session *s = eio_session_find(hub, (struct str){ m->sid, sizeof(m->sid) });

	if (s && s->get && s->get->serial == m->serial)
		eio_session_end(s, END_TRANSPORT);
	talloc_free(m);
}

static void on_abort(void *arg) /* network thread */
{
	const struct abort_note *note = arg;
	struct abort_mail *m = talloc_zero(NULL, struct abort_mail);

	m->mail.deliver = deliver_abort;
	m->serial = note->serial;
	memcpy(m->sid, note->sid, sizeof(m->sid));
	hub_post(note->hub, &m->mail);
}

/* ---- worker threads ---- */

/* The same host by whatever name the page used (localhost); its cookies are its own. */
static bool is_same_host(struct str origin, struct str host)
{
	struct str rest = origin;

	str_cut(&rest, ':');
	return rest.n > 2 && str_starts(rest, STR("//")) &&
	       str_eq_nocase(str_slice(rest, 2, rest.n), host);
}

bool hub_origin_is_fine(const struct hub *hub, const struct http_request *rq)
{
	struct str origin = http_field(rq, STR("Origin"));
	const char *const *list = hub->config.origins;

	if (str_is_null(origin) || !list)
		return true;
	for (; *list; list++)
		if (str_eq_nocase(origin, str_of(*list)))
			return true;
	return is_same_host(origin, rq->host);
}

/* CORS for the origins that may come; the cookie travels with them. */
static void allow_origin(struct http_exchange *x)
{
	struct str origin = http_field(http_request(x), STR("Origin"));

	if (str_is_null(origin))
		return;
	http_add(x, STR("Access-Control-Allow-Origin"), origin);
	http_add(x, STR("Access-Control-Allow-Credentials"), STR("true"));
	http_add(x, STR("Vary"), STR("Origin"));
}

static void park(struct hub *hub, struct http_exchange *x, struct str sid)
{
	const struct http_request *rq = http_request(x);
	struct poll_mail *m = talloc_zero(NULL, struct poll_mail);
	struct abort_note *note = talloc_zero(http_mem(x), struct abort_note);

	m->mail.deliver = poll_deliver;
	m->poll = talloc_zero(http_mem(x), struct poll);
	m->poll->x = x;
	m->poll->serial = next_serial++;
	m->method = rq->method;
	m->sid = sid;
	m->body = rq->body.p ? rq->body : STR("");
	m->is_octets =
		str_starts(http_field(rq, STR("Content-Type")), STR("application/octet-stream"));
	m->handshake = (struct handshake){
		.cookie = http_cookie(rq, str_of(hub->config.session_cookie)),
		.ip = rq->peer,
		.user_agent = http_field(rq, STR("User-Agent")),
	};
	note->hub = hub;
	note->serial = m->poll->serial;
	if (sid.n == sizeof(note->sid))
		memcpy(note->sid, sid.p, sid.n);
	http_defer(x, on_abort, note);
	hub_post(hub, &m->mail);
}

static void refuse_upgrade(struct http_exchange *x, int status, struct str text)
{
	http_close_after(x);
	if (status == 426)
		http_add(x, STR("Sec-WebSocket-Version"), STR("13"));
	poll_answer(x, status, STR("text/html"), text);
}

static void upgrade(struct hub *hub, struct http_exchange *x, struct str transport, struct str sid)
{
	const struct http_request *rq = http_request(x);
	struct ws_handshake h = { .upgrade = http_field(rq, STR("Upgrade")),
				  .connection = http_field(rq, STR("Connection")),
				  .version = http_field(rq, STR("Sec-WebSocket-Version")),
				  .key = http_field(rq, STR("Sec-WebSocket-Key")) };
	int refused = ws_handshake_check(&h);

	if (!str_eq(transport, STR("websocket")) || rq->method != HTTP_GET || refused) {
		refuse_upgrade(x, refused ? refused : 400, str_of(eio_errors[3]));
		return;
	}
	struct arrival *a = arrival_new(hub, NULL);
	a->sid = str_copy(a, sid);
	a->opening.ws_key = str_copy(a, h.key);
	a->handshake.cookie = str_copy(a, http_cookie(rq, str_of(hub->config.session_cookie)));
	a->handshake.ip = str_copy(a, rq->peer);
	a->handshake.user_agent = str_copy(a, http_field(rq, STR("User-Agent")));
	arrival_hand_over(x, a);
}

void hub_engine_request(struct hub *hub, struct http_exchange *x)
{
	const struct http_request *rq = http_request(x);
	struct str transport = http_query_param(http_mem(x), rq, STR("transport"));
	struct str version = http_query_param(http_mem(x), rq, STR("EIO"));
	struct str sid = http_query_param(http_mem(x), rq, STR("sid"));
	bool is_upgrade = !str_is_null(http_field(rq, STR("Upgrade")));
	bool is_ours = hub_origin_is_fine(hub, rq);
	int code = -1;

	if (is_ours)
		allow_origin(x);
	if (!is_ours)
		code = 4;
	else if (!str_eq(transport, STR("polling")) && !str_eq(transport, STR("websocket")))
		code = 0;
	else if (str_is_null(sid) && !str_eq(version, STR("4")))
		code = 5;
	else if (!is_upgrade && str_eq(transport, STR("websocket")))
		code = 3;
	if (code >= 0 && is_upgrade)
		refuse_upgrade(x, code == 4 ? 403 : 400, str_of(eio_errors[code]));
	else if (code >= 0)
		poll_error(x, code);
	else if (is_upgrade)
		upgrade(hub, x, transport, sid);
	else
		park(hub, x, sid);
}
