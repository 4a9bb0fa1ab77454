/* edge.c - fields that browsers obey: security, CORS, preflight.
 *
 * Sources: reference/security-and-reliability.md 1.5; Fetch standard for CORS.
 * The exact allow-list of the configuration may send cookies; routes that are
 * open to every origin (ingestion) never look at one. */
#include "spine/pipeline_internal.h"

#include "base/clock.h"

#include <time.h>

static const char page_policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
	"connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; "
	"frame-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; "
	"frame-ancestors 'none'";
static const char data_policy[] = "default-src 'none'; frame-ancestors 'none'; sandbox";
static const char exposed[] =
	"Retry-After, RateLimit, RateLimit-Policy, X-RateLimit-Limit, "
	"X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id, ETag, Location, "
	"Deprecation, Sunset";

#define FIXED(text) ((struct str){ (text), sizeof(text) - 1 })

static void add(struct flow *fl, struct str name, struct str value)
{
	http_add(fl->rq.exchange, name, value);
}

static bool is_open(const struct flow *fl)
{
	return fl->rq.route && fl->rq.route->open_cors;
}

void edge_security(struct flow *fl, bool is_page)
{
	add(fl, STR("Content-Security-Policy"), is_page ? FIXED(page_policy) : FIXED(data_policy));
	add(fl, STR("X-Content-Type-Options"), STR("nosniff"));
	add(fl, STR("X-Frame-Options"), STR("DENY"));
	add(fl, STR("Referrer-Policy"), STR("strict-origin-when-cross-origin"));
	add(fl, STR("Cross-Origin-Opener-Policy"), STR("same-origin"));
	add(fl, STR("Cross-Origin-Resource-Policy"),
	    is_open(fl) ? STR("cross-origin") : STR("same-origin"));
	if (is_page) {
		add(fl, STR("Cross-Origin-Embedder-Policy"), STR("require-corp"));
		add(fl, STR("Permissions-Policy"),
		    STR("camera=(), geolocation=(), microphone=(), payment=(), usb=()"));
	}
	if (fl->rq.app->config->public_is_https)
		add(fl, STR("Strict-Transport-Security"),
		    STR("max-age=63072000; includeSubDomains; preload"));
}

static bool is_listed(const struct flow *fl, struct str origin)
{
	for (const char *const *o = fl->rq.app->config->cors_origins; o && *o; o++)
		if (str_eq(str_of(*o), origin))
			return true;
	return false;
}

void edge_cors(struct flow *fl)
{
	struct str origin = http_field(fl->rq.http, STR("Origin"));

	add(fl, STR("Vary"), STR("Origin"));
	if (!origin.p || (!is_open(fl) && !is_listed(fl, origin)))
		return;
	/* A beacon is always sent with credentials, and then * is not enough. */
	add(fl, STR("Access-Control-Allow-Origin"), origin);
	add(fl, STR("Access-Control-Allow-Credentials"), STR("true"));
	add(fl, STR("Access-Control-Expose-Headers"), FIXED(exposed));
}

static bool is_field_list(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      strchr("-_, ", c)) ||
		    c == '\0')
			return false;
	}
	return text.n > 0 && text.n < 2000;
}

static enum http_method method_named(struct str name)
{
	for (int m = 0; m < HTTP_OTHER; m++)
		if (str_eq(str_of(http_method_name((enum http_method)m)), name))
			return (enum http_method)m;
	return HTTP_OTHER;
}

void edge_preflight(struct flow *fl)
{
	const struct http_request *http = fl->rq.http;
	struct str wanted = http_field(http, STR("Access-Control-Request-Method"));
	struct str headers = http_field(http, STR("Access-Control-Request-Headers"));
	struct str origin = http_field(http, STR("Origin"));
	const char *allow;

	reply_field(&fl->rq, "Allow", str_of(fl->allow));
	if (!wanted.p || !origin.p)
		return;
	/* The route that will be asked decides who may ask. */
	const struct route_entry *entry =
		match_find(fl->rq.app->registry, method_named(wanted), http->path, &allow);
	if (!entry)
		return;
	fl->rq.route = entry->route;
	if (!is_open(fl) && !is_listed(fl, origin))
		return;
	reply_field(&fl->rq, "Access-Control-Allow-Methods", str_of(fl->allow));
	if (is_field_list(headers))
		reply_field(&fl->rq, "Access-Control-Allow-Headers", headers);
	reply_field(&fl->rq, "Access-Control-Max-Age", STR("7200"));
	if (str_eq(http_field(http, STR("Access-Control-Request-Private-Network")), STR("true")))
		reply_field(&fl->rq, "Access-Control-Allow-Private-Network", STR("true"));
}

/* A date of the route table as seconds since 1970; contract.c has checked it. */
static int64_t seconds_of(const char *date)
{
	int64_t at_us = 0;

	clock_parse(str_of(date), &at_us);
	return at_us / 1000000;
}

void edge_deprecation(struct flow *fl)
{
	const struct route *route = fl->rq.route;
	char text[40];
	struct tm tm;

	if (!route || !route->deprecated)
		return;
	add(fl, STR("Deprecation"),
	    str_of(talloc_asprintf(fl->rq.mem, "@%lld", (long long)seconds_of(route->deprecated))));
	if (!route->sunset)
		return;
	time_t at = (time_t)seconds_of(route->sunset);
	gmtime_r(&at, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	add(fl, STR("Sunset"), str_copy(fl->rq.mem, str_of(text)));
}
