/* identity.c - who the sockets belong to: one principal for all sockets of a
 * session or key in a tenant, a head count for each person, and the regular
 * look whether their rights are still true. When they have changed the
 * credential is asked again: what remains stays connected, with the new rights. */
#include "services/realtime/hub_internal.h"

#include "base/clock.h"
#include "base/map.h"

/* Moves a text to *at, which goes on behind it. */
static struct str pack(char **at, struct str s)
{
	struct str packed = { s.p ? *at : NULL, s.n };

	if (s.n)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return packed;
}

/* One block: there may be one a socket. */
struct credential *credential_copy(const void *mem, const struct credential *from)
{
	size_t texts = from->cookie.n + from->bearer.n + from->basic.n + from->tenant.n +
		       from->ip.n + from->user_agent.n;
	struct credential *to = talloc_size(mem, sizeof(*to) + texts + 1);
	char *at = (char *)(to + 1);

	to->cookie = pack(&at, from->cookie);
	to->bearer = pack(&at, from->bearer);
	to->basic = pack(&at, from->basic);
	to->tenant = pack(&at, from->tenant);
	to->ip = pack(&at, from->ip);
	to->user_agent = pack(&at, from->user_agent);
	return to;
}

struct principal *principal_copy(const void *mem, const struct principal *from)
{
	struct principal *to = talloc_memdup(mem, from, sizeof(*from));
	const char **permissions =
		talloc_array(to, const char *, (unsigned)from->permission_count + 1);

	to->name = str_copy(to, from->name);
	to->email = str_copy(to, from->email);
	to->csrf_token = str_copy(to, from->csrf_token);
	to->tenant_slug = str_copy(to, from->tenant_slug);
	to->role = str_copy(to, from->role);
	for (size_t i = 0; i < from->permission_count; i++)
		permissions[i] = talloc_strdup(permissions, from->permissions[i]);
	permissions[from->permission_count] = NULL;
	to->permissions = permissions;
	return to;
}

static struct str key_of(char bytes[32], const struct principal *who)
{
	memcpy(bytes, who->credential.b, 16);
	memcpy(bytes + 16, who->tenant.b, 16);
	return (struct str){ bytes, 32 };
}

struct identity *identity_find(const struct hub *hub, const struct principal *who)
{
	char bytes[32];

	return map_get(hub->identities, key_of(bytes, who));
}

static struct headcount *headcount_of(struct hub *hub, const struct principal *who)
{
	struct uuid id = uuid_is_nil(who->user) ? who->credential : who->user;
	struct str key = { (const char *)id.b, sizeof(id.b) };
	struct headcount *h = map_get(hub->headcounts, key);

	if (h)
		return h;
	h = talloc_zero(hub, struct headcount);
	memcpy(h->id, id.b, sizeof(h->id));
	map_put(hub->headcounts, key, h);
	return h;
}

static void headcount_down(struct hub *hub, struct headcount *h)
{
	if (--h->sockets > 0)
		return;
	map_remove(hub->headcounts, (struct str){ (const char *)h->id, sizeof(h->id) });
	talloc_free(h);
}

static struct identity *identity_new(struct hub *hub, struct str key)
{
	struct identity *i = talloc_zero(hub, struct identity);

	memcpy(i->key, key.p, sizeof(i->key));
	map_put(hub->identities, key, i);
	return i;
}

static const char *word(struct hub *hub, const char *name)
{
	const char *known = map_get(hub->words, str_of(name));

	if (!known) {
		known = talloc_strdup(hub, name);
		map_put(hub->words, str_of(name), (void *)(uintptr_t)known);
	}
	return known;
}

/* What a socket needs of a principal, in one block. */
static struct principal *principal_keep(struct hub *hub, const void *mem,
					const struct principal *from)
{
	size_t n = from->permission_count;
	struct principal *to =
		talloc_size(mem, sizeof(*to) + (n + 1) * sizeof(char *) + from->name.n + 1);
	const char **permissions = (const char **)(void *)(to + 1);
	char *at = (char *)(permissions + n + 1);

	*to = *from;
	for (size_t i = 0; i < n; i++)
		permissions[i] = word(hub, from->permissions[i]);
	permissions[n] = NULL;
	to->permissions = permissions;
	to->name = pack(&at, from->name);
	to->email = to->csrf_token = to->role = to->tenant_slug = (struct str){ 0 };
	return to;
}

