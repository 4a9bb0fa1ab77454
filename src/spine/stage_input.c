/* stage_input.c - what the client sent: If-Match, query string, body. */
#include "spine/pipeline_internal.h"

#include "base/parse.h"

static const struct shape no_fields = { .name = "nothing", .struct_bytes = 1 };

/* -1 in rq->if_match: any version; a tag that is none of ours fits no version. */
struct fault *stage_precondition(struct request *rq)
{
	struct str tag = str_trim(http_field(rq->http, STR("If-Match")));
	int64_t version;

	if (!tag.p || str_eq(tag, STR("*")) || rq->http->method == HTTP_GET)
		return NULL;
	rq->if_match = INT64_MAX;
	if (tag.n > 2 && tag.p[0] == '"' && tag.p[tag.n - 1] == '"' &&
	    parse_int(str_slice(tag, 1, tag.n - 1), 0, INT64_MAX - 1, &version))
		rq->if_match = version;
	return NULL;
}

struct fault *stage_query(struct request *rq)
{
	const struct route *route = rq->route;
	const struct shape *shape = route->query;
	void *decoded;

	if (!shape && (route->raw_query || route->raw_body || route->no_session_token))
		return NULL;
	if (!shape)
		shape = route->output_is_list ? &page_query_shape : &no_fields;
	TRY(shape_decode_query(rq->mem, shape, rq->http->query, &decoded));
	rq->query = decoded;
	return NULL;
}

static bool is_json(struct str type)
{
	struct str media = str_trim(str_cut(&type, ';'));

	if (!str_eq_nocase(media, STR("application/json")))
		return false;
	while (type.p) {
		struct str value = str_trim(str_cut(&type, ';')),
			   name = str_trim(str_cut(&value, '='));
		if (str_eq_nocase(name, STR("charset")) && !str_eq_nocase(value, STR("utf-8")) &&
		    !str_eq_nocase(value, STR("\"utf-8\"")))
			return false;
	}
	return true;
}

static struct fault *check_type(const struct request *rq)
{
	if (is_json(http_field(rq->http, STR("Content-Type"))))
		return NULL;
	return FAULT(rq->mem, FAULT_MEDIA_TYPE, "json_needed",
		     "The body has to be application/json in UTF-8.");
}

struct fault *stage_body(struct request *rq)
{
	const struct route *route = rq->route;
	enum http_method method = rq->http->method;
	void *decoded;

	if (route->raw_body || method == HTTP_GET || method == HTTP_HEAD || method == HTTP_OPTIONS)
		return NULL;
	if (rq->http->body_bytes == 0 && !route->input)
		return NULL;
	TRY(check_type(rq));
	TRY(shape_decode(rq->mem, route->input ? route->input : &no_fields, rq->http->body,
			 &decoded));
	if (route->input)
		rq->input = decoded;
	return NULL;
}
