/* namespace.c - Socket.IO on a session: CONNECT with its credentials, events from
 * the client, acknowledgements, attachments. There is one namespace, /. What a
 * client may ask for is the table of verbs at the end. */
#include "services/realtime/hub_internal.h"

#include "base/parse.h"
#include "spine/pipeline.h"

struct gather { /* an event that waits for its attachments; owns everything */
	struct sio_packet packet;
	struct str attachments[SIO_ATTACHMENTS_MAX];
	int have;
	size_t bytes;
};

struct connect_task {
	struct task task;
	uint64_t handle;
	const struct credential *cred;
	struct str pid, offset;
	const struct principal *who;
	struct fault *fault;
};

struct str problem_text(const void *ctx, const struct fault *f)
{
	struct buf b;

	buf_init(&b, ctx, 65536);
	problem_write(&b, f, (struct str){ 0 });
	return buf_view(&b);
}

void session_send_event(struct session *s, struct str name, struct str payload)
{
	struct buf b;

	buf_init(&b, s->peer.hub->scratch, s->peer.hub->limits.outbound_max_bytes);
	sio_write_event(&b, name, payload, 0);
	session_send_text(s, buf_view(&b));
}

void session_ack(struct session *s, int64_t ack_id, struct str json)
{
	struct buf b;

	if (ack_id < 0)
		return;
	buf_init(&b, s->peer.hub->scratch, 1 << 20);
	sio_write_ack(&b, ack_id, json);
	session_send_text(s, buf_view(&b));
}

/* ---- CONNECT ---- */

static void refuse_connect(struct session *s, const struct fault *f)
{
	struct hub *hub = s->peer.hub;
	struct buf b;

	hub->counts.refused++;
	s->stage = STAGE_NEW;
	buf_init(&b, hub->scratch, 65536);
	sio_write_connect_error(&b, STR("/"), str_of(f->text), problem_text(hub->scratch, f));
	session_send_text(s, buf_view(&b));
}

static void send_connected(struct session *s)
{
	char sid[EIO_SID_CHARS], pid[EIO_SID_CHARS];
	struct buf b;

	s->stage = STAGE_CONNECTED;
	wheel_cancel(&s->peer.hub->wheel, &s->deadline);
	session_is_known(s, true);
	TALLOC_FREE(s->handshake);
	eio_sid_format(s->socket_sid, sid);
	eio_sid_format(s->pid, pid);
	buf_init(&b, s->peer.hub->scratch, 256);
	sio_write_connect(&b, (struct str){ sid, sizeof(sid) }, (struct str){ pid, sizeof(pid) });
	session_send_text(s, buf_view(&b));
}

static void connect_anew(struct session *s)
{
	hub_random_id(s->socket_sid);
	hub_random_id(s->pid);
	send_connected(s);
}

/* Sits where it sat, as far as it may today. */
static void take_seats(struct session *s, const struct recovery *r)
{
	struct peer *p = &s->peer;

	for (uint32_t i = 0; i < r->room_count; i++) {
		struct str noun = r->rooms[i];
		noun = str_cut(&noun, ':');
		if (noun_is_allowed(p, noun))
			rooms_join(p->hub->rooms, &p->guest, r->rooms[i]);
	}
}

static void begin_recovery(struct session *s, const struct recovery *r, struct str offset)
{
	int64_t after = r->since;

	if (!str_is_null(offset) && !parse_int(offset, 0, INT64_C(1) << 53, &after)) {
		connect_anew(s);
		return;
	}
	memcpy(s->socket_sid, r->sid, sizeof(s->socket_sid));
	memcpy(s->pid, r->pid, sizeof(s->pid));
	s->peer.since = after;
	take_seats(s, r);
	replay_start(&s->peer, after);
}

static void session_replayed(struct peer *p, bool is_complete)
{
	struct session *s = CONTAINER_OF(p, struct session, peer);

	if (is_complete) {
		p->hub->counts.recovered++;
		send_connected(s);
		return;
	}
	p->hub->counts.not_recovered++;
	rooms_leave_all(p->hub->rooms, &p->guest);
	peer_sit_down(p);
	p->since = p->hub->seq;
	connect_anew(s);
}

static struct fault *check_connect(struct connect_task *t)
{
	if (t->fault)
		return t->fault;
	if (t->who->kind == WHO_ANONYMOUS)
		return FAULT(t, FAULT_UNAUTHENTICATED, "unauthenticated", "Sign in first.");
	if (uuid_is_nil(t->who->tenant))
		return FAULT(t, FAULT_NOT_FOUND, "not_found",
			     "There is no such organisation for you.");
	return NULL;
}

static void finish_connect(struct hub *hub, struct session *s, struct connect_task *t)
{
	struct fault *fault = check_connect(t);

	if (fault) {
		refuse_connect(s, fault);
		return;
	}
	struct recovery *r = str_is_null(t->pid) ? NULL : recovery_take(hub, t->pid, t->who);
	struct identity *identity = identity_enter(hub, t->who, t->cred);
	if (!identity) {
		refuse_connect(s, FAULT(t, FAULT_LIMITED, "too_many_sockets",
					"At most %d connections for one person.",
					hub->limits.sockets_per_user));
	} else {
		peer_enter(&s->peer, identity);
		if (r)
			begin_recovery(s, r, t->offset);
		else
			connect_anew(s);
	}
	if (!r && !str_is_null(t->pid))
		hub->counts.not_recovered++;
	talloc_free(r);
}

