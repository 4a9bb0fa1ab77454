/* delivery.c - an event on its way to its rooms. It is encoded at most once for
 * each kind of peer; a mark on each peer sees to it that nobody gets it twice;
 * tenant and permission are looked at for every peer, whatever room it is in. */
#include "services/realtime/hub_internal.h"

#include "base/json.h"

/* Somebody who lags this far behind does not get what is worth nothing later. */
#define VOLATILE_BACKLOG_BYTES 262144
#define PACKET_MAX_BYTES 8388608

static void write_plain(struct buf *b, const struct delivery *d)
{
	buf_text(b, "{\"type\":\"event\",\"seq\":");
	if (d->seq > 0)
		buf_int(b, d->seq);
	else
		buf_text(b, "null");
	buf_text(b, ",\"name\":");
	json_quote(b, d->name);
	buf_text(b, ",\"payload\":");
	buf_str(b, d->payload);
	buf_char(b, '}');
}

/* A payload is one line as PostgreSQL writes it; should it ever hold line ends, each
 * line is a data field of its own and the reader joins them again. */
static void write_stream(struct buf *b, const struct delivery *d)
{
	struct str rest = d->payload;

	if (d->seq > 0) {
		buf_text(b, "id: ");
		buf_int(b, d->seq);
		buf_char(b, '\n');
	}
	buf_text(b, "event: ");
	buf_str(b, d->name);
	while (!str_is_null(rest)) {
		buf_text(b, "\ndata: ");
		buf_str(b, str_trim(str_cut(&rest, '\n')));
	}
	buf_text(b, "\n\n");
}

static struct packet *encode(struct delivery *d, enum peer_kind kind)
{
	struct buf b;

	buf_init(&b, d->hub->scratch, PACKET_MAX_BYTES);
	switch (kind) {
	case PEER_SOCKETIO:
		sio_write_event(&b, d->name, d->payload, d->seq);
		break;
	case PEER_PLAIN:
		write_plain(&b, d);
		break;
	case PEER_STREAM:
		write_stream(&b, d);
		return packet_raw(d->hub, buf_view(&b));
	case PEER_KINDS:
		break;
	}
	return packet_frame(d->hub, WS_TEXT, buf_view(&b));
}

struct packet *delivery_packet(struct delivery *d, enum peer_kind kind)
{
	if (!d->encoded[kind])
		d->encoded[kind] = encode(d, kind);
	return d->encoded[kind];
}

void delivery_end(struct delivery *d)
{
	for (int i = 0; i < PEER_KINDS; i++)
		if (d->encoded[i])
			packet_drop(d->encoded[i]);
}

static void hold_back(struct peer *p, struct delivery *d)
{
	if (d->seq == 0)
		return;
	p->held = talloc_realloc(p->hub, p->held, struct held, p->held_count + 1);
	p->held[p->held_count++] = (struct held){ d->seq, delivery_packet(d, p->kind) };
	packet_hold(p->held[p->held_count - 1].packet);
}

static void offer(struct peer *p, struct delivery *d, bool by_tenant)
{
	if (p->mark == d->mark || !p->identity)
		return;
	if (by_tenant && !topic_matches(p, d->name))
		return; /* another room may still want it */
	p->mark = d->mark;
	if (!uuid_is_nil(d->tenant) && !uuid_eq(d->tenant, p->identity->who->tenant))
		return;
	if (!identity_may(p->identity, d->permission))
		return;
	if (p->is_replaying) {
		hold_back(p, d);
		return;
	}
	if (d->seq == 0 && p->ops->backlog(p) > VOLATILE_BACKLOG_BYTES)
		return;
	d->hub->counts.delivered++;
	p->ops->send(p, delivery_packet(d, p->kind));
}

static void offer_room(struct delivery *d, struct str name, bool by_tenant)
{
	const struct room *room = rooms_find(d->hub->rooms, name);

	/* From the end: an ops->send that cuts a slow reader empties its seat. */
	for (uint32_t i = room ? room->count : 0; i-- > 0;) {
		if (i < room->count)
			offer(CONTAINER_OF(room->places[i].guest, struct peer, guest), d,
			      by_tenant);
		if (rooms_find(d->hub->rooms, name) != room)
			return; /* the last one has left */
	}
}

