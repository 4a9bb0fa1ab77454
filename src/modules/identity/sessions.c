/* sessions.c - the places where a person is signed in: list, end one, end others;
 * and the broom that takes away what ended long ago. */
#include "modules/identity/identity_internal.h"

#include "services/jobs/jobs.h"

static struct fault *session_page(struct request *rq)
{
	const struct session_query *q = QUERY(rq, session_query);
	struct str after = { NULL, 0 };
	struct signin_list_row page;

	if (q->has_cursor)
		TRY(cursor_open(rq, q->cursor, &after));
	TRY(signin_list(rq->tx, &rq->who->credential, after, q->limit, q->count, &page));
	return reply_list_total(rq, page.items,
				str_is_null(page.next) ? page.next : cursor_seal(rq, page.next),
				page.has_total ? page.total : -1);
}

static struct fault *note_end(struct request *rq, const char *action)
{
	return audit_login(rq->tx, rq->who->user, str_of(action), STR("ok"),
			   (struct str){ NULL, 0 });
}

static struct fault *session_end_one(struct request *rq)
{
	int64_t n;

	TRY(signin_end(rq->tx, rq->id, rq->who->user, STR("ended"), &n));
	if (n == 0)
		return fault_not_found(rq);
	TRY(note_end(rq, "revoke"));
	if (uuid_eq(rq->id, rq->who->credential) && rq->who->by_cookie)
		signin_cookie(rq, (struct str){ NULL, 0 }, false);
	return reply_empty(rq, 204);
}

static struct fault *session_end_others(struct request *rq)
{
	int64_t n;

	TRY(signin_end_all(rq->tx, rq->who->user, &rq->who->credential, STR("ended"), &n));
	if (n > 0)
		TRY(note_end(rq, "revoke_others"));
	return reply_empty(rq, 204);
}

static struct fault *sweep_all(struct tx *tx)
{
	int64_t n;

	TRY(sweep_sessions(tx, &n));
	TRY(sweep_mail_tokens(tx, &n));
	TRY(sweep_attempts(tx, &n));
	return tx_commit(tx);
}

static struct fault *sweep_run(const void *mem, struct app *app, const struct job *job)
{
	struct tx *tx = job_tx(mem, app, job, TX_WRITE);
	struct fault *f = sweep_all(tx);

	tx_end(tx);
	return f;
}

const struct job_type sweep_job = {
	.name = "identity.sweep",
	.queue = "maintenance",
	.run = sweep_run,
};

const struct route session_routes[] = {
	{
		.method = HTTP_GET,
		.path = "/api/v1/me/sessions",
		.handler = session_page,
		.permission = SIGNED_IN,
		.query = &session_query_shape,
		.output = &session_item_shape,
		.output_is_list = true,
		.summary = "Where one is signed in, latest first",
	},
	{
		.method = HTTP_DELETE,
		.path = "/api/v1/me/sessions/{id}",
		.handler = session_end_one,
		.permission = SIGNED_IN,
		.status = 204,
		.audit = "session.revoke",
		.summary = "Sign out elsewhere",
	},
	{
		.method = HTTP_DELETE,
		.path = "/api/v1/me/sessions",
		.handler = session_end_others,
		.permission = SIGNED_IN,
		.status = 204,
		.audit = "session.revoke_others",
		.summary = "Sign out everywhere else",
	},
	{ 0 },
};
