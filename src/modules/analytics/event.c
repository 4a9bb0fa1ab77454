/* event.c - reading single events: explorer, detail, debugger, profiles. */
#include "modules/analytics/analytics_internal.h"

#include "base/clock.h"

#include <talloc.h>

#define FAR_FUTURE_US 4102444800000000 /* 2100 */
/* Between an id (made when the request was read) and received_at (begin of the
 * transaction, another clock). */
#define CLOCK_SLACK_US ((int64_t)600 * 1000000)

/* The smallest version 7 id of a time. */
static struct uuid id_at(int64_t wall_us)
{
	struct uuid id = { { 0 } };
	int64_t ms = wall_us > 0 ? wall_us / 1000 : 0;

	for (int i = 0; i < 6; i++)
		id.b[i] = (uint8_t)(ms >> (40 - 8 * i));
	return id;
}

static int64_t time_of(struct uuid id)
{
	int64_t ms = 0;

	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id.b[i];
	return ms * 1000;
}

static struct fault *event_list(struct request *rq)
{
	const struct event_query *q = QUERY(rq, event_query);
	struct str key = { NULL, 0 }, value = { NULL, 0 }, none = { NULL, 0 };
	struct event_page_rows rows;
	struct uuid project, before;
	int64_t from = q->has_from ? q->from : 0;
	bool has_before;
	struct page page;
	size_t i;

	TRY(path_project(rq, &project));
	if (q->has_property) {
		value = q->property;
		key = str_cut(&value, ':');
		if (!value.p)
			return fault_invalid(rq->mem, "property", "invalid",
					     "A property filter is key:value.");
	}
	TRY(page_cursor_id(rq, q->has_cursor, q->cursor, &before, &has_before));
	TRY(event_page(rq->tx, project, q->has_type ? q->type : none, q->has_name ? q->name : none,
		       q->has_user_id ? q->user_id : none, key, value, from,
		       q->has_to ? q->to : FAR_FUTURE_US, id_at(from - CLOCK_SLACK_US),
		       has_before ? &before : NULL, q->limit + 1, &rows));
	page_init(&page, rq, q->limit);
	for (i = 0; i < rows.n && page_add(&page, rows.v[i].item); i++)
		;
	return page_reply(&page, i > 0 ? page_values_id(rq, rows.v[i - 1].id) : STR("[]"));
}

static struct fault *event_get(struct request *rq)
{
	struct uuid project, id;
	struct str json;

	TRY(request_path_uuid(rq, "id", &project));
	TRY(request_path_uuid(rq, "event_id", &id));
	int64_t at = time_of(id);
	/* a client that repeats an old request may commit much later than it was read */
	TRY(event_detail(rq->tx, project, id, at - CLOCK_SLACK_US, at + 6 * CLOCK_SLACK_US, &json));
	return reply_json(rq, 200, json);
}

static struct fault *rejection_list(struct request *rq)
{
	const struct rejection_query *q = QUERY(rq, rejection_query);
	struct str none = { NULL, 0 };
	struct rejection_page_rows rows;
	struct uuid project, before;
	bool has_before;
	struct page page;
	size_t i;

	TRY(path_project(rq, &project));
	TRY(page_cursor_id(rq, q->has_cursor, q->cursor, &before, &has_before));
	TRY(rejection_page(rq->tx, project, q->has_code ? q->code : none,
			   has_before ? &before : NULL, q->limit + 1, &rows));
	page_init(&page, rq, q->limit);
	for (i = 0; i < rows.n && page_add(&page, rows.v[i].item); i++)
		;
	return page_reply(&page, i > 0 ? page_values_id(rq, rows.v[i - 1].id) : STR("[]"));
}

static struct fault *profile_list(struct request *rq)
{
	const struct profile_query *q = QUERY(rq, profile_query);
	struct str none = { NULL, 0 }, last = STR("[]");
	struct profile_page_rows rows;
	struct uuid project, before;
	int64_t before_time;
	bool has_before;
	struct page page;
	size_t i;

	TRY(path_project(rq, &project));
	TRY(page_cursor_time_id(rq, q->has_cursor, q->cursor, &before_time, &before, &has_before));
	TRY(profile_page(rq->tx, project, q->has_q ? q->q : none, has_before ? &before_time : NULL,
			 has_before ? &before : NULL, q->limit + 1, &rows));
	page_init(&page, rq, q->limit);
	for (i = 0; i < rows.n && page_add(&page, rows.v[i].item); i++)
		;
	if (i > 0)
		last = page_values_time_id(rq, rows.v[i - 1].last_seen, rows.v[i - 1].id);
	return page_reply(&page, last);
}

const struct route event_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/api/v1/t/{tenant}/projects/{id}/events",
	  .handler = event_list,
	  .permission = "event.read",
	  .query = &event_query_shape,
	  .output = &event_item_shape,
	  .output_is_list = true,
	  .summary = "Events of a project, newest first" },
	{ .method = HTTP_GET,
	  .path = "/api/v1/t/{tenant}/projects/{id}/events/{event_id}",
	  .handler = event_get,
	  .permission = "event.read",
	  .output = &event_detail_shape,
	  .summary = "One event, with what was found out about it" },
	{ .method = HTTP_GET,
	  .path = "/api/v1/t/{tenant}/projects/{id}/rejections",
	  .handler = rejection_list,
	  .permission = "event.read",
	  .query = &rejection_query_shape,
	  .output = &rejection_shape,
	  .output_is_list = true,
	  .summary = "Events that were refused in the last week, newest first" },
	{ .method = HTTP_GET,
	  .path = "/api/v1/t/{tenant}/projects/{id}/profiles",
	  .handler = profile_list,
	  .permission = "event.read",
	  .query = &profile_query_shape,
	  .output = &profile_shape,
	  .output_is_list = true,
	  .summary = "People and devices of a project, last seen first" },
	{ 0 },
};