static void deliver_connect(struct hub *hub, struct mail *m)
{
	struct connect_task *t = CONTAINER_OF(m, struct connect_task, task.mail);
	struct peer *p = hub_peer(hub, t->handle);
	struct session *s = p ? CONTAINER_OF(p, struct session, peer) : NULL;

	if (s && s->stage == STAGE_CONNECTING && !s->is_ended && !p->identity)
		finish_connect(hub, s, t);
	talloc_free(t);
}

static void run_connect(struct task *task, const struct authority *a)
{
	struct connect_task *t = CONTAINER_OF(task, struct connect_task, task);

	t->fault = a->authenticate(t, a->arg, t->cred, &t->who);
}

static struct str auth_text(const void *ctx, const struct sio_packet *p, struct str key)
{
	const struct json_node *root = p->has_data ? json_root(&p->data) : NULL;

	return str_copy(ctx, json_string(ctx, &p->data, json_get(&p->data, root, key)));
}

static void start_connect(struct session *s, const struct sio_packet *p)
{
	struct connect_task *t = talloc_zero(NULL, struct connect_task);
	struct credential cred = { .tenant = auth_text(t, p, STR("tenant")),
				   .bearer = auth_text(t, p, STR("token")),
				   .ip = s->handshake->ip,
				   .user_agent = s->handshake->user_agent };

	if (str_is_null(cred.bearer))
		cred.cookie = s->handshake->cookie;
	t->cred = credential_copy(t, &cred);
	t->pid = auth_text(t, p, STR("pid"));
	t->offset = auth_text(t, p, STR("offset"));
	t->handle = peer_handle(&s->peer);
	t->task.run = run_connect;
	t->task.mail.deliver = deliver_connect;
	s->stage = STAGE_CONNECTING;
	if (pool_submit(s->peer.hub->pool, &t->task))
		return;
	refuse_connect(s, FAULT(t, FAULT_UNAVAILABLE, "busy", "Try again in a moment."));
	talloc_free(t);
}

static void take_connect(struct session *s, const struct sio_packet *p)
{
	struct buf b;

	if (!str_eq(p->name_space, STR("/"))) {
		buf_init(&b, s->peer.hub->scratch, s->peer.hub->limits.message_max_bytes + 100);
		sio_write_connect_error(&b, p->name_space, STR("Invalid namespace"),
					(struct str){ 0 });
		session_send_text(s, buf_view(&b));
		return;
	}
	if (s->stage == STAGE_NEW)
		start_connect(s, p);
	else
		eio_session_end(s, END_PARSE);
}

/* 41: the client leaves the namespace; the connection may live on. */
static void take_disconnect(struct session *s)
{
	struct hub *hub = s->peer.hub;
	const struct credential *cred = s->peer.identity->cred;

	s->handshake = talloc_zero(s, struct handshake);
	s->handshake->cookie = str_copy(s->handshake, cred->cookie);
	s->handshake->ip = str_copy(s->handshake, cred->ip);
	s->handshake->user_agent = str_copy(s->handshake, cred->user_agent);
	peer_retire(&s->peer);
	session_is_known(s, false);
	s->stage = STAGE_NEW;
	wheel_set(&hub->wheel, &s->deadline, hub->now_ms + hub->limits.connect_timeout_ms);
}

/* ---- events ---- */

static void session_joined(struct peer *p, const struct join_task *j, const struct fault *fault)
{
	struct session *s = CONTAINER_OF(p, struct session, peer);

	session_ack(s, j->ack_id,
		    fault ? problem_text(p->hub->scratch, fault) : STR("{\"ok\":true}"));
}

struct entity {
	struct str type, id;
};

static struct entity entity_of(const void *ctx, const struct sio_packet *p)
{
	const struct json *j = &p->data;
	struct entity e = { json_string(ctx, j, json_get(j, p->arg, STR("type"))),
			    json_string(ctx, j, json_get(j, p->arg, STR("id"))) };

	e.type = e.type.p ? e.type : STR("");
	e.id = e.id.p ? e.id : STR("");
	return e;
}

static void verb_join(struct session *s, const struct sio_packet *p, const struct str *attachments)
{
	struct entity e = entity_of(s->peer.hub->scratch, p);

	(void)attachments;
	join_start(&s->peer, e.type, e.id, p->has_ack ? p->ack_id : -1, (struct str){ 0 });
}

static void verb_leave(struct session *s, const struct sio_packet *p, const struct str *attachments)
{
	struct entity e = entity_of(s->peer.hub->scratch, p);

	(void)attachments;
	join_leave(&s->peer, e.type, e.id); /* not being in is as good as leaving */
	session_ack(s, p->has_ack ? p->ack_id : -1, STR("{\"ok\":true}"));
}

