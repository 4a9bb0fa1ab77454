/* request.c - what a handler asks of its request. */
#include "spine/pipeline_internal.h"

#include "base/parse.h"

static const struct field page_fields[] = {
	{ .name = "limit",
	  .type = FIELD_INT,
	  .offset = offsetof(struct page_query, limit),
	  .has_offset = FIELD_NONE,
	  .null_offset = FIELD_NONE,
	  .has_range = true,
	  .min = 1,
	  .max = 200,
	  .default_text = "50",
	  .doc = "How many items a page has" },
	{ .name = "cursor",
	  .type = FIELD_TEXT,
	  .offset = offsetof(struct page_query, cursor),
	  .has_offset = offsetof(struct page_query, has_cursor),
	  .null_offset = FIELD_NONE,
	  .has_range = true,
	  .min = 0,
	  .max = 2000,
	  .doc = "next_cursor of the page before" },
	{ .name = "count",
	  .type = FIELD_BOOL,
	  .offset = offsetof(struct page_query, count),
	  .has_offset = FIELD_NONE,
	  .null_offset = FIELD_NONE,
	  .default_text = "false",
	  .doc = "Answer with the total too" },
};

const struct shape page_query_shape = {
	.name = "page_query",
	.doc = "A page of a list",
	.fields = page_fields,
	.field_count = sizeof(page_fields) / sizeof(page_fields[0]),
	.struct_bytes = sizeof(struct page_query),
};

struct str request_path(const struct request *rq, const char *name)
{
	const struct route_entry *entry = flow_of_const(rq)->entry;
	struct str segment, text;

	for (size_t i = 0; entry && i < entry->param_count; i++) {
		if (!str_eq(entry->params[i].name, str_of(name)) ||
		    !path_segment(rq->http->path, entry->params[i].segment, &segment))
			continue;
		if (str_find(segment, '%', 0) == SIZE_MAX)
			return segment;
		if (parse_percent(rq->mem, segment, false, &text) && str_is_utf8(text))
			return text;
		return STR(""); /* fits nothing */
	}
	return (struct str){ NULL, 0 };
}

struct fault *fault_not_found(const struct request *rq)
{
	return FAULT(rq->mem, FAULT_NOT_FOUND, "not_found",
		     "There is no such thing here, or it is not yours to see.");
}

struct fault *fault_conflict(const struct request *rq, const char *code, const char *text)
{
	return FAULT(rq->mem, FAULT_CONFLICT, code, "%s", text);
}

struct fault *request_path_uuid(const struct request *rq, const char *name, struct uuid *ret_id)
{
	if (!uuid_parse(request_path(rq, name), ret_id))
		return fault_not_found(rq);
	return NULL;
}

bool principal_may(const struct principal *who, const char *permission)
{
	size_t low = 0, high = who->permission_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(permission, who->permissions[middle]);
		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

bool request_may(const struct request *rq, const char *permission)
{
	return principal_may(rq->who, permission);
}

struct fault *request_check_version(const struct request *rq, int64_t version)
{
	if (rq->if_match < 0 || rq->if_match == version)
		return NULL;
	return FAULT(rq->mem, FAULT_PRECONDITION, "stale_version",
		     "It has been changed since you read it. Read it again.");
}
