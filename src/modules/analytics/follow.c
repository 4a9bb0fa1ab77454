/* follow.c - the enricher's thread and its transactions (follow.h).
 *
 * When a chunk cannot be written because of its data, its events are written
 * one by one, each behind a savepoint; the one that fails goes to
 * analytics.dead_letters with the reason and the stream goes on. */
#include "modules/analytics/follow.h"

#include "base/clock.h"
#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <talloc.h>
#include <time.h>

#define CHUNK_EVENTS 4000
#define CHUNK_BATCHES 400
#define POLL_MS 500	    /* without a wake-up */
#define GATHER_MS 100	    /* after one: larger chunks are cheaper */
#define SCAN_EVERY_MS 30000 /* all lanes, not only those of recent batches */
#define RECENT_US ((int64_t)10 * 1000000)
#define SLACK_US ((int64_t)3600 * 1000000)
#define PATIENCE_MS 2000 /* how long ingestion may go first */

struct follower {
	struct app *app;
	struct enricher *enricher;
	struct live_follower *live;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool is_awake;
	_Atomic bool is_stopping;
	int64_t scanned_ms;
};

/* ---- one chunk ---- */

static void enrich_all(struct follower *f, struct chunk *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct follow_events_row *row = c->events[i].row;
		const struct enrich_in in = { .user_agent = row->user_agent,
					      .ip = row->ip,
					      .url = row->url,
					      .referrer = row->referrer,
					      .campaign = row->campaign };
		enrich(f->enricher, c->mem, &in, &c->events[i].found);
	}
}

static struct fault *follow_enrichments(struct chunk *c)
{
	struct uuid *ids = talloc_array(c->mem, struct uuid, (unsigned)c->n);
	int64_t *received = talloc_array(c->mem, int64_t, (unsigned)c->n);
	struct str *sessions = talloc_array(c->mem, struct str, (unsigned)c->n);
	struct str *data = talloc_array(c->mem, struct str, (unsigned)c->n);

	for (size_t i = 0; i < c->n; i++) {
		ids[i] = c->events[i].row->id;
		received[i] = c->events[i].row->received_at;
		sessions[i] = uuid_str(c->mem, c->events[i].session);
		data[i] = c->events[i].found.json;
	}
	return enrichment_add(c->tx, c->project, ids, c->n, received, c->n, sessions, c->n, data,
			      c->n);
}

static struct fault *write_chunk(struct chunk *c)
{
	struct database_now_row now;

	TRY(follow_sessions(c));
	TRY(follow_profiles(c));
	TRY(follow_enrichments(c));
	TRY(follow_rollups(c));
	/* held-back statements tell their faults only now */
	return database_now(c->tx, &now);
}

static struct fault *bury(struct chunk *c, const struct fault *why)
{
	const struct follow_events_row *row = c->events[0].row;

	LOG_ERROR("an event could not be followed", LOG_TEXT("why", fault_describe(c->mem, why)));
	return dead_letter_add(c->tx, c->project, row->id, row->received_at, STR("enrich"),
			       str_of(why->detail ? why->detail : why->text));
}

static struct fault *write_one_by_one(const struct chunk *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct chunk one = *all;
		one.events = &all->events[i];
		one.n = 1;
		TRY(tx_savepoint(one.tx));
		struct fault *why = write_chunk(&one);
		if (!why)
			continue;
		if (why->kind == FAULT_UNAVAILABLE)
			return why;
		TRY(tx_rollback_to_savepoint(one.tx));
		TRY(bury(&one, why));
	}
	return NULL;
}

static struct fault *write_events(struct chunk *c)
{
	if (c->n == 0)
		return NULL;
	TRY(tx_savepoint(c->tx));
	struct fault *why = write_chunk(c);
	if (!why || why->kind == FAULT_UNAVAILABLE)
		return why;
	TRY(tx_rollback_to_savepoint(c->tx));
	return write_one_by_one(c);
}

/* ---- one project ---- */

/* How many of the batches make a chunk: at least one. */
static size_t choose(const struct follow_batches_rows *batches)
{
	int64_t events = 0;
	size_t n = 0;

	while (n < batches->n && (n == 0 || events + batches->v[n].events <= CHUNK_EVENTS))
		events += batches->v[n++].events;
	return n;
}

/* Where each batch stands in the chunk, found by lane and number. */
struct place {
	int64_t lane, no;
	size_t order;
	size_t at; /* first free slot of its events */
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	return (x->no > y->no) - (x->no < y->no);
}