static bool text_room(struct delivery *d, char text[64], struct str noun, struct str id)
{
	int n = snprintf(text, 64, "%.*s:%.*s", STR_ARG(noun), STR_ARG(id));

	return n > 0 && n < 64 && rooms_find(d->hub->rooms, (struct str){ text, (size_t)n });
}

/* Further rooms an event names. */
static void offer_more_rooms(struct delivery *d, struct str rooms_json)
{
	struct json j;

	if (str_is_null(rooms_json) ||
	    json_parse(d->hub->scratch, rooms_json, &json_default_limits, &j))
		return;
	for (const struct json_node *n = json_first(&j, json_root(&j)); n;
	     n = json_next(&j, json_root(&j), n))
		if (json_is(n, JSON_STRING))
			offer_room(d, json_string(d->hub->scratch, &j, n), false);
}

static bool changes_rights(struct str name)
{
	static const char *const names[] = { "member:updated",	"member:removed",  "tenant:updated",
					     "session:revoked", "api_key:revoked", "user:updated",
					     "role:updated",	"api_key:updated" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq(name, str_of(names[i])))
			return true;
	return false;
}

static void deliver_one(struct hub *hub, const struct event *e)
{
	const struct authority *a = &hub->config.authority;
	struct delivery d = { .hub = hub,
			      .mark = ++hub->marks,
			      .seq = e->seq,
			      .tenant = e->tenant,
			      .name = e->type,
			      .payload = e->payload };
	char text[64];
	struct str noun = e->type;

	hub->seq = e->seq;
	hub->counts.events++;
	if (changes_rights(e->type))
		hub->recheck_due_ms = 0; /* at the end of this batch, not in a second */
	d.permission = a->event_permission(a->arg, e->type);
	if (!d.permission || uuid_is_nil(e->tenant))
		return; /* nobody has said who may see it */
	offer_room(&d, room_of(text, "tenant", e->tenant), true);
	noun = str_cut(&noun, ':');
	if (text_room(&d, text, noun, e->subject))
		offer_room(&d, str_of(text), false);
	offer_more_rooms(&d, e->rooms);
	delivery_end(&d);
}

struct events_mail {
	struct mail mail;
	size_t n;
	struct event *list;
};

static void deliver_events(struct hub *hub, struct mail *m)
{
	struct events_mail *em = CONTAINER_OF(m, struct events_mail, mail);

	for (size_t i = 0; i < em->n; i++)
		deliver_one(hub, &em->list[i]);
	talloc_free(em);
	if (hub->recheck_due_ms == 0)
		identity_recheck(hub);
}

void hub_publish(struct hub *hub, const struct event *list, size_t n)
{
	struct events_mail *m = talloc_zero(NULL, struct events_mail);

	m->mail.deliver = deliver_events;
	m->n = n;
	m->list = talloc_array(m, struct event, (unsigned)n);
	for (size_t i = 0; i < n; i++) {
		m->list[i] = (struct event){ .seq = list[i].seq,
					     .tenant = list[i].tenant,
					     .type = str_copy(m->list, list[i].type),
					     .subject = str_copy(m->list, list[i].subject),
					     .rooms = str_copy(m->list, list[i].rooms),
					     .payload = str_copy(m->list, list[i].payload) };
	}
	hub_post(hub, &m->mail);
}

struct broadcast_mail {
	struct mail mail;
	struct str room, name, payload;
};

static void deliver_broadcast(struct hub *hub, struct mail *m)
{
	struct broadcast_mail *bm = CONTAINER_OF(m, struct broadcast_mail, mail);
	const struct authority *a = &hub->config.authority;
	struct delivery d = {
		.hub = hub, .mark = ++hub->marks, .name = bm->name, .payload = bm->payload
	};

	d.permission = a->event_permission(a->arg, bm->name);
	hub->counts.broadcasts++;
	if (d.permission) /* otherwise nobody has said who may see it */
		offer_room(&d, bm->room, false);
	delivery_end(&d);
	talloc_free(bm);
}

void hub_broadcast(struct hub *hub, struct str room, struct str name, struct str payload_json)
{
	if (!rooms_has(hub->rooms, room))
		return;
	struct broadcast_mail *m = talloc_zero(NULL, struct broadcast_mail);
	m->mail.deliver = deliver_broadcast;
	m->room = str_copy(m, room);
	m->name = str_copy(m, name);
	m->payload = str_copy(m, payload_json);
	hub_post(hub, &m->mail);
}
