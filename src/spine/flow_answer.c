/* flow_answer.c - the one place where an answer leaves the pipeline.
 *
 * Turns a fault into a problem document, adds what every answer carries, counts
 * it, and logs what is our fault once. Nothing above this file logs. */
#include "spine/pipeline_internal.h"

#include "base/clock.h"
#include "base/log.h"

#define PROBLEM_MAX_BYTES (256 * 1024)

static void add(struct flow *fl, struct str name, struct str value)
{
	http_add(fl->rq.exchange, name, value);
}

static struct str int_text(struct flow *fl, int64_t value)
{
	return str_of(talloc_asprintf(fl->rq.mem, "%lld", (long long)value));
}

void flow_dress(struct flow *fl)
{
	if (fl->is_dressed)
		return;
	fl->is_dressed = true;
	add(fl, STR("X-Request-Id"), fl->rq.request_id);
	if (fl->rq.traceparent.p)
		add(fl, STR("traceparent"), fl->rq.traceparent);
	edge_security(fl, fl->is_page || str_starts(fl->reply.content_type, STR("text/html")));
	edge_cors(fl);
	edge_deprecation(fl);
	limit_headers(fl);
}

static void log_fault(struct flow *fl, const struct fault *why)
{
	const struct http_request *http = fl->rq.http;

	LOG_AT(why->kind == FAULT_INTERNAL ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "request failed",
	       LOG_STR("request_id", fl->rq.request_id),
	       LOG_TEXT("method", http_method_name(http->method)),
	       LOG_TEXT("route", fl->rq.route ? fl->rq.route->path : "(none)"),
	       LOG_TEXT("why", fault_describe(fl->rq.mem, why)));
}

static int problem_reply(struct flow *fl, const struct fault *why)
{
	struct reply *r = &fl->reply;
	struct buf b;

	*r = (struct reply){ .content_type = STR("application/problem+json") };
	r->status = fl->refusal_status ? fl->refusal_status : problem_status(why->kind);
	buf_init(&b, fl->rq.mem, PROBLEM_MAX_BYTES);
	problem_write_as(&b, why, fl->rq.request_id, r->status);
	r->body = buf_view(&b);
	if (why->kind == FAULT_METHOD && why->allow)
		reply_field(&fl->rq, "Allow", str_of(why->allow));
	if (why->kind == FAULT_UNAUTHENTICATED)
		reply_field(&fl->rq, "WWW-Authenticate", STR("Bearer realm=\"bulkhead\""));
	if (why->kind == FAULT_LIMITED || why->kind == FAULT_UNAVAILABLE)
		reply_field(&fl->rq, "Retry-After",
			    int_text(fl, why->retry_after_s > 0 ? why->retry_after_s : 1));
	if (why->kind == FAULT_INTERNAL || why->kind == FAULT_UNAVAILABLE)
		log_fault(fl, why);
	return r->status;
}

/* Does If-None-Match name the version (weak comparison, RFC 9110 13.1.2)? */
static bool is_known(struct flow *fl, struct str etag)
{
	struct str list = http_field(fl->rq.http, STR("If-None-Match"));

	if (str_eq(str_trim(list), STR("*")))
		return true;
	while (list.p) {
		struct str tag = str_trim(str_cut(&list, ','));
		if (str_starts(tag, STR("W/")))
			tag = str_slice(tag, 2, tag.n);
		if (str_eq(tag, etag))
			return true;
	}
	return false;
}

static void answer_etag(struct flow *fl)
{
	struct reply *r = &fl->reply;
	enum http_method method = fl->rq.http->method;
	struct str etag = str_of(talloc_asprintf(fl->rq.mem, "\"%lld\"", (long long)r->version));

	add(fl, STR("ETag"), etag);
	if ((method == HTTP_GET || method == HTTP_HEAD) && r->status == 200 && is_known(fl, etag)) {
		r->status = 304;
		r->body = STR("");
	}
}

static void add_reply_fields(struct flow *fl)
{
	struct reply *r = &fl->reply;
	bool has_cache_control = false;

	for (size_t i = 0; i < r->field_count; i++) {
		add(fl, r->fields[i].name, r->fields[i].value);
		has_cache_control =
			has_cache_control || str_eq_nocase(r->fields[i].name, STR("Cache-Control"));
	}
	if (!has_cache_control)
		add(fl, STR("Cache-Control"), STR("no-store"));
	if (r->has_version)
		answer_etag(fl);
	if (r->content_type.p && r->status != 204 && r->status != 304)
		add(fl, STR("Content-Type"), r->content_type);
}

static void count(struct flow *fl)
{
	struct registry *registry = fl->rq.app->registry;
	int64_t took_us = clock_steady_us() - fl->started_us;

	metrics_count(fl->entry ? fl->entry->stats
				: metrics_route(registry->metrics, registry->routes.n),
		      fl->reply.status, took_us);
	LOG_DEBUG("request", LOG_STR("request_id", fl->rq.request_id),
		  LOG_TEXT("method", http_method_name(fl->rq.http->method)),
		  LOG_TEXT("route", fl->rq.route ? fl->rq.route->path : "(none)"),
		  LOG_INT("status", fl->reply.status), LOG_INT("us", took_us));
}

struct request_clock request_clock(const struct request *rq)
{
	const struct flow *fl = flow_of_const(rq);

	return (struct request_clock){ fl->entry->stats, fl->started_us };
}

void request_counted(struct request_clock clock, int status)
{
	metrics_count(clock.stats, status, clock_steady_us() - clock.started_us);
}

void flow_answer(struct flow *fl, const struct fault *why)
{
	struct reply *r = &fl->reply;

	if (!why && r->status == 0)
		why = FAULT_BUG(fl->rq.mem, "the handler of %s answered nothing",
				fl->rq.route ? fl->rq.route->path : "(none)");
	if (why)
		problem_reply(fl, why);
	flow_dress(fl);
	add_reply_fields(fl);
	count(fl);
	http_answer(fl->rq.exchange, r->status, r->body);
}