static struct place *places_of(const void *mem, const struct follow_batches_rows *batches, size_t n)
{
	struct place *places = talloc_zero_array(mem, struct place, (unsigned)n);
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		places[i] = (struct place){ batches->v[i].lane, batches->v[i].no, i, at };
		at += (size_t)batches->v[i].events;
	}
	qsort(places, n, sizeof(*places), compare_places);
	return places;
}

/* Puts the rows of the chunk's batches into the order of the batches. */
static struct fault *arrange(struct chunk *c, const struct follow_events_rows *rows,
			     const struct follow_batches_rows *batches, size_t n)
{
	struct place *places = places_of(c->mem, batches, n);
	size_t expected = 0, found = 0;

	for (size_t i = 0; i < n; i++)
		expected += (size_t)batches->v[i].events;
	c->events = talloc_zero_array(c->mem, struct followed, (unsigned)expected);
	c->n = expected;
	for (size_t i = 0; i < rows->n; i++) {
		const struct place key = { .lane = rows->v[i].lane, .no = rows->v[i].no };
		struct place *place = bsearch(&key, places, n, sizeof(*places), compare_places);
		if (!place)
			continue; /* of a batch that is not in this chunk */
		if (found++ == expected)
			break;
		c->events[place->at++].row = &rows->v[i];
	}
	if (found != expected)
		return FAULT_BUG(c->mem, "%zu events of %zu were found", found, expected);
	return NULL;
}

static struct fault *read_events(struct chunk *c, const struct follow_batches_rows *batches,
				 size_t n)
{
	int64_t from = INT64_MAX, to = INT64_MIN;
	struct follow_events_rows *rows = talloc_zero(c->mem, struct follow_events_rows);
	struct uuid first, last;
	bool has_events = false;

	for (size_t i = 0; i < n; i++) {
		const struct follow_batches_row *b = &batches->v[i];
		from = b->at < from ? b->at : from;
		to = b->at > to ? b->at : to;
		if (b->events == 0 || !b->has_first_id)
			continue;
		if (!has_events || memcmp(b->first_id.b, first.b, sizeof(first.b)) < 0)
			first = b->first_id;
		if (!has_events || memcmp(b->last_id.b, last.b, sizeof(last.b)) > 0)
			last = b->last_id;
		has_events = true;
	}
	if (has_events)
		TRY(follow_events(c->tx, c->project, first, last, from - SLACK_US, to, rows));
	return arrange(c, rows, batches, n);
}

/* The last number of each lane in the chunk (a lane's batches stand in order). */
static struct fault *move_cursors(struct chunk *c, const struct follow_batches_rows *batches,
				  size_t n)
{
	int64_t lanes[64], nos[64];
	size_t count = 0;

	for (size_t i = n; i-- > 0;) {
		size_t k = 0;
		while (k < count && lanes[k] != batches->v[i].lane)
			k++;
		if (k == count && count < 64) {
			lanes[count] = batches->v[i].lane;
			nos[count++] = batches->v[i].no;
		} else if (k < count && nos[k] < batches->v[i].no) {
			nos[k] = batches->v[i].no;
		}
	}
	return follow_done(c->tx, c->project, lanes, count, nos, count);
}

static struct fault *follow_chunk(struct follower *f, struct chunk *c, bool *ret_more)
{
	char text[UUID_TEXT_SIZE];
	const char *name =
		talloc_asprintf(c->mem, "analytics.follow %s", uuid_format(c->project, text));
	struct follow_batches_rows batches;
	struct follow_lock_row lock;

	*ret_more = false;
	TRY(follow_lock(c->tx, str_of(name), &lock));
	if (!lock.mine)
		return NULL;
	TRY(follow_batches(c->tx, c->project, CHUNK_BATCHES, &batches));
	if (batches.n == 0)
		return NULL;
	size_t n = choose(&batches);
	*ret_more = n < batches.n || n >= CHUNK_BATCHES;
	TRY(read_events(c, &batches, n));
	enrich_all(f, c);
	TRY(write_events(c));
	TRY(move_cursors(c, &batches, n));
	return tx_commit(c->tx);
}

