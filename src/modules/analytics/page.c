/* page.c - keyset pages over rows that PostgreSQL has already made JSON of. */
#include "modules/analytics/analytics_internal.h"

#include "base/clock.h"
#include "base/parse.h"

#include <talloc.h>

/* 200 items of an event each, with room. */
#define PAGE_MAX_BYTES (64U << 20)

void page_init(struct page *p, struct request *rq, int64_t limit)
{
	*p = (struct page){ .rq = rq, .limit = limit };
	buf_init(&p->items, rq->mem, PAGE_MAX_BYTES);
	buf_char(&p->items, '[');
}

bool page_add(struct page *p, struct str item_json)
{
	if ((int64_t)p->n == p->limit) {
		p->has_more = true;
		return false;
	}
	if (p->n++ > 0)
		buf_char(&p->items, ',');
	buf_str(&p->items, item_json);
	return true;
}

struct fault *page_reply(struct page *p, struct str last_values)
{
	struct str cursor = { NULL, 0 };

	buf_char(&p->items, ']');
	if (p->has_more)
		cursor = cursor_seal(p->rq, last_values);
	return reply_list(p->rq, buf_view(&p->items), cursor);
}

static struct fault *bad_cursor(const struct request *rq)
{
	return fault_invalid(rq->mem, "cursor", "invalid_cursor",
			     "The cursor is not one of this list.");
}

struct fault *page_cursor_id(struct request *rq, bool has_cursor, struct str cursor,
			     struct uuid *ret_id, bool *ret_found)
{
	struct str values;
	struct json j;

	*ret_found = has_cursor;
	if (!has_cursor)
		return NULL;
	TRY(cursor_open(rq, cursor, &values));
	TRY(json_parse(rq->mem, values, &json_default_limits, &j));
	if (!uuid_parse(json_string(rq->mem, &j, json_first(&j, json_root(&j))), ret_id))
		return bad_cursor(rq);
	return NULL;
}

struct fault *page_cursor_time_id(struct request *rq, bool has_cursor, struct str cursor,
				  int64_t *ret_time, struct uuid *ret_id, bool *ret_found)
{
	struct str values;
	struct json j;

	*ret_found = has_cursor;
	if (!has_cursor)
		return NULL;
	TRY(cursor_open(rq, cursor, &values));
	TRY(json_parse(rq->mem, values, &json_default_limits, &j));
	const struct json_node *time = json_first(&j, json_root(&j));
	const struct json_node *id = time ? json_next(&j, json_root(&j), time) : NULL;
	if (!json_int(&j, time, ret_time) || !uuid_parse(json_string(rq->mem, &j, id), ret_id))
		return bad_cursor(rq);
	return NULL;
}

struct str page_values_id(struct request *rq, struct uuid id)
{
	char text[UUID_TEXT_SIZE];

	return str_of(talloc_asprintf(rq->mem, "[\"%s\"]", uuid_format(id, text)));
}

struct str page_values_time_id(struct request *rq, int64_t time_us, struct uuid id)
{
	char text[UUID_TEXT_SIZE];

	return str_of(talloc_asprintf(rq->mem, "[%lld,\"%s\"]", (long long)time_us,
				      uuid_format(id, text)));
}

struct fault *path_project(struct request *rq, struct uuid *ret_project)
{
	struct project_check_row row;

	TRY(request_path_uuid(rq, "id", ret_project));
	return project_check(rq->tx, *ret_project, &row);
}
