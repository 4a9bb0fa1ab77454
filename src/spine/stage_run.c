/* stage_run.c - the transaction around the handler.
 *
 * Routes inside a tenant run as bulkhead_app under row security, all others as
 * bulkhead_platform. A fault of the handler rolls everything back. The answer
 * leaves only after the commit. */
#include "spine/pipeline_internal.h"

#include "spine/spine_gen.h"

static struct fault *call(struct flow *fl)
{
	return fl->rq.route->handler(&fl->rq);
}

/* A handler that asked the database nothing has answered from a cached principal
 * whose stamps nobody has compared yet. */
static struct fault *prove_access(struct flow *fl)
{
	struct access_probe_row row;

	if (fl->rq.who->kind == WHO_ANONYMOUS || tx_was_used(fl->rq.tx))
		return NULL;
	return access_probe(fl->rq.tx, &row);
}

static struct fault *in_transaction(struct flow *fl)
{
	bool is_answered = false;

	TRY(idempotency_begin(fl, &is_answered));
	if (is_answered)
		return NULL;
	TRY(call(fl));
	TRY(idempotency_store(fl));
	return prove_access(fl);
}

/* Without a transaction nothing compares the stamps, so they are asked for. */
static struct fault *run_without(struct flow *fl)
{
	bool is_valid = true;

	if (fl->rq.who->kind != WHO_ANONYMOUS)
		TRY(access_recheck(fl->rq.mem, fl->rq.app, fl->rq.who, &is_valid));
	if (!is_valid)
		return FAULT(fl->rq.mem, FAULT_FORBIDDEN, "stale_access",
			     "Your access has changed.");
	return call(fl);
}

static enum tx_mode mode_of(const struct request *rq)
{
	if (rq->route->tx == ROUTE_TX_READ || rq->route->method == HTTP_GET)
		return TX_READ;
	return TX_WRITE;
}

struct fault *stage_run(struct request *rq)
{
	struct flow *fl = flow_of(rq);
	struct scope scope =
		access_scope(rq->who, rq->request_id, fl->cred.ip, fl->cred.user_agent);

	if (rq->route->tx == ROUTE_TX_NONE)
		return run_without(fl);
	if (!fl->entry->in_tenant)
		scope.tenant = (struct uuid){ { 0 } };
	rq->tx = tx_new(rq->mem, rq->app->db, fl->entry->in_tenant ? DB_APP : DB_PLATFORM,
			mode_of(rq), &scope);
	struct fault *f = in_transaction(fl);
	if (!f)
		f = tx_commit(rq->tx);
	tx_end(rq->tx);
	return f;
}
