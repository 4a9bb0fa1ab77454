/* reply.c - what a handler answers. Nothing is sent here: the pipeline sends it
 * after the commit, or throws it away when the commit fails. */
#include "spine/pipeline_internal.h"

#include <assert.h>

static const struct str json_type = { "application/json", 16 };

static struct fault *reply_set(struct request *rq, int status, struct str type, struct str body)
{
	struct reply *r = rq->reply;

	if (r->status != 0)
		return NULL; /* the first one counts */
	r->status = status;
	r->content_type = type;
	r->body = body;
	return NULL;
}

struct fault *reply_json(struct request *rq, int status, struct str json)
{
	if (!json.p)
		return fault_not_found(rq);
	return reply_set(rq, status, json_type, json);
}

struct fault *reply_empty(struct request *rq, int status)
{
	return reply_set(rq, status, (struct str){ NULL, 0 }, STR(""));
}

struct fault *reply_created(struct request *rq, struct uuid id, struct str json)
{
	char text[UUID_TEXT_SIZE];
	struct str path = rq->http->path;

	uuid_format(id, text);
	reply_field(rq, "Location",
		    str_of(talloc_asprintf(rq->mem, "%.*s/%s", STR_ARG(path), text)));
	return reply_json(rq, 201, json);
}

struct fault *reply_list_total(struct request *rq, struct str items, struct str next_cursor,
			       int64_t total)
{
	struct str list = items.p ? items : STR("[]");
	struct json_out w;
	struct buf b;

	buf_init(&b, rq->mem, list.n + next_cursor.n + 200);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "items");
	json_put_raw(&w, list);
	json_key(&w, "next_cursor");
	json_put_str(&w, next_cursor);
	if (total >= 0) {
		json_key(&w, "total");
		json_put_int(&w, total);
	}
	json_close(&w, '}');
	return reply_json(rq, 200, buf_view(&b));
}

struct fault *reply_list(struct request *rq, struct str items, struct str next_cursor)
{
	return reply_list_total(rq, items, next_cursor, -1);
}

struct fault *reply_bytes(struct request *rq, int status, struct str content_type, struct str body)
{
	return reply_set(rq, status, content_type, body);
}

void reply_field(struct request *rq, const char *name, struct str value)
{
	struct reply *r = rq->reply;

	assert(r->field_count < REPLY_FIELDS_MAX);
	r->fields[r->field_count++] = (struct http_field){ str_of(name), value };
}

void reply_etag(struct request *rq, int64_t version)
{
	rq->reply->has_version = true;
	rq->reply->version = version;
}

void reply_taken(struct request *rq)
{
	assert(rq->route->tx == ROUTE_TX_NONE);
	flow_dress(flow_of(rq));
	*rq->reply->is_taken = true;
}
