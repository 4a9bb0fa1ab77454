/* read.c - the log read back: for one tenant's clients that come again. */
#include "services/events/events_internal.h"

#include <talloc.h>

static struct event event_of(const struct events_of_tenant_after_row *row)
{
	return (struct event){
		.seq = row->seq,
		.tenant = row->tenant_id,
		.type = row->type,
		.subject = row->subject,
		.rooms = row->rooms,
		.payload = row->payload,
		.actor = row->actor,
		.request_id = row->request_id,
		.at_us = row->at,
	};
}

struct fault *events_read(struct tx *platform_tx, struct uuid tenant, int64_t after_seq, int limit,
			  struct event **ret_list, size_t *ret_n, bool *ret_complete)
{
	struct events_of_tenant_after_rows rows;
	struct events_bounds_row bounds;
	struct event *list;

	TRY(events_bounds(platform_tx, &bounds));
	TRY(events_of_tenant_after(platform_tx, tenant, after_seq, limit, &rows));
	list = talloc_array(tx_mem(platform_tx), struct event, (unsigned)rows.n);
	for (size_t i = 0; i < rows.n; i++)
		list[i] = event_of(&rows.v[i]);
	*ret_list = list;
	*ret_n = rows.n;
	*ret_complete = after_seq + 1 >= bounds.oldest && after_seq <= bounds.head;
	return NULL;
}
