/* replay.c - what a returning client has missed, complete or not at all. It sits in
 * its rooms while older events are read; newer ones are held back and follow,
 * without those that the reading has found as well. */
#include "services/realtime/hub_internal.h"

struct replay_task {
	struct task task;
	uint64_t handle;
	struct identity *identity;
	const struct principal *who;
	int64_t after;
	struct event *list;
	size_t n;
	bool is_complete;
	struct fault *fault;
};

void replay_drop_held(struct peer *p)
{
	for (uint32_t i = 0; i < p->held_count; i++)
		packet_drop(p->held[i].packet);
	TALLOC_FREE(p->held);
	p->held_count = 0;
}

void replay_send_held(struct peer *p, int64_t after)
{
	struct held *held = p->held;
	uint32_t n = p->held_count;

	p->held = NULL; /* a send may end the peer */
	p->held_count = 0;
	p->is_replaying = false;
	for (uint32_t i = 0; i < n; i++) {
		if (held[i].seq > after && p->identity)
			p->ops->send(p, held[i].packet);
		packet_drop(held[i].packet);
	}
	talloc_free(held);
}

static void run_replay(struct task *task, const struct authority *a)
{
	struct replay_task *t = CONTAINER_OF(task, struct replay_task, task);

	t->fault = a->replay(t, a->arg, t->who, t->after, &t->list, &t->n, &t->is_complete);
}

static size_t bytes_of(const struct replay_task *t)
{
	size_t bytes = 0;

	for (size_t i = 0; i < t->n; i++)
		bytes += t->list[i].payload.n + t->list[i].type.n + 32;
	return bytes;
}

static bool is_in_tenant(const struct peer *p)
{
	char text[64];

	return rooms_is_in(&p->guest, room_of(text, "tenant", p->identity->who->tenant));
}

/* One old event to one peer, by the rules of a live one. */
static void send_one(struct peer *p, const struct event *e)
{
	const struct authority *a = &p->hub->config.authority;
	struct delivery d = {
		.hub = p->hub, .seq = e->seq, .name = e->type, .payload = e->payload
	};
	char text[64];
	struct str noun = e->type;

	d.permission = a->event_permission(a->arg, e->type);
	if (!d.permission || !identity_may(p->identity, d.permission))
		return;
	noun = str_cut(&noun, ':');
	int n = snprintf(text, sizeof(text), "%.*s:%.*s", STR_ARG(noun), STR_ARG(e->subject));
	bool by_room = n > 0 && n < 64 && rooms_is_in(&p->guest, (struct str){ text, (size_t)n });
	if (!by_room && !(is_in_tenant(p) && topic_matches(p, e->type)))
		return;
	p->ops->send(p, delivery_packet(&d, p->kind));
	delivery_end(&d);
}

static void finish_replay(struct peer *p, const struct replay_task *t)
{
	bool is_complete =
		!t->fault && t->is_complete && bytes_of(t) < p->hub->limits.outbound_max_bytes / 2;
	int64_t last = t->after;

	for (size_t i = 0; is_complete && i < t->n && p->identity; i++) {
		send_one(p, &t->list[i]);
		last = t->list[i].seq;
	}
	if (!p->identity)
		return;
	if (is_complete)
		replay_send_held(p, last);
	if (p->identity)
		p->ops->replayed(p, is_complete);
	/* Incomplete: the peer has been told to start anew, then come the newer ones. */
	if (!is_complete && p->identity)
		replay_send_held(p, 0);
}

static void deliver_replay(struct hub *hub, struct mail *m)
{
	struct replay_task *t = CONTAINER_OF(m, struct replay_task, task.mail);
	struct peer *p = hub_peer(hub, t->handle);

	if (p && p->is_replaying && p->identity == t->identity)
		finish_replay(p, t);
	identity_drop(hub, t->identity);
	talloc_free(t);
}

void replay_start(struct peer *p, int64_t after)
{
	struct replay_task *t = talloc_zero(NULL, struct replay_task);

	t->handle = peer_handle(p);
	t->identity = p->identity;
	t->who = p->identity->who;
	t->after = after;
	t->task.run = run_replay;
	t->task.mail.deliver = deliver_replay;
	p->is_replaying = true;
	identity_hold(p->identity);
	if (pool_submit(p->hub->pool, &t->task))
		return;
	identity_drop(p->hub, p->identity);
	talloc_free(t);
	p->is_replaying = false;
	p->ops->replayed(p, false);
}
