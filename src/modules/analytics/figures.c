/* figures.c - ledger, usage, series and the organisation's overview. */
#include "modules/analytics/analytics_internal.h"

#include "base/clock.h"

#include <talloc.h>

#define HOUR_US ((int64_t)3600 * 1000000)
#define SERIES_POINTS_MAX 1000 /* hours or days of one answer */
#define ANSWER_MAX_BYTES (8U << 20)

const char *const quota_state_names[] = { "ok", "warned", "overage", "disabled" };

enum quota_state quota_state_of(int64_t used, int64_t limit)
{
	if (limit <= 0)
		return QUOTA_OK;
	if (used >= limit)
		return QUOTA_DISABLED;
	return used >= limit - limit / 5 ? QUOTA_WARNED : QUOTA_OK;
}

static struct fault *ledger_get(struct request *rq)
{
	struct uuid project;
	struct str json;

	TRY(path_project(rq, &project));
	TRY(ledger_read(rq->tx, project, &json));
	return reply_json(rq, 200, json);
}

/* "period":…,"used":…,"limit":…,"state":… into an open object. */
static struct fault *put_usage(struct request *rq, struct json_out *w)
{
	int64_t limit = rq->app->config->plan_events_per_month;
	struct usage_this_month_row row;

	TRY(usage_this_month(rq->tx, &row));
	json_key(w, "period");
	json_put_str(w, row.period);
	json_key(w, "used");
	json_put_int(w, row.used);
	json_key(w, "limit");
	json_put_int(w, limit);
	json_key(w, "state");
	json_put_str(w, str_of(quota_state_names[quota_state_of(row.used, limit)]));
	return NULL;
}

static struct fault *usage_get(struct request *rq)
{
	struct uuid project;
	struct json_out w;
	struct buf b;
	struct str days;

	TRY(path_project(rq, &project));
	TRY(usage_days(rq->tx, project, &days));
	buf_init(&b, rq->mem, ANSWER_MAX_BYTES);
	json_out_init(&w, &b);
	json_open(&w, '{');
	TRY(put_usage(rq, &w));
	json_key(&w, "days");
	json_put_raw(&w, days);
	json_close(&w, '}');
	return reply_json(rq, 200, buf_view(&b));
}

/* The beginning of the hour or day. */
static int64_t grain_start(int64_t wall_us, int64_t grain_us)
{
	return wall_us - (wall_us % grain_us + grain_us) % grain_us;
}

static struct fault *series_get(struct request *rq)
{
	const struct series_query *q = QUERY(rq, series_query);
	bool by_day = str_eq(q->interval, STR("day"));
	int64_t grain = by_day ? 24 * HOUR_US : HOUR_US;
	int64_t to = q->has_to ? q->to : clock_wall_us() + grain;
	int64_t from = q->has_from ? q->from : to - (by_day ? 30 : 48) * grain;
	struct str none = { NULL, 0 }, rest;
	struct complete_until_row complete;
	char text[CLOCK_TEXT_SIZE];
	struct uuid project;
	struct buf b;

	TRY(path_project(rq, &project));
	if (to - from > SERIES_POINTS_MAX * grain || to < from)
		return fault_invalid(rq->mem, "from", "out_of_range",
				     "A series has at most %d points of time.", SERIES_POINTS_MAX);
	TRY(complete_until(rq->tx, project, &complete));
	TRY(series_read(rq->tx, project, q->interval, q->has_name ? q->name : none,
			grain_start(from, grain), to, &rest));
	buf_init(&b, rq->mem, ANSWER_MAX_BYTES);
	buf_printf(&b, "{\"interval\":\"%.*s\",\"complete_until\":\"%s\",", STR_ARG(q->interval),
		   clock_format(complete.at, text));
	buf_append(&b, rest.p + 1, rest.n - 1);
	return reply_json(rq, 200, buf_view(&b));
}

static struct fault *overview_get(struct request *rq)
{
	struct json_out w;
	struct str rest;
	struct buf b;

	TRY(overview_read(rq->tx, &rest));
	buf_init(&b, rq->mem, ANSWER_MAX_BYTES);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "usage");
	json_open(&w, '{');
	TRY(put_usage(rq, &w));
	json_close(&w, '}');
	buf_char(&b, ',');
	buf_append(&b, rest.p + 1, rest.n - 1);
	return reply_json(rq, 200, buf_view(&b));
}

const struct route figure_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/api/v1/t/{tenant}/projects/{id}/ledger",
	  .handler = ledger_get,
	  .permission = "event.read",
	  .output = &ledger_shape,
	  .summary = "What became of everything that was sent to a project" },
	{ .method = HTTP_GET,
	  .path = "/api/v1/t/{tenant}/projects/{id}/usage",
	  .handler = usage_get,
	  .permission = "event.read",
	  .output = &usage_shape,
	  .summary = "Usage of this month against the plan" },
	{ .method = HTTP_GET,
	  .path = "/api/v1/t/{tenant}/projects/{id}/series",
	  .handler = series_get,
	  .permission = "event.read",
	  .query = &series_query_shape,
	  .output = &series_shape,
	  .summary = "Events by hour or day and name" },
	{ .method = HTTP_GET,
	  .path = "/api/v1/t/{tenant}/overview",
	  .handler = overview_get,
	  .permission = "event.read",
	  .output = &overview_shape,
	  .summary = "The organisation at a glance" },
	{ 0 },
};
