/* follow_live.c - the live view of events that another node took.
 *
 * The list of batches is read a little back in time, because a transaction
 * shows its batch only when it commits; what was shown already is remembered
 * for as long. A view, not a record: nothing is written. */
#include "modules/analytics/follow.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "modules/analytics/live.h"

#include <talloc.h>

#define BACK_US ((int64_t)5 * 1000000)
#define SLACK_US ((int64_t)3600 * 1000000)

struct live_follower {
	struct app *app;
	int64_t from_us;   /* clock of the database; 0: not asked yet */
	struct map *shown; /* batch -> something; two generations, so that it stays small */
	struct map *shown_before;
	int64_t turned_us;
};

struct live_follower *live_follower_new(const void *ctx, struct app *app)
{
	struct live_follower *l = talloc_zero(ctx, struct live_follower);

	l->app = app;
	l->shown = map_new(l);
	l->shown_before = map_new(l);
	return l;
}

static bool was_shown(struct live_follower *l, const struct live_batches_row *b)
{
	char text[80];
	struct str key = { text, 0 };

	memcpy(text, b->project.b, 16);
	memcpy(text + 16, &b->lane, sizeof(b->lane));
	memcpy(text + 16 + sizeof(b->lane), &b->no, sizeof(b->no));
	key.n = 16 + sizeof(b->lane) + sizeof(b->no);
	if (map_get(l->shown_before, key) || map_put(l->shown, key, l))
		return true;
	return false;
}

static void turn(struct live_follower *l, int64_t now_us)
{
	if (now_us - l->turned_us < 2 * BACK_US)
		return;
	talloc_free(l->shown_before);
	l->shown_before = l->shown;
	l->shown = map_new(l);
	l->turned_us = now_us;
}

static struct fault *show(struct live_follower *l, const void *mem,
			  const struct live_batches_row *b)
{
	const struct scope scope = { .tenant = b->tenant,
				     .actor_kind = "system",
				     .actor_name = STR("live view") };
	struct tx *tx = tx_new(mem, l->app->db, DB_APP, TX_READ, &scope);
	struct live_events_rows rows;
	struct fault *f = live_events(tx, b->project, b->lane, b->no, b->first_id, b->last_id,
				      b->at - SLACK_US, b->at, &rows);

	tx_end(tx);
	TRY(f);
	struct live_event *events = talloc_array(mem, struct live_event, (unsigned)rows.n);
	for (size_t i = 0; i < rows.n; i++) {
		const struct live_events_row *r = &rows.v[i];
		events[i] = (struct live_event){ r->id,		 r->type,	  r->name,
						 r->user_id,	 r->anonymous_id, r->occurred_at,
						 r->received_at, r->properties };
	}
	live_send(l->app, b->project, events, rows.n);
	return NULL;
}

static struct fault *look(struct live_follower *l, const void *mem)
{
	struct tx *tx = tx_new(mem, l->app->db, DB_PLATFORM, TX_READ, &(struct scope){ 0 });
	struct live_batches_rows rows = { 0 };
	struct database_now_row now;
	struct fault *f = database_now(tx, &now);

	if (!f && l->from_us == 0)
		l->from_us = now.now;
	if (!f)
		f = live_batches(tx, l->from_us, ingest_node(l->app->ingest), &rows);
	tx_end(tx);
	TRY(f);
	turn(l, now.now);
	for (size_t i = 0; i < rows.n; i++)
		if (!was_shown(l, &rows.v[i]) && rows.v[i].has_first_id &&
		    live_is_watched(l->app, rows.v[i].project))
			TRY(show(l, mem, &rows.v[i]));
	int64_t back = now.now - BACK_US;
	l->from_us = rows.n == 500 ? rows.v[rows.n - 1].at : back > l->from_us ? back : l->from_us;
	return NULL;
}

void live_follow(struct live_follower *l)
{
	void *mem = talloc_new(NULL);
	struct fault *f = look(l, mem);

	if (f && f->kind != FAULT_UNAVAILABLE)
		LOG_WARN("the live view missed events of other nodes",
			 LOG_TEXT("why", fault_describe(mem, f)));
	talloc_free(mem);
}