static void retire(struct identity *i, const void *old)
{
	if (!old)
		return;
	if (!i->stale)
		i->stale = talloc_new(i);
	talloc_steal(i->stale, old);
	if (i->holders == 0)
		TALLOC_FREE(i->stale);
}

static void set_who(struct hub *hub, struct identity *i, const struct principal *who)
{
	const struct principal *old = i->who;

	i->who = principal_keep(hub, i, who);
	i->memo_permission = NULL;
	retire(i, old);
}

static void set_cred(struct identity *i, const struct credential *cred)
{
	const struct credential *old = i->cred;

	i->cred = credential_copy(i, cred);
	retire(i, old);
}

struct identity *identity_enter(struct hub *hub, const struct principal *who,
				const struct credential *cred)
{
	char bytes[32];
	struct str key = key_of(bytes, who);
	struct headcount *h = headcount_of(hub, who);

	if (h->sockets >= hub->limits.sockets_per_user) {
		hub->counts.refused++;
		return NULL;
	}
	h->sockets++;
	struct identity *i = map_get(hub->identities, key);
	if (!i)
		i = identity_new(hub, key);
	i->headcount = h;
	set_who(hub, i, who);
	set_cred(i, cred); /* a fresher token lives longer */
	return i;
}

static void free_if_unused(struct hub *hub, struct identity *i)
{
	if (i->peers || i->holders > 0)
		return;
	map_remove(hub->identities, (struct str){ (const char *)i->key, sizeof(i->key) });
	hub_bury(hub, i);
}

void identity_hold(struct identity *i)
{
	i->holders++;
}

void identity_drop(struct hub *hub, struct identity *i)
{
	if (--i->holders == 0)
		TALLOC_FREE(i->stale);
	free_if_unused(hub, i);
}

void identity_leave(struct hub *hub, struct peer *p)
{
	struct identity *i = p->identity;

	if (!i)
		return;
	struct peer **at = &i->peers;
	while (*at != p)
		at = &(*at)->next_same;
	*at = p->next_same;
	p->identity = NULL;
	headcount_down(hub, i->headcount);
	free_if_unused(hub, i);
}

bool identity_may(struct identity *i, const char *permission)
{
	if (!permission)
		return true;
	if (i->memo_permission != permission) {
		i->memo_permission = permission;
		i->memo_may = principal_may(i->who, permission);
	}
	return i->memo_may;
}

/* ---- rights that change ---- */

struct look_task { /* everybody at once */
	struct task task;
	size_t n;
	struct identity **list;
	const struct principal **who;
	bool *is_valid;
	struct fault *fault;
};

struct again_task { /* one of them asks the credential again */
	struct task task;
	struct identity *identity;
	const struct credential *cred;
	const struct principal *who;
	struct fault *fault;
};

static void kick_all(struct identity *i, const char *code, const char *text)
{
	while (i->peers) {
		struct peer *p = i->peers;
		p->ops->kick(p, code, text);
	}
}

/* Rooms of objects they may no longer see. */
static void leave_forbidden_rooms(struct hub *hub, struct peer *p)
{
	for (uint32_t s = p->guest.seat_count; s-- > 0;) {
		struct str name = p->guest.seats[s].room->name;
		struct str noun = str_cut(&name, ':');
		if (str_eq(noun, STR("tenant")) || str_eq(noun, STR("user")))
			continue;
		if (noun_is_allowed(p, noun))
			continue;
		rooms_leave(hub->rooms, &p->guest, p->guest.seats[s].room->name);
	}
}

