/* pipeline.c - the hooks of the engine, and the walk through the stages.
 *
 * admit() runs on a network thread: it finds the route, decides lane and body
 * size and takes the address limit, so that a flood costs microseconds.
 * handle() runs on a worker and walks the stages. When the database says that
 * access was decided on something that is no longer true, the cached principal
 * is thrown away and the walk starts once more. */
#include "spine/pipeline_internal.h"

#include "base/clock.h"

#define BODY_DEFAULT_BYTES (1024 * 1024)
#define BODY_UNROUTED_BYTES (64 * 1024)

/* What both tries walk; authentication is what the second one repeats. */
static stage_fn *const stages[] = {
	stage_authenticate, stage_tenant, stage_origin, stage_limit, stage_permission,
	stage_precondition, stage_query,  stage_body,	stage_run,
};

static bool is_request_id(struct str text)
{
	if (text.n < 1 || text.n > 128)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      strchr("-_.:", c)))
			return false;
	}
	return true;
}

/* Lower-case hex, and not all of it zero. */
static bool is_trace_part(struct str text)
{
	bool any = false;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		any = any || c != '0';
	}
	return any;
}

/* W3C Trace Context: version, 32 and 16 hex digits, flags. */
static bool is_traceparent(struct str t)
{
	if (t.n != 55 || t.p[2] != '-' || t.p[35] != '-' || t.p[52] != '-' ||
	    str_starts(t, STR("ff")))
		return false;
	return is_trace_part(str_slice(t, 3, 35)) && is_trace_part(str_slice(t, 36, 52));
}

static const struct principal nobody = { .kind = WHO_ANONYMOUS };

static void find_credential(struct flow *fl)
{
	const struct http_request *http = fl->rq.http;
	struct credential *cred = &fl->cred;
	bool is_https = fl->rq.app->config->public_is_https;
	struct str authorization = http_field(http, STR("Authorization"));

	cred->ip = http->peer;
	cred->user_agent = http_field(http, STR("User-Agent"));
	if (fl->entry && fl->entry->route->no_session_token)
		return;
	/* What a program says aloud wins over what a browser adds by itself. */
	if (authorization.n > 7 && str_eq_nocase(str_slice(authorization, 0, 7), STR("Bearer ")))
		cred->bearer = str_trim(str_slice(authorization, 7, authorization.n));
	else if (authorization.n > 6 &&
		 str_eq_nocase(str_slice(authorization, 0, 6), STR("Basic ")))
		cred->basic = str_trim(str_slice(authorization, 6, authorization.n));
	else if (!authorization.p)
		cred->cookie =
			http_cookie(http, is_https ? STR("__Host-bulkhead") : STR("bulkhead"));
	if (cred->cookie.p && cred->cookie.n == 0)
		cred->cookie = (struct str){ NULL, 0 };
	fl->has_credential = cred->bearer.p || cred->basic.p || cred->cookie.p;
}

static void find_ids(struct flow *fl)
{
	struct str segment;

	for (size_t i = fl->entry->param_count; i-- > 0;)
		if (path_segment(fl->rq.http->path, fl->entry->params[i].segment, &segment) &&
		    uuid_parse(segment, &fl->rq.id))
			break;
	if (fl->entry->in_tenant)
		fl->cred.tenant = request_path(&fl->rq, "tenant");
}

struct flow *flow_begin(struct app *app, struct http_exchange *x)
{
	const void *mem = http_mem(x);
	struct flow *fl = talloc_zero(mem, struct flow);
	const struct http_request *http = http_request(x);

	fl->rq = (struct request){
		.mem = mem, .app = app, .exchange = x, .http = http, .who = &nobody, .if_match = -1
	};
	fl->rq.reply = &fl->reply;
	fl->started_us = clock_steady_us();
	http_set_tag(x, fl);
	fl->rq.request_id = http_field(http, STR("X-Request-Id"));
	if (!is_request_id(fl->rq.request_id))
		fl->rq.request_id = uuid_str(mem, uuid_new());
	fl->rq.traceparent = http_field(http, STR("traceparent"));
	if (!is_traceparent(fl->rq.traceparent))
		fl->rq.traceparent = (struct str){ NULL, 0 };
	fl->entry = match_find(app->registry, http->method, http->path, &fl->allow);
	if (fl->entry) {
		fl->rq.route = fl->entry->route;
		find_ids(fl);
	}
	find_credential(fl);
	return fl;
}

