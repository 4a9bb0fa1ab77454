/* fuzz_ingest.c - the body of an ingestion request on arbitrary bytes: gzip,
 * repairs, parsing and the check of every event. What is accepted must be
 * text that PostgreSQL can hold: no NUL and well-formed UTF-8. */
#include "modules/analytics/ingest_body.h"
#include "modules/analytics/ingest_event.h"

#include <assert.h>
#include <talloc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct str s)
{
	assert(!s.p || (str_is_utf8(s) && str_find(s, '\0', 0) == SIZE_MAX));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *mem = talloc_new(NULL);
	struct ingest_request_body request;
	struct ingest_event *events;
	struct json j;
	size_t n;

	for (int form = EVENT_TRACK; form <= EVENT_BATCH; form++) {
		if (ingest_body_read(mem, (struct str){ (const char *)data, size }, &j) ||
		    ingest_read_request(mem, &j, (enum event_kind)form, form == EVENT_BATCH,
					&request))
			continue;
		request.source.received_us = 1795262400000000;
		ingest_check_all(&request, &events, &n);
		for (size_t i = 0; i < n; i++) {
			check_text(events[i].message_id);
			check_text(events[i].name);
			check_text(events[i].user_id);
			check_text(events[i].properties);
			check_text(events[i].context);
		}
	}
	talloc_free(mem);
	return 0;
}