static bool is_refusal(const struct fault *f)
{
	return f->kind == FAULT_UNAUTHENTICATED || f->kind == FAULT_FORBIDDEN ||
	       f->kind == FAULT_NOT_FOUND || f->kind == FAULT_GONE;
}

static void apply_again(struct hub *hub, struct identity *i, const struct again_task *t)
{
	if (t->fault) { /* the database may be away for a moment: then look again later */
		if (strcmp(t->fault->code, "token_expired") == 0)
			kick_all(i, "token_expired", "The access token has expired.");
		else if (is_refusal(t->fault))
			kick_all(i, "session_ended", "Your session has ended.");
		return;
	}
	if (t->who->kind == WHO_ANONYMOUS || !uuid_eq(t->who->credential, i->who->credential)) {
		kick_all(i, "session_ended", "Your session has ended.");
		return;
	}
	if (!uuid_eq(t->who->tenant, i->who->tenant)) {
		kick_all(i, "access_ended", "You no longer have access to this organisation.");
		return;
	}
	set_who(hub, i, t->who);
	for (struct peer *p = i->peers; p; p = p->next_same)
		leave_forbidden_rooms(hub, p);
}

static void run_again(struct task *task, const struct authority *a)
{
	struct again_task *t = CONTAINER_OF(task, struct again_task, task);

	t->fault = a->authenticate(t, a->arg, t->cred, &t->who);
}

static void deliver_again(struct hub *hub, struct mail *m)
{
	struct again_task *t = CONTAINER_OF(m, struct again_task, task.mail);
	struct identity *i = t->identity;

	i->is_checking = false;
	if (i->peers)
		apply_again(hub, i, t);
	identity_drop(hub, i);
	talloc_free(t);
}

static void ask_again(struct hub *hub, struct identity *i)
{
	if (i->is_checking)
		return;
	struct again_task *t = talloc_zero(NULL, struct again_task);
	t->identity = i;
	t->cred = i->cred;
	t->task.run = run_again;
	t->task.mail.deliver = deliver_again;
	i->is_checking = true;
	identity_hold(i);
	if (!pool_submit(hub->pool, &t->task)) {
		i->is_checking = false;
		identity_drop(hub, i);
		talloc_free(t);
	}
}

static void run_look(struct task *task, const struct authority *a)
{
	struct look_task *t = CONTAINER_OF(task, struct look_task, task);

	t->fault = a->recheck(t, a->arg, t->who, t->n, t->is_valid);
}

static void deliver_look(struct hub *hub, struct mail *m)
{
	struct look_task *t = CONTAINER_OF(m, struct look_task, task.mail);
	int64_t now_us = clock_wall_us();

	hub->recheck_is_running = false;
	for (size_t k = 0; k < t->n; k++) {
		struct identity *i = t->list[k];
		bool has_expired = i->who->valid_until_us && i->who->valid_until_us <= now_us;
		if (i->peers && ((!t->fault && !t->is_valid[k]) || has_expired))
			ask_again(hub, i);
		identity_drop(hub, i);
	}
	talloc_free(t);
}

void identity_recheck(struct hub *hub)
{
	size_t n = map_count(hub->identities), cursor = 0;
	struct str key;
	void *value;

	if (n == 0 || hub->recheck_is_running || hub->is_stopping)
		return;
	struct look_task *t = talloc_zero(NULL, struct look_task);
	t->task.run = run_look;
	t->task.mail.deliver = deliver_look;
	t->list = talloc_array(t, struct identity *, (unsigned)n);
	t->who = talloc_array(t, const struct principal *, (unsigned)n);
	t->is_valid = talloc_zero_array(t, bool, (unsigned)n);
	while (map_next(hub->identities, &cursor, &key, &value)) {
		struct identity *i = value;
		identity_hold(i);
		t->list[t->n] = i;
		t->who[t->n++] = i->who;
	}
	hub->recheck_is_running = true;
	if (pool_submit(hub->pool, &t->task))
		return;
	hub->recheck_is_running = false;
	for (size_t k = 0; k < t->n; k++)
		identity_drop(hub, t->list[k]);
	talloc_free(t);
}
