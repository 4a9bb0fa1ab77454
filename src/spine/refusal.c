/* refusal.c - a refusal is an event too: who tried what, in the audit list.
 *
 * Written in a transaction of its own, because that of the request is gone. In
 * the tenant's list when the caller belongs to it; in the platform's when
 * somebody tried a tenant that is not theirs. Limits stand before permissions,
 * so nobody can fill the list faster than the limit lets them ask. */
#include "spine/pipeline_internal.h"

#include "base/log.h"
#include "spine/spine_gen.h"

static bool is_refusal(const struct flow *fl, const struct fault *why)
{
	if (fl->rq.who->kind == WHO_ANONYMOUS || !fl->entry)
		return false;
	if (why->kind == FAULT_FORBIDDEN)
		return true;
	return why->kind == FAULT_NOT_FOUND && fl->entry->in_tenant && uuid_is_nil(fl->rq.tenant);
}

/* "project.create" -> noun "project", action "create" */
static void split_verb(struct str text, struct str *ret_noun, struct str *ret_action)
{
	*ret_noun = str_cut(&text, '.');
	*ret_action = text.p ? text : STR("read");
}

static struct str detail_of(const struct flow *fl, const struct fault *why)
{
	struct json_out w;
	struct buf b;

	buf_init(&b, fl->rq.mem, 16384);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "code");
	json_put_str(&w, str_of(why->code));
	json_key(&w, "method");
	json_put_str(&w, str_of(http_method_name(fl->rq.http->method)));
	json_key(&w, "route");
	json_put_str(&w, str_of(fl->rq.route->path));
	if (uuid_is_nil(fl->rq.tenant) && fl->cred.tenant.p) {
		json_key(&w, "tenant");
		json_put_str(&w, str_slice(fl->cred.tenant, 0,
					   fl->cred.tenant.n < 64 ? fl->cred.tenant.n : 64));
	}
	json_close(&w, '}');
	return b.overflowed ? STR("{}") : buf_view(&b);
}

void refusal_audit(struct flow *fl, const struct fault *why)
{
	const struct request *rq = &fl->rq;
	const struct route *route = rq->route;
	struct str noun, action, object = { NULL, 0 };

	if (!is_refusal(fl, why))
		return;
	split_verb(str_of(route->audit ? route->audit : route->permission), &noun, &action);
	if (!uuid_is_nil(rq->id))
		object = uuid_str(rq->mem, rq->id);
	struct scope scope =
		access_scope(rq->who, rq->request_id, fl->cred.ip, fl->cred.user_agent);
	scope.stamps = NULL;
	scope.stamp_count = 0;
	scope.tenant = rq->tenant;
	struct tx *tx = tx_new(rq->mem, rq->app->db, uuid_is_nil(rq->tenant) ? DB_PLATFORM : DB_APP,
			       TX_WRITE, &scope);
	struct fault *f = refusal_note(tx, action, noun, object, detail_of(fl, why));
	if (!f)
		f = tx_commit(tx);
	tx_end(tx);
	if (f)
		LOG_WARN("a refusal was not audited", LOG_STR("request_id", rq->request_id),
			 LOG_TEXT("why", fault_describe(rq->mem, f)));
}
