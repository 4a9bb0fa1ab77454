/* quota.c - the month's events of a tenant, as this node knows them.
 *
 * The truth is sum(analytics.usage). A node reads it every few seconds and adds
 * what it stores itself, so one node never exceeds the plan; several may by what
 * they store within those seconds. What is dropped is counted, never lost
 * silently (spec/ingestion.md). */
#include "modules/analytics/ingest.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "services/events/events.h"

#include <pthread.h>
#include <talloc.h>

#define FRESH_US ((int64_t)5 * 1000000)
#define TENANTS_MAX 50000

struct quota {
	int64_t used, reserved;
	int64_t read_us; /* steady */
	int64_t reads;
	char period[8];
	enum quota_state told; /* the last state we know was announced */
};

struct quota_table {
	struct app *app;
	pthread_mutex_t mutex;
	struct map *tenants;
};

struct quota_table *quota_table_new(const void *ctx, struct app *app)
{
	struct quota_table *t = talloc_zero(ctx, struct quota_table);

	t->app = app;
	pthread_mutex_init(&t->mutex, NULL);
	t->tenants = map_new(t);
	return t;
}

static struct quota *quota_of(struct quota_table *t, const struct uuid *tenant)
{
	struct str key = { (const char *)tenant->b, sizeof(tenant->b) };
	struct quota *q = map_get(t->tenants, key);

	if (q)
		return q;
	if (map_count(t->tenants) >= TENANTS_MAX) {
		talloc_free(t->tenants);
		t->tenants = map_new(t);
	}
	q = talloc_zero(t->tenants, struct quota);
	q->read_us = -FRESH_US;
	map_put(t->tenants, key, q);
	return q;
}

static bool is_old(struct quota_table *t, struct uuid tenant)
{
	pthread_mutex_lock(&t->mutex);
	bool old = clock_steady_us() - quota_of(t, &tenant)->read_us > FRESH_US;
	pthread_mutex_unlock(&t->mutex);
	return old;
}

static void refresh(struct quota_table *t, struct uuid tenant,
		    const struct usage_this_month_row *row)
{
	pthread_mutex_lock(&t->mutex);
	struct quota *q = quota_of(t, &tenant);
	if (row->period.n == 7 && memcmp(q->period, row->period.p, 7) != 0) {
		memcpy(q->period, row->period.p, 7); /* a new month */
		q->told = QUOTA_OK;
	}
	q->used = row->used;
	q->read_us = clock_steady_us();
	q->reads++;
	pthread_mutex_unlock(&t->mutex);
}

struct fault *quota_reserve(struct quota_table *t, struct tx *tx, int64_t wanted,
			    struct quota_grant *ret_grant)
{
	struct uuid tenant = tx_scope(tx)->tenant;
	int64_t limit = t->app->config->plan_events_per_month;
	struct usage_this_month_row row;

	if (is_old(t, tenant)) {
		TRY(usage_this_month(tx, &row));
		refresh(t, tenant, &row);
	}
	pthread_mutex_lock(&t->mutex);
	struct quota *q = quota_of(t, &tenant);
	int64_t left = limit <= 0 ? wanted : limit - q->used - q->reserved;
	ret_grant->events = left < 0 ? 0 : left < wanted ? left : wanted;
	ret_grant->reads = q->reads;
	q->reserved += ret_grant->events;
	pthread_mutex_unlock(&t->mutex);
	return NULL;
}

static struct fault *announce(const void *mem, struct app *app, struct uuid tenant,
			      const char *period, enum quota_state state, int64_t used)
{
	const struct scope scope = { .tenant = tenant,
				     .actor_kind = "system",
				     .actor_name = STR("ingestion") };
	struct tx *tx = tx_new(mem, app->db, DB_APP, TX_WRITE, &scope);
	char id[UUID_TEXT_SIZE];
	int64_t added;

	TRY(quota_notice(tx, str_of(period), str_of(quota_state_names[state]), &added));
	if (added == 1) {
		const char *payload = talloc_asprintf(
			mem,
			"{\"id\":\"%s\",\"period\":\"%s\",\"state\":\"%s\",\"used\":%lld,"
			"\"limit\":%lld}",
			uuid_format(tenant, id), period, quota_state_names[state], (long long)used,
			(long long)app->config->plan_events_per_month);
		TRY(event_emit(tx, &usage_warned, tenant, str_of(payload)));
	}
	return tx_commit(tx);
}

void quota_settle(struct quota_table *t, struct uuid tenant, struct quota_grant grant, int64_t used,
		  int64_t *ret_used, int64_t *ret_limit)
{
	int64_t limit = t->app->config->plan_events_per_month;
	char period[8];

	pthread_mutex_lock(&t->mutex);
	struct quota *q = quota_of(t, &tenant);
	q->reserved = q->reserved > grant.events ? q->reserved - grant.events : 0;
	/* what was read meanwhile may hold these events already: rather too few for some
	 * seconds than an event dropped that had room */
	if (q->reads == grant.reads)
		q->used += used;
	*ret_used = q->used;
	*ret_limit = limit;
	enum quota_state state = quota_state_of(q->used, limit);
	bool is_news = state > q->told;
	q->told = is_news ? state : q->told;
	memcpy(period, q->period, sizeof(period));
	pthread_mutex_unlock(&t->mutex);
	if (!is_news)
		return;
	void *mem = talloc_new(NULL);
	struct fault *f = announce(mem, t->app, tenant, period, state, *ret_used);
	if (f)
		LOG_WARN("quota notice not sent", LOG_TEXT("why", fault_describe(mem, f)));
	talloc_free(mem);
}