static const struct hub_verb own_verbs[] = {
	{ "join:entity", verb_join },
	{ "leave:entity", verb_leave },
	{ NULL, NULL },
};

static const struct hub_verb *find_verb(const struct hub_verb *table, struct str name)
{
	for (; table && table->name; table++)
		if (str_eq(name, str_of(table->name)))
			return table;
	return NULL;
}

static void run_event(struct session *s, const struct sio_packet *p, const struct str *attachments)
{
	struct hub *hub = s->peer.hub;
	const struct hub_verb *verb = find_verb(own_verbs, p->event);

	if (!verb)
		verb = find_verb(hub->config.verbs, p->event);
	if (verb) {
		verb->run(s, p, attachments);
		return;
	}
	if (p->has_ack)
		session_ack(s, p->ack_id,
			    problem_text(hub->scratch,
					 FAULT(hub->scratch, FAULT_NOT_FOUND, "unknown_event",
					       "There is nothing by this name to ask for.")));
}

/* ---- packets ---- */

static void start_gather(struct session *s, struct str text)
{
	struct gather *g = talloc_zero(s, struct gather);

	if (!sio_decode(g, str_copy(g, text), &g->packet)) {
		talloc_free(g);
		eio_session_end(s, END_PARSE);
		return;
	}
	s->gather = g;
}

static void take_packet(struct session *s, const struct sio_packet *p, struct str text)
{
	switch (p->type) {
	case SIO_EVENT:
		run_event(s, p, NULL);
		break;
	case SIO_BINARY_EVENT:
	case SIO_BINARY_ACK:
		if (p->attachments > 0)
			start_gather(s, text);
		else if (p->type == SIO_BINARY_EVENT)
			run_event(s, p, NULL);
		break;
	case SIO_ACK: /* we ask for none: late or unknown */
		break;
	case SIO_DISCONNECT:
		take_disconnect(s);
		break;
	case SIO_CONNECT:
	case SIO_CONNECT_ERROR:
		eio_session_end(s, END_PARSE);
		break;
	}
}

static void on_text(struct session *s, struct str text)
{
	struct sio_packet p;

	if (s->gather || !sio_decode(s->peer.hub->scratch, text, &p)) {
		eio_session_end(s, END_PARSE);
		return;
	}
	if (p.type == SIO_CONNECT)
		take_connect(s, &p);
	else if (s->stage != STAGE_CONNECTED || !str_eq(p.name_space, STR("/")))
		eio_session_end(s, END_PARSE);
	else
		take_packet(s, &p, text);
}

static void on_binary(struct session *s, struct str bytes)
{
	struct gather *g = s->gather;

	if (!g || g->bytes + bytes.n > s->peer.hub->limits.message_max_bytes) {
		eio_session_end(s, END_PARSE);
		return;
	}
	g->bytes += bytes.n;
	g->attachments[g->have++] = str_copy(g, bytes);
	if (g->have < g->packet.attachments)
		return;
	s->gather = NULL;
	if (!sio_placeholders_are_valid(&g->packet))
		eio_session_end(s, END_PARSE);
	else if (g->packet.type == SIO_BINARY_EVENT)
		run_event(s, &g->packet, g->attachments);
	hub_bury(s->peer.hub, g);
}

static void on_end(struct session *s, bool is_recoverable)
{
	if (is_recoverable && s->stage == STAGE_CONNECTED && s->peer.identity)
		recovery_keep(s);
	s->stage = STAGE_NEW;
}

const struct message_handler socketio_handler = {
	.on_text = on_text,
	.on_binary = on_binary,
	.on_end = on_end,
	.needs_connect = true,
};

/* ---- as a peer ---- */

static void send_to_session(struct peer *p, struct packet *packet)
{
	session_send(CONTAINER_OF(p, struct session, peer), packet);
}

static size_t backlog_of_session(const struct peer *p)
{
	const struct session *s =
		(const struct session *)(const void *)((const char *)p -
						       __builtin_offsetof(struct session, peer));

	return s->link ? s->link->out.bytes : s->out.bytes;
}

static void kick_session(struct peer *p, const char *code, const char *text)
{
	struct session *s = CONTAINER_OF(p, struct session, peer);
	struct json_out w;
	struct buf b;

	buf_init(&b, p->hub->scratch, 1024);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "code");
	json_put_str(&w, str_of(code));
	json_key(&w, "detail");
	json_put_str(&w, str_of(text));
	json_close(&w, '}');
	session_send_event(s, STR("session:ended"), buf_view(&b));
	/* Without DISCONNECT a client comes back by itself: right with a new token only. */
	if (strcmp(code, "token_expired") != 0)
		session_send_text(s, STR("41"));
	eio_session_end(s, END_KICKED);
}

static void stop_session(struct peer *p)
{
	eio_session_end(CONTAINER_OF(p, struct session, peer), END_STOPPING);
}

const struct peer_ops session_peer_ops = {
	.send = send_to_session,
	.backlog = backlog_of_session,
	.joined = session_joined,
	.replayed = session_replayed,
	.kick = kick_session,
	.stop = stop_session,
};
