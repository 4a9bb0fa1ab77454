/* follow_sessions.c - a session ends after thirty minutes without an event of the
 * same device (anonymousId, else userId). Events may come late: one that falls
 * into a known session, or within thirty minutes of it, belongs to it. */
#include "modules/analytics/follow.h"

#include "base/map.h"
#include "base/vec.h"

#include <talloc.h>

#define GAP_US ((int64_t)30 * 60 * 1000000)

struct session {
	struct uuid id;
	int64_t start, end;
	int64_t events; /* of this chunk */
	struct session *next;
};

struct actor {
	struct str name;
	struct session *sessions; /* newest first */
};

struct actors {
	struct map *by_name;
	VEC(struct actor *) list;
};

static struct str actor_name(const void *mem, const struct follow_events_row *row)
{
	struct str id = row->anonymous_id.p ? row->anonymous_id : row->user_id;
	char *name = talloc_asprintf(mem, "%c:%.*s", row->anonymous_id.p ? 'a' : 'u', STR_ARG(id));

	return (struct str){ name, id.n + 2 };
}

static struct actor *actor_of(struct actors *actors, const void *mem, struct str name)
{
	struct actor *a = map_get(actors->by_name, name);

	if (!a) {
		a = talloc_zero(mem, struct actor);
		a->name = name;
		map_put(actors->by_name, name, a);
		*VEC_ADD(&actors->list, mem) = a;
	}
	return a;
}

static struct fault *load_latest(struct chunk *c, struct actors *actors)
{
	struct str *names = talloc_array(c->mem, struct str, (unsigned)actors->list.n);
	struct session_latest_rows rows;

	for (size_t i = 0; i < actors->list.n; i++)
		names[i] = actors->list.v[i]->name;
	TRY(session_latest(c->tx, c->project, names, actors->list.n, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		struct actor *a = map_get(actors->by_name, rows.v[i].actor);
		if (!a)
			continue;
		a->sessions = talloc_zero(c->mem, struct session);
		a->sessions->id = rows.v[i].id;
		a->sessions->start = rows.v[i].started_at;
		a->sessions->end = rows.v[i].ended_at;
	}
	return NULL;
}

static struct session *session_at(const void *mem, struct actor *a, int64_t at)
{
	for (struct session *s = a->sessions; s; s = s->next)
		if (at >= s->start - GAP_US && at <= s->end + GAP_US)
			return s;
	struct session *s = talloc_zero(mem, struct session);
	s->id = uuid_new();
	s->start = s->end = at;
	s->next = a->sessions;
	a->sessions = s;
	return s;
}

static struct fault *write_sessions(struct chunk *c, const struct actors *actors)
{
	VEC(struct uuid) ids = { 0 };
	VEC(struct str) names = { 0 };
	VEC(int64_t) starts = { 0 }, ends = { 0 }, counts = { 0 };

	for (size_t i = 0; i < actors->list.n; i++) {
		const struct actor *a = actors->list.v[i];
		for (const struct session *s = a->sessions; s; s = s->next) {
			if (s->events == 0)
				continue;
			*VEC_ADD(&ids, c->mem) = s->id;
			*VEC_ADD(&names, c->mem) = a->name;
			*VEC_ADD(&starts, c->mem) = s->start;
			*VEC_ADD(&ends, c->mem) = s->end;
			*VEC_ADD(&counts, c->mem) = s->events;
		}
	}
	return session_put(c->tx, c->project, ids.v, ids.n, names.v, names.n, starts.v, starts.n,
			   ends.v, ends.n, counts.v, counts.n);
}

struct fault *follow_sessions(struct chunk *c)
{
	struct actors actors = { .by_name = map_new(c->mem) };

	for (size_t i = 0; i < c->n; i++)
		actor_of(&actors, c->mem, actor_name(c->mem, c->events[i].row));
	TRY(load_latest(c, &actors));
	for (size_t i = 0; i < c->n; i++) {
		struct followed *e = &c->events[i];
		struct actor *a = actor_of(&actors, c->mem, actor_name(c->mem, e->row));
		struct session *s = session_at(c->mem, a, e->row->occurred_at);
		s->start = e->row->occurred_at < s->start ? e->row->occurred_at : s->start;
		s->end = e->row->occurred_at > s->end ? e->row->occurred_at : s->end;
		s->events++;
		e->session = s->id;
	}
	return write_sessions(c, &actors);
}
