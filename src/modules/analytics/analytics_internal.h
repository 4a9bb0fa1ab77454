/* analytics_internal.h - what the files of this module share. */
#pragma once

#include "base/json.h"
#include "modules/analytics/analytics.h"
#include "modules/analytics/analytics_gen.h"
#include "spine/request.h"

extern const struct route key_routes[], event_routes[], figure_routes[], ingest_routes[];

/* One page of a keyset list: rows are asked for with limit + 1, so that the last
 * tells whether there is a next page. */
struct page {
	struct request *rq;
	int64_t limit;
	struct buf items;
	size_t n;
	bool has_more;
};

void page_init(struct page *p, struct request *rq, int64_t limit);
/* Adds an item; false when the page is full (the item is the first of the next). */
bool page_add(struct page *p, struct str item_json);
/* last_values: JSON array text of the last item's sort values. */
struct fault *page_reply(struct page *p, struct str last_values);
/* Opens a cursor of one id, or of a time and an id. Absent cursor: *ret_found false. */
struct fault *page_cursor_id(struct request *rq, bool has_cursor, struct str cursor,
			     struct uuid *ret_id, bool *ret_found);
struct fault *page_cursor_time_id(struct request *rq, bool has_cursor, struct str cursor,
				  int64_t *ret_time, struct uuid *ret_id, bool *ret_found);
struct str page_values_id(struct request *rq, struct uuid id);
struct str page_values_time_id(struct request *rq, int64_t time_us, struct uuid id);

/* The {id} of the path as a project that is there; 404 otherwise. */
struct fault *path_project(struct request *rq, struct uuid *ret_project);

/* Usage against the plan: ok, warned (80 %), disabled (100 %). limit 0: none. */
enum quota_state { QUOTA_OK, QUOTA_WARNED, QUOTA_OVERAGE, QUOTA_DISABLED };
extern const char *const quota_state_names[];
enum quota_state quota_state_of(int64_t used, int64_t limit);

/* Hook of the resource project. */
struct fault *project_written(struct request *rq, enum resource_verb verb, struct uuid id);
