/* authority.c - the answers of authority.h. Joining a room of an object asks for
 * two things: the permission to read its noun, and that the row is there for
 * this tenant. Both come from the noun's resource descriptor, so a new noun has
 * its rooms without a line here; a noun without a resource has no rooms. */
#include "services/realtime/authority.h"

#include "base/map.h"
#include "services/realtime/realtime_gen.h"
#include "spine/module.h"
#include "spine/pipeline.h"

#include <talloc.h>

#define REPLAY_BATCH 500
#define REPLAY_MAX 5000

struct subject { /* a noun one can join */
	const char *permission;
	struct db_query exists;
};

struct truth {
	struct app *app;
	struct map *nouns; /* name -> struct subject */
};

static const enum db_type exists_types[] = { DB_UUID };

static void add_noun(struct truth *t, const struct resource *r)
{
	struct subject *s = talloc_zero(t, struct subject);

	s->permission =
		r->read_permission ? r->read_permission : talloc_asprintf(s, "%s.read", r->noun);
	s->exists = (struct db_query){
		.name = talloc_asprintf(s, "realtime_%s_exists", r->noun),
		.sql = talloc_asprintf(s,
				       "select 1 from %s where tenant_id = core.current_tenant() "
				       "and id = $1::uuid",
				       r->table),
		.param_count = 1,
		.param_types = exists_types,
		.column_count = 1,
		.returns_rows = true,
	};
	map_put(t->nouns, str_of(r->noun), s);
}

struct truth *truth_new(const void *ctx, struct app *app)
{
	struct truth *t = talloc_zero(ctx, struct truth);

	t->app = app;
	t->nouns = map_new(t);
	for (const struct module *const *m = registry_modules(app->registry); *m; m++)
		for (const struct resource *const *r = (*m)->resources; r && *r; r++)
			add_noun(t, *r);
	return t;
}

static struct fault *authenticate(const void *mem, void *arg, const struct credential *cred,
				  const struct principal **ret_who)
{
	struct truth *t = arg;

	return access_authenticate(mem, t->app, cred, ret_who);
}

static struct fault *may_join(const void *mem, void *arg, const struct principal *who,
			      struct str noun, struct uuid id)
{
	struct truth *t = arg;
	struct subject *s = map_get(t->nouns, noun);
	struct scope scope = access_scope(who, STR(""), STR(""), STR(""));
	struct db_param param = { .uuid = id };
	struct db_result *rows;

	if (!s)
		return FAULT(mem, FAULT_NOT_FOUND, "unknown_noun", "There are no such rooms.");
	if (!principal_may(who, s->permission))
		return FAULT(mem, FAULT_FORBIDDEN, "no_permission", "This needs the permission %s.",
			     s->permission);
	struct tx *tx = tx_new(mem, t->app->db, DB_APP, TX_READ, &scope);
	struct fault *f = tx_run(tx, &s->exists, &param, &rows);
	bool is_there = !f && db_rows(rows) > 0;
	if (!f)
		f = tx_commit(tx);
	tx_end(tx);
	TRY(f);
	/* A key bound to one project sees no other. */
	if (!uuid_is_nil(who->project) && !uuid_eq(who->project, id))
		is_there = false;
	return is_there ? NULL : FAULT(mem, FAULT_NOT_FOUND, "not_found", "It is not there.");
}

struct found {
	struct event *list;
	size_t n;
};

/* One batch after seq, onto mem. */
static struct fault *read_batch(struct truth *t, const void *mem, struct uuid tenant, int64_t after,
				struct found *ret_found, bool *ret_is_complete)
{
	struct scope scope = { .actor_kind = "system" };
	struct tx *tx = tx_new(mem, t->app->db, DB_PLATFORM, TX_READ, &scope);
	struct fault *f = events_read(tx, tenant, after, REPLAY_BATCH, &ret_found->list,
				      &ret_found->n, ret_is_complete);

	if (!f)
		f = tx_commit(tx);
	tx_end(tx);
	return f;
}

static struct fault *replay(const void *mem, void *arg, const struct principal *who, int64_t after,
			    struct event **ret_list, size_t *ret_n, bool *ret_is_complete)
{
	struct truth *t = arg;
	struct event *all = NULL;
	size_t n = 0;
	struct found found = { .n = REPLAY_BATCH };

	*ret_is_complete = true;
	while (found.n == REPLAY_BATCH && *ret_is_complete && n < REPLAY_MAX) {
		TRY(read_batch(t, mem, who->tenant, after, &found, ret_is_complete));
		all = talloc_realloc(mem, all, struct event, (unsigned)(n + found.n));
		memcpy(all + n, found.list, found.n * sizeof(*all));
		n += found.n;
		if (found.n > 0)
			after = all[n - 1].seq;
	}
	if (found.n == REPLAY_BATCH)
		*ret_is_complete = false; /* too much: start anew */
	*ret_list = all;
	*ret_n = n;
	return NULL;
}

static size_t collect_stamps(const struct principal *const *who, size_t n, struct uuid *ids,
			     int64_t *stamps)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < who[i]->stamp_count; k++) {
			ids[count] = who[i]->stamps[k].id;
			stamps[count++] = who[i]->stamps[k].stamp;
		}
	return count;
}

static bool is_among(const struct realtime_changed_rows *rows, const struct principal *who)
{
	for (size_t k = 0; k < who->stamp_count; k++)
		for (size_t i = 0; i < rows->n; i++)
			if (uuid_eq(rows->v[i].id, who->stamps[k].id))
				return true;
	return false;
}

static struct fault *recheck(const void *mem, void *arg, const struct principal *const *who,
			     size_t n, bool *ret_is_valid)
{
	struct truth *t = arg;
	struct scope scope = { .actor_kind = "system" };
	struct uuid *ids = talloc_array(mem, struct uuid, (unsigned)(n * 4));
	int64_t *stamps = talloc_array(mem, int64_t, (unsigned)(n * 4));
	size_t count = collect_stamps(who, n, ids, stamps);
	struct realtime_changed_rows rows = { 0 };
	struct tx *tx = tx_new(mem, t->app->db, DB_PLATFORM, TX_READ, &scope);
	struct fault *f = realtime_changed(tx, ids, count, stamps, count, &rows);

	if (!f)
		f = tx_commit(tx);
	for (size_t i = 0; !f && i < n; i++)
		ret_is_valid[i] = !is_among(&rows, who[i]);
	tx_end(tx);
	return f;
}

static const char *event_permission(void *arg, struct str name)
{
	struct truth *t = arg;
	const struct event_type *type = registry_event(t->app->registry, name);

	return type ? type->permission : NULL;
}

static const char *noun_permission(void *arg, struct str noun)
{
	struct truth *t = arg;
	struct subject *s = map_get(t->nouns, noun);

	return s ? s->permission : NULL;
}

static int64_t head(void *arg)
{
	struct truth *t = arg;

	return events_head(t->app->events);
}

struct authority truth_authority(struct truth *t)
{
	return (struct authority){
		.arg = t,
		.authenticate = authenticate,
		.may_join = may_join,
		.replay = replay,
		.recheck = recheck,
		.event_permission = event_permission,
		.noun_permission = noun_permission,
		.head = head,
	};
}
