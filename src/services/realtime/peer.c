/* peer.c - a live client, whatever its transport: its slot (so that mail can name
 * it after it has gone), its rooms, its topics, its joins. */
#include "services/realtime/hub_internal.h"

#define JOINS_WAITING_MAX 16
#define NO_SLOT UINT32_MAX

void peer_init(struct peer *p, struct hub *hub, enum peer_kind kind, const struct peer_ops *ops)
{
	*p = (struct peer){ .hub = hub, .ops = ops, .kind = (uint8_t)kind };
	if (hub->free_slot == NO_SLOT) {
		uint32_t n = hub->slot_count ? hub->slot_count * 2 : 64;
		hub->slots = talloc_realloc(hub, hub->slots, struct slot, n);
		for (uint32_t i = hub->slot_count; i < n; i++)
			hub->slots[i] = (struct slot){ NULL, 1, i + 1 < n ? i + 1 : NO_SLOT };
		hub->free_slot = hub->slot_count;
		hub->slot_count = n;
	}
	p->slot = hub->free_slot;
	p->generation = hub->slots[p->slot].generation;
	hub->free_slot = hub->slots[p->slot].next_free;
	hub->slots[p->slot].peer = p;
	hub->peer_count++;
}

void peer_retire(struct peer *p)
{
	replay_drop_held(p);
	p->is_replaying = false;
	rooms_leave_all(p->hub->rooms, &p->guest);
	identity_leave(p->hub, p);
}

void peer_remove(struct peer *p)
{
	struct hub *hub = p->hub;

	peer_retire(p);
	hub->slots[p->slot] = (struct slot){ NULL, p->generation + 1, hub->free_slot };
	hub->free_slot = p->slot;
	hub->peer_count--;
}

bool peer_may_speak(struct peer *p)
{
	uint32_t second = (uint32_t)(p->hub->now_ms / 1000);

	p->hub->counts.messages_in++;
	if (p->second != second) {
		p->second = second;
		p->said_in_second = 0;
	}
	return p->said_in_second++ < p->hub->limits.messages_per_s;
}

uint64_t peer_handle(const struct peer *p)
{
	return (uint64_t)p->generation << 32 | p->slot;
}

struct peer *hub_peer(const struct hub *hub, uint64_t handle)
{
	uint32_t slot = (uint32_t)handle;

	if (slot >= hub->slot_count || hub->slots[slot].generation != (uint32_t)(handle >> 32))
		return NULL;
	return hub->slots[slot].peer;
}

struct str room_of(char text[64], const char *noun, struct uuid id)
{
	char id_text[UUID_TEXT_SIZE];
	int n = snprintf(text, 64, "%s:%s", noun, uuid_format(id, id_text));

	return (struct str){ text, (size_t)n };
}

void peer_sit_down(struct peer *p)
{
	char text[64];
	const struct principal *who = p->identity->who;

	if (uuid_is_nil(who->project))
		rooms_join(p->hub->rooms, &p->guest, room_of(text, "tenant", who->tenant));
	else /* a key bound to one project hears of no other */
		rooms_join(p->hub->rooms, &p->guest, room_of(text, "project", who->project));
	if (!uuid_is_nil(who->user))
		rooms_join(p->hub->rooms, &p->guest, room_of(text, "user", who->user));
}

void peer_enter(struct peer *p, struct identity *identity)
{

	p->identity = identity;
	p->next_same = identity->peers;
	identity->peers = p;
	p->since = p->hub->seq;
	peer_sit_down(p);
}

bool topic_matches(const struct peer *p, struct str event_name)
{
	struct str rest = event_name;
	struct str noun = str_cut(&rest, ':');

	for (uint16_t i = 0; i < p->topic_count; i++)
		if (str_eq(p->topics[i], event_name) || str_eq(p->topics[i], noun))
			return true;
	return p->topic_count == 0;
}

