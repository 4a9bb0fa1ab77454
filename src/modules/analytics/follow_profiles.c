/* follow_profiles.c - people and devices, as the events tell.
 *
 * A profile belongs to a userId, or to an anonymousId as long as nobody is known
 * behind it. An alias call, and an identify call with both ids, say that two ids
 * are one person: the earlier profile goes over into the user's, and events that
 * still carry the earlier id count for the user from then on. */
#include "modules/analytics/follow.h"

#include "base/map.h"
#include "base/vec.h"

#include <talloc.h>

#define HOPS_MAX 5
#define TRAITS_MAX_BYTES (4U << 20)

struct person {
	struct str user_id, anonymous_id;
	struct buf traits; /* JSON list of objects */
	int64_t first, last, events;
};

struct link {
	struct str previous, who;
};

struct profiles {
	const void *mem;
	struct map *aliases; /* earlier id -> struct str * */
	struct map *by_key;
	VEC(struct person *) list;
	VEC(struct link) links;
};

static struct fault *load_aliases(struct chunk *c, struct profiles *all)
{
	struct str *ids = talloc_array(c->mem, struct str, (unsigned)c->n * 2 + 1);
	struct alias_find_rows rows;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (c->events[i].row->user_id.p)
			ids[n++] = c->events[i].row->user_id;
		if (c->events[i].row->anonymous_id.p)
			ids[n++] = c->events[i].row->anonymous_id;
	}
	TRY(alias_find(c->tx, c->project, ids, n, &rows));
	for (size_t i = 0; i < rows.n; i++)
		map_put(all->aliases, rows.v[i].previous_id, &rows.v[i].user_id);
	return NULL;
}

/* The userId behind an id, the id itself when nothing is known, absent for absent. */
static struct str resolve(const struct profiles *all, struct str id)
{
	for (int hop = 0; id.p && hop < HOPS_MAX; hop++) {
		const struct str *next = map_get(all->aliases, id);
		if (!next)
			break;
		id = *next;
	}
	return id;
}

static struct person *profile_of(struct profiles *all, struct str user_id, struct str anonymous_id)
{
	struct str id = user_id.p ? user_id : anonymous_id;
	char *key = talloc_size(all->mem, id.n + 1);

	key[0] = user_id.p ? 'u' : 'a';
	memcpy(key + 1, id.p, id.n);
	struct person *p = map_get(all->by_key, (struct str){ key, id.n + 1 });
	if (!p) {
		p = talloc_zero(all->mem, struct person);
		p->user_id = user_id;
		p->first = INT64_MAX;
		p->last = INT64_MIN;
		buf_init(&p->traits, p, TRAITS_MAX_BYTES);
		buf_char(&p->traits, '[');
		map_put(all->by_key, (struct str){ key, id.n + 1 }, p);
		*VEC_ADD(&all->list, all->mem) = p;
	}
	if (anonymous_id.p)
		p->anonymous_id = anonymous_id;
	return p;
}

static void count_event(struct person *p, const struct follow_events_row *row)
{
	p->first = row->occurred_at < p->first ? row->occurred_at : p->first;
	p->last = row->occurred_at > p->last ? row->occurred_at : p->last;
	p->events++;
	if (!row->traits.p)
		return;
	if (p->traits.n > 1)
		buf_char(&p->traits, ',');
	buf_str(&p->traits, row->traits);
}

static void link_ids(struct profiles *all, struct str previous, struct str who)
{
	if (!previous.p || !who.p || str_eq(previous, who) || str_eq(resolve(all, previous), who))
		return;
	struct str *to = talloc(all->mem, struct str);
	*to = who;
	map_put(all->aliases, previous, to);
	*VEC_ADD(&all->links, all->mem) = (struct link){ previous, who };
}

static void take_event(struct profiles *all, const struct follow_events_row *row)
{
	struct str user = row->user_id;

	if (str_eq(row->type, STR("alias")) && user.p)
		link_ids(all, row->previous_id, user);
	else if (str_eq(row->type, STR("identify")) && user.p)
		link_ids(all, row->anonymous_id, user);
	user = resolve(all, user);
	if (!user.p) {
		struct str behind = resolve(all, row->anonymous_id);
		if (!str_eq(behind, row->anonymous_id))
			user = behind;
	}
	count_event(profile_of(all, user, row->anonymous_id), row);
}

struct columns {
	VEC(struct str) user_ids, anonymous_ids, traits;
	VEC(int64_t) firsts, lasts, counts;
};

static void put(struct columns *to, const void *mem, struct person *p)
{
	buf_char(&p->traits, ']');
	*VEC_ADD(&to->user_ids, mem) = p->user_id;
	*VEC_ADD(&to->anonymous_ids, mem) = p->anonymous_id;
	*VEC_ADD(&to->traits, mem) = p->traits.overflowed ? STR("[]") : buf_view(&p->traits);
	*VEC_ADD(&to->firsts, mem) = p->first;
	*VEC_ADD(&to->lasts, mem) = p->last;
	*VEC_ADD(&to->counts, mem) = p->events;
}

static struct fault *write_profiles(struct chunk *c, struct profiles *all)
{
	struct columns users = { 0 }, strangers = { 0 };

	for (size_t i = 0; i < all->list.n; i++)
		put(all->list.v[i]->user_id.p ? &users : &strangers, c->mem, all->list.v[i]);
	size_t u = users.counts.n, s = strangers.counts.n;
	if (u > 0)
		TRY(profile_put_users(c->tx, c->project, users.user_ids.v, u, users.anonymous_ids.v,
				      u, users.traits.v, u, users.firsts.v, u, users.lasts.v, u,
				      users.counts.v, u));
	if (s > 0)
		TRY(profile_put_anonymous(c->tx, c->project, strangers.anonymous_ids.v, s,
					  strangers.traits.v, s, strangers.firsts.v, s,
					  strangers.lasts.v, s, strangers.counts.v, s));
	for (size_t i = 0; i < all->links.n; i++) {
		const struct link *l = &all->links.v[i];
		TRY(alias_put(c->tx, c->project, l->previous, l->who));
		TRY(profile_merge(c->tx, c->project, l->previous, l->who));
	}
	return NULL;
}

struct fault *follow_profiles(struct chunk *c)
{
	struct profiles all = { .mem = c->mem,
				.aliases = map_new(c->mem),
				.by_key = map_new(c->mem) };

	TRY(load_aliases(c, &all));
	for (size_t i = 0; i < c->n; i++)
		take_event(&all, c->events[i].row);
	return write_profiles(c, &all);
}