void pipeline_admit(void *app, struct http_exchange *x, struct http_admission *ret_admission)
{
	struct flow *fl = flow_begin(app, x);
	const struct route *route = fl->rq.route;

	ret_admission->body_max_bytes = BODY_UNROUTED_BYTES;
	if (route) {
		ret_admission->lane = route->lane;
		ret_admission->body_max_bytes =
			route->body_max_bytes ? route->body_max_bytes : BODY_DEFAULT_BYTES;
	}
	struct fault *why = limit_address(&fl->rq);
	if (why) {
		flow_answer(fl, why);
		ret_admission->refused = true;
	}
}

/* No route: another method, a preflight, a page of the interface, or nothing. */
static struct fault *answer_unrouted(struct flow *fl)
{
	enum http_method method = fl->rq.http->method;

	if (fl->allow && method == HTTP_OPTIONS) {
		edge_preflight(fl);
		return reply_empty(&fl->rq, 204);
	}
	if (fl->allow) {
		struct fault *f = FAULT(fl->rq.mem, FAULT_METHOD, "method_not_allowed",
					"This address does not know that method.");
		f->allow = fl->allow;
		return f;
	}
	if ((method == HTTP_GET || method == HTTP_HEAD) && interface_answer(fl))
		return NULL;
	return fault_not_found(&fl->rq);
}

static struct fault *walk(struct flow *fl)
{
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
		TRY(stages[i](&fl->rq));
	return NULL;
}

static bool is_stale(const struct fault *f)
{
	for (; f; f = f->cause)
		if (strcmp(f->code, "stale_access") == 0)
			return true;
	return false;
}

/* A refusal before any transaction was decided on what the cache remembers. A right
 * that was just given is not in there, so the stamps are asked first. A handler may
 * forbid before its first query, too (an unconfirmed address). */
static bool is_refused_from_memory(struct flow *fl, const struct fault *why)
{
	bool is_current = true;

	if (fl->rq.who->kind == WHO_ANONYMOUS ||
	    (why->kind != FAULT_FORBIDDEN && (why->kind != FAULT_NOT_FOUND || fl->rq.tx)))
		return false;
	return !access_recheck(fl->rq.mem, fl->rq.app, fl->rq.who, &is_current) && !is_current;
}

static struct fault *walk_again(struct flow *fl)
{
	access_forget(fl);
	fl->is_second_try = true;
	fl->reply = (struct reply){ .is_taken = fl->reply.is_taken };
	fl->rq.who = &nobody;
	fl->rq.tx = NULL;
	return walk(fl);
}

void pipeline_handle(void *app, struct http_exchange *x)
{
	struct flow *fl = http_tag(x);
	bool is_taken = false;
	struct fault *why;

	if (!fl)
		fl = flow_begin(app, x);
	fl->reply.is_taken = &is_taken;
	why = fl->entry ? walk(fl) : answer_unrouted(fl);
	if (!is_taken && why && (is_stale(why) || is_refused_from_memory(fl, why)))
		why = walk_again(fl);
	if (is_taken)
		return; /* the request may be gone already */
	if (why && is_stale(why))
		why = FAULT(fl->rq.mem, FAULT_UNAVAILABLE, "access_changing",
			    "Your access is being changed. Try again.");
	if (why) {
		limit_failure(fl, why);
		refusal_audit(fl, why);
	}
	flow_answer(fl, why);
}

void pipeline_refuse(void *app, struct http_exchange *x, const struct fault *why)
{
	struct flow *fl = http_tag(x);

	if (!fl) {
		fl = talloc_zero(http_mem(x), struct flow);
		fl->rq = (struct request){ .mem = http_mem(x),
					   .app = app,
					   .exchange = x,
					   .http = http_request(x),
					   .who = &nobody,
					   .if_match = -1 };
		fl->rq.reply = &fl->reply;
		fl->started_us = clock_steady_us();
		fl->rq.request_id = uuid_str(fl->rq.mem, uuid_new());
		http_set_tag(x, fl);
	}
	fl->refusal_status = http_refusal_status(x);
	flow_answer(fl, why);
}
