/* audit.c - reading the audit list: filters, newest first, page by page. */
#include "services/audit/audit.h"

#include "services/audit/audit_gen.h"

static struct str given(bool has, struct str value)
{
	return has ? value : (struct str){ NULL, 0 };
}

static struct fault *audit_list(struct request *rq)
{
	const struct audit_query *q = QUERY(rq, audit_query);
	struct str after = { NULL, 0 };
	struct audit_page_row page;

	if (q->has_cursor)
		TRY(cursor_open(rq, q->cursor, &after));
	TRY(audit_page(rq->tx, given(q->has_actor, q->actor), given(q->has_noun, q->noun),
		       given(q->has_action, q->action), given(q->has_object_id, q->object_id),
		       q->has_from ? &q->from : NULL, q->has_to ? &q->to : NULL, after, q->limit,
		       q->count, &page));
	return reply_list_total(rq, page.items,
				str_is_null(page.next) ? page.next : cursor_seal(rq, page.next),
				page.has_total ? page.total : -1);
}

static const struct route routes[] = {
	{
		.method = HTTP_GET,
		.path = "/api/v1/t/{tenant}/audit",
		.handler = audit_list,
		.permission = "audit.read",
		.query = &audit_query_shape,
		.output = &audit_entry_shape,
		.output_is_list = true,
		.summary = "Who did what, when and from where, newest first",
	},
	{ 0 },
};

static const struct permission permissions[] = {
	{ "audit.read", "See the audit list", LIST(char *, "owner", "admin") },
	{ 0 },
};

const struct module audit_module = {
	.name = "audit",
	.migrations = audit_migrations,
	.queries = audit_queries,
	.shapes = audit_shapes,
	.routes = LIST(struct route *, routes),
	.permissions = permissions,
};
