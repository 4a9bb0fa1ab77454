/* recovery.c - sessions that lost their connection, for two minutes: who it was and
 * which rooms it sat in. What happened meanwhile is in the event log. The key is
 * the secret pid; it serves once, and only the same person in the same tenant. */
#include "services/realtime/hub_internal.h"

#include "base/map.h"

#define RECORDS_MAX 20000

static struct str key_of(const uint8_t pid[EIO_SID_BYTES])
{
	return (struct str){ (const char *)pid, EIO_SID_BYTES };
}

static void forget(struct hub *hub, struct recovery *r)
{
	*r->link = r->next;
	if (r->next)
		r->next->link = r->link;
	else
		hub->recovery_last = r->link == &hub->recovery_first
					     ? NULL
					     : CONTAINER_OF(r->link, struct recovery, next);
	map_remove(hub->recoveries, key_of(r->pid));
}

static void append(struct hub *hub, struct recovery *r)
{
	r->link = hub->recovery_last ? &hub->recovery_last->next : &hub->recovery_first;
	*r->link = r;
	hub->recovery_last = r;
	map_put(hub->recoveries, key_of(r->pid), r);
}

void recovery_expire(struct hub *hub, int64_t now_ms)
{
	while (hub->recovery_first && hub->recovery_first->until_ms <= now_ms) {
		struct recovery *r = hub->recovery_first;
		forget(hub, r);
		talloc_free(r);
	}
}

static bool is_own_room(struct str name)
{
	return str_starts(name, STR("tenant:")) || str_starts(name, STR("user:"));
}

void recovery_keep(struct session *s)
{
	struct hub *hub = s->peer.hub;
	const struct guest *g = &s->peer.guest;

	if (map_count(hub->recoveries) >= RECORDS_MAX || hub->is_stopping)
		return;
	struct recovery *r = talloc_zero(hub, struct recovery);
	memcpy(r->sid, s->socket_sid, sizeof(r->sid));
	memcpy(r->pid, s->pid, sizeof(r->pid));
	r->user = s->peer.identity->who->user;
	r->tenant = s->peer.identity->who->tenant;
	r->since = s->peer.since;
	r->until_ms = hub->now_ms + hub->limits.recovery_ms;
	r->rooms = talloc_array(r, struct str, g->seat_count);
	for (uint32_t i = 0; i < g->seat_count; i++)
		if (!is_own_room(g->seats[i].room->name))
			r->rooms[r->room_count++] = str_copy(r, g->seats[i].room->name);
	append(hub, r);
}

/* The old connection may not know yet that it is dead. */
static void end_old_session(const struct identity *i, const uint8_t pid[EIO_SID_BYTES])
{
	for (struct peer *p = i ? i->peers : NULL; p; p = p->next_same) {
		if (p->kind != PEER_SOCKETIO)
			continue;
		struct session *s = CONTAINER_OF(p, struct session, peer);
		if (s->stage == STAGE_CONNECTED && memcmp(s->pid, pid, EIO_SID_BYTES) == 0) {
			eio_session_end(s, END_REPLACED);
			return;
		}
	}
}

struct recovery *recovery_take(struct hub *hub, struct str pid, const struct principal *who)
{
	uint8_t bytes[EIO_SID_BYTES];

	if (!eio_sid_parse(pid, bytes))
		return NULL;
	end_old_session(identity_find(hub, who), bytes);
	struct recovery *r = map_get(hub->recoveries, key_of(bytes));
	if (!r || !uuid_eq(r->user, who->user) || !uuid_eq(r->tenant, who->tenant))
		return NULL;
	forget(hub, r);
	return r;
}