bool opening_enter(struct hub *hub, struct peer *p, const struct arrival *a)
{
	struct identity *identity = identity_enter(hub, a->who, &a->opening.cred);

	if (!identity)
		return false;
	peer_enter(p, identity);
	p->topics = talloc_array(p, struct str, (unsigned)a->opening.topic_count);
	p->topic_count = (uint16_t)a->opening.topic_count;
	for (uint16_t i = 0; i < p->topic_count; i++)
		p->topics[i] = str_copy(p->topics, a->opening.topics[i]);
	for (size_t i = 0; i < a->opening.room_count; i++)
		rooms_join(hub->rooms, &p->guest, a->opening.rooms[i]);
	return true;
}

/* ---- joins ---- */

static void run_join(struct task *t, const struct authority *a)
{
	struct join_task *j = CONTAINER_OF(t, struct join_task, task);

	j->fault = a->may_join(j, a->arg, j->who, j->noun, j->id);
}

bool noun_is_allowed(const struct peer *p, struct str noun)
{
	const struct authority *a = &p->hub->config.authority;
	const char *permission = a->noun_permission(a->arg, noun);

	return permission && principal_may(p->identity->who, permission);
}

static void finish_join(struct hub *hub, struct peer *p, struct join_task *j)
{
	char text[64];

	p->joins_waiting--;
	if (p->identity != j->identity)
		return; /* it is somebody else now: this answer is not theirs */
	if (!j->fault && j->who != p->identity->who && !noun_is_allowed(p, j->noun))
		j->fault = FAULT(j, FAULT_FORBIDDEN, "forbidden", "Your rights have changed.");
	if (j->fault)
		hub->counts.refused++;
	else
		rooms_join(hub->rooms, &p->guest, room_of(text, j->noun.p, j->id));
	p->ops->joined(p, j, j->fault);
}

static void deliver_join(struct hub *hub, struct mail *m)
{
	struct join_task *j = CONTAINER_OF(m, struct join_task, task.mail);
	struct peer *p = hub_peer(hub, j->handle);

	if (p)
		finish_join(hub, p, j);
	identity_drop(hub, j->identity);
	talloc_free(j);
}

static bool is_noun(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '_'))
			return false;
	return s.n > 0 && s.n <= 24;
}

static struct fault *check_join(struct peer *p, struct join_task *j, struct str id)
{
	if (!is_noun(j->noun))
		return fault_invalid(j, "/type", "pattern", "This is not the name of a noun.");
	if (!uuid_parse(id, &j->id))
		return fault_invalid(j, "/id", "uuid", "This is not a UUID.");
	if (p->guest.seat_count >= (uint32_t)p->hub->limits.rooms_per_socket)
		return FAULT(j, FAULT_LIMITED, "too_many_rooms",
			     "This connection is in %d rooms already.",
			     p->hub->limits.rooms_per_socket);
	if (p->joins_waiting >= JOINS_WAITING_MAX)
		return FAULT(j, FAULT_LIMITED, "too_many_joins", "Wait for the earlier answers.");
	return NULL;
}

void join_start(struct peer *p, struct str noun, struct str id, int64_t ack_id, struct str ref)
{
	struct join_task *j = talloc_zero(NULL, struct join_task);

	j->handle = peer_handle(p);
	j->identity = p->identity;
	j->who = p->identity->who;
	j->noun = str_copy(j, noun); /* NUL-terminated */
	j->ref = str_copy(j, ref);
	j->ack_id = ack_id;
	j->task.run = run_join;
	j->task.mail.deliver = deliver_join;
	struct fault *fault = check_join(p, j, id);
	if (!fault && !pool_submit(p->hub->pool, &j->task))
		fault = FAULT(j, FAULT_UNAVAILABLE, "busy", "Try again in a moment.");
	if (fault) {
		p->ops->joined(p, j, fault);
		talloc_free(j);
		return;
	}
	/* The task may be running already; it comes back through the inbox, later. */
	identity_hold(p->identity);
	p->joins_waiting++;
}

bool join_leave(struct peer *p, struct str noun, struct str id)
{
	char text[64];
	char name[32];
	struct uuid uuid;

	if (!is_noun(noun) || !uuid_parse(id, &uuid) || str_eq(noun, STR("tenant")) ||
	    str_eq(noun, STR("user")))
		return false;
	snprintf(name, sizeof(name), "%.*s", STR_ARG(noun));
	return rooms_leave(p->hub->rooms, &p->guest, room_of(text, name, uuid));
}