/* Everything a project has, or a fault; gives way to ingestion between chunks. */
static void follow_project(struct follower *f, struct uuid tenant, struct uuid project)
{
	const struct scope scope = { .tenant = tenant,
				     .actor_kind = "system",
				     .actor_name = STR("enricher") };
	bool more = true;

	while (more && !f->is_stopping) {
		void *mem = talloc_new(NULL);
		struct tx *tx = tx_new(mem, f->app->db, DB_APP, TX_WRITE, &scope);
		struct chunk c = { .mem = mem, .tx = tx, .project = project };
		struct fault *why = follow_chunk(f, &c, &more);
		tx_end(tx);
		enricher_trim(f->enricher);
		if (why) {
			LOG_WARN("events wait to be enriched",
				 LOG_TEXT("why", fault_describe(mem, why)));
			more = false;
		}
		talloc_free(mem);
		live_follow(f->live);
		for (int ms = 0; more && ms < PATIENCE_MS && ingest_is_busy(f->app->ingest);
		     ms += 50)
			nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	}
}

/* ---- the thread ---- */

struct project_ids {
	struct uuid tenant, project;
};

static struct fault *find_projects(struct follower *f, const void *mem,
				   struct project_ids **ret_list, size_t *ret_n)
{
	struct tx *tx = tx_new(mem, f->app->db, DB_PLATFORM, TX_READ, &(struct scope){ 0 });
	bool all = clock_steady_ms() - f->scanned_ms > SCAN_EVERY_MS;
	struct follow_waiting_rows waiting = { 0 };
	struct follow_recent_rows recent = { 0 };
	struct database_now_row now;
	struct fault *why;

	if (all) {
		why = follow_waiting(tx, &waiting);
	} else {
		why = database_now(tx, &now);
		if (!why)
			why = follow_recent(tx, now.now - RECENT_US, &recent);
	}
	tx_end(tx);
	TRY(why);
	size_t n = all ? waiting.n : recent.n;
	*ret_list = talloc_array(mem, struct project_ids, (unsigned)n);
	for (size_t i = 0; i < n; i++)
		(*ret_list)[i] =
			all ? (struct project_ids){ waiting.v[i].tenant, waiting.v[i].project }
			    : (struct project_ids){ recent.v[i].tenant, recent.v[i].project };
	*ret_n = n;
	if (all)
		f->scanned_ms = clock_steady_ms();
	return NULL;
}

static void follow_all(struct follower *f)
{
	void *mem = talloc_new(NULL);
	struct project_ids *list;
	size_t n = 0;
	struct fault *why = find_projects(f, mem, &list, &n);

	if (why && why->kind != FAULT_UNAVAILABLE)
		LOG_WARN("the enricher cannot look for work",
			 LOG_TEXT("why", fault_describe(mem, why)));
	for (size_t i = 0; i < n && !f->is_stopping; i++)
		follow_project(f, list[i].tenant, list[i].project);
	talloc_free(mem);
}

/* False at the end. */
static bool wait_for_work(struct follower *f)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (long)POLL_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&f->mutex);
	while (!f->is_awake && !f->is_stopping)
		if (pthread_cond_timedwait(&f->cond, &f->mutex, &until) != 0)
			break;
	bool was_awake = f->is_awake, goes_on = !f->is_stopping;
	f->is_awake = false;
	pthread_mutex_unlock(&f->mutex);
	if (was_awake && goes_on)
		nanosleep(&(struct timespec){ .tv_nsec = (long)GATHER_MS * 1000000 }, NULL);
	return goes_on;
}

static void *follower_run(void *arg)
{
	struct follower *f = arg;

	pthread_setname_np(pthread_self(), "enricher");
	while (wait_for_work(f)) {
		live_follow(f->live);
		follow_all(f);
	}
	return NULL;
}

struct fault *follower_start(const void *ctx, struct app *app, struct follower **ret_follower)
{
	struct follower *f = talloc_zero(ctx, struct follower);

	f->app = app;
	f->scanned_ms = -SCAN_EVERY_MS;
	TRY(enricher_new(f, app->config->geoip_file, &f->enricher));
	f->live = live_follower_new(f, app);
	pthread_mutex_init(&f->mutex, NULL);
	pthread_cond_init(&f->cond, NULL);
	if (pthread_create(&f->thread, NULL, follower_run, f) != 0)
		return FAULT_BUG(ctx, "cannot start the enricher");
	*ret_follower = f;
	return NULL;
}

void follower_wake(struct follower *f)
{
	pthread_mutex_lock(&f->mutex);
	f->is_awake = true;
	pthread_cond_signal(&f->cond);
	pthread_mutex_unlock(&f->mutex);
}

void follower_stop(struct follower *f)
{
	pthread_mutex_lock(&f->mutex);
	f->is_stopping = true;
	pthread_cond_broadcast(&f->cond);
	pthread_mutex_unlock(&f->mutex);
	pthread_join(f->thread, NULL);
}
