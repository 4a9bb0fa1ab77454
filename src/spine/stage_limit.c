/* stage_limit.c - how often: by address before anything is known, then by
 * person or key, and by tenant.
 *
 * The classes are those of spec/api-conventions.md, their rates are configured.
 * An address without a credential has the rate of one person; with one it has
 * that of ten (an office shares it), and a tenant that of a hundred. Failures of
 * signing in stretch with the api rate, for tests and benchmarks.
 */
#include "spine/pipeline_internal.h"

#include <arpa/inet.h>
#include <stdio.h>

#define RATE_OF_THE_RULE 120
#define ADDRESS_SHARE 10
#define TENANT_SHARE 100

static const char *const class_names[LIMIT_CLASSES] = {
	[LIMIT_API] = "api", [LIMIT_AUTH] = "api", [LIMIT_UPLOAD] = "upload", [LIMIT_BULK] = "bulk"
};

#define WINDOW_S 60
#define AUTH_FAILURES 5
#define AUTH_WINDOW_S (15 * 60)

static int64_t rate_of(const struct config *config, enum limit_class class)
{
	int64_t rate = class == LIMIT_UPLOAD ? config->rate_upload_per_minute
		       : class == LIMIT_BULK ? config->rate_bulk_per_minute
					     : config->rate_api_per_minute;

	return rate > 0 ? rate : 1;
}

static int64_t failures_allowed(const struct config *config)
{
	return (AUTH_FAILURES * rate_of(config, LIMIT_API) + RATE_OF_THE_RULE - 1) /
	       RATE_OF_THE_RULE;
}

/* An IPv6 customer has a whole /64. */
static void address_key(char *text, size_t room, const char *prefix, struct str ip)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr a;

	if (ip.n < sizeof(copy) && str_find(ip, ':', 0) != SIZE_MAX) {
		memcpy(copy, ip.p, ip.n);
		copy[ip.n] = '\0';
		if (inet_pton(AF_INET6, copy, &a) == 1) {
			const uint8_t *b = a.s6_addr;
			snprintf(text, room, "%s%02x%02x%02x%02x%02x%02x%02x%02x", prefix, b[0],
				 b[1], b[2], b[3], b[4], b[5], b[6], b[7]);
			return;
		}
	}
	snprintf(text, room, "%s%.*s", prefix, STR_ARG(ip));
}

static struct fault *refuse(struct flow *fl, struct limit_state state)
{
	struct fault *f = FAULT(fl->rq.mem, FAULT_LIMITED, "too_many_requests",
				"Too many requests. Try again in %d s.", state.retry_after_s);

	f->retry_after_s = state.retry_after_s > 0 ? state.retry_after_s : 1;
	return f;
}

static struct fault *take(struct flow *fl, const char *key, int64_t limit, int window_s)
{
	struct app *app = fl->rq.app;
	struct limit_state state = app->ports->take(app->limits, str_of(key), limit, window_s, 1);

	if (!fl->is_limited || state.remaining < fl->limit.remaining || !state.allowed) {
		fl->limit = state;
		fl->limit_window_s = window_s;
		fl->is_limited = true;
	}
	return state.allowed ? NULL : refuse(fl, state);
}

static bool is_counted(const struct route *route)
{
	return !route || (route->limit != LIMIT_NONE && route->limit != LIMIT_INGEST);
}

struct fault *limit_address(struct request *rq)
{
	struct flow *fl = flow_of(rq);
	char key[96];

	/* Files of the interface and unknown pages are cheap; the API is not. */
	if (!is_counted(rq->route) || (!rq->route && !str_starts(rq->http->path, STR("/api/"))))
		return NULL;
	int64_t limit = rate_of(rq->app->config, LIMIT_API);
	if (rq->route && rq->route->limit == LIMIT_AUTH) {
		address_key(key, sizeof(key), "f:", rq->http->peer);
		struct limit_state state =
			rq->app->ports->take(rq->app->limits, str_of(key),
					     failures_allowed(rq->app->config), AUTH_WINDOW_S, 0);
		if (state.remaining < 1) {
			fl->limit = state;
			fl->limit_window_s = AUTH_WINDOW_S;
			fl->is_limited = true;
			return refuse(fl, state);
		}
	}
	if (fl->has_credential) {
		address_key(key, sizeof(key), "c:", rq->http->peer);
		struct fault *f = take(fl, key, limit * ADDRESS_SHARE, WINDOW_S);
		fl->is_limited = f != NULL; /* the person's own figures are shown instead */
		return f;
	}
	address_key(key, sizeof(key), "a:", rq->http->peer);
	return take(fl, key, limit, WINDOW_S);
}

static void principal_key(char *text, size_t room, const char *class, const struct principal *who)
{
	char id[UUID_TEXT_SIZE];

	uuid_format(who->kind == WHO_USER ? who->user : who->credential, id);
	snprintf(text, room, "%s:%s", class, id);
}

struct fault *stage_limit(struct request *rq)
{
	struct flow *fl = flow_of(rq);
	enum limit_class class = rq->route->limit;
	char key[128], id[UUID_TEXT_SIZE];

	if (!is_counted(rq->route) || fl->is_second_try)
		return NULL;
	int64_t limit = rate_of(rq->app->config, class);
	if (rq->who->kind != WHO_ANONYMOUS) {
		principal_key(key, sizeof(key), class_names[class], rq->who);
		TRY(take(fl, key, limit, WINDOW_S));
	} else if (fl->has_credential || class == LIMIT_UPLOAD || class == LIMIT_BULK) {
		/* a bad credential on an open route, or a narrow class without a person */
		address_key(key, sizeof(key), class_names[class], rq->http->peer);
		TRY(take(fl, key, limit, WINDOW_S));
	}
	if (uuid_is_nil(rq->tenant))
		return NULL;
	snprintf(key, sizeof(key), "t%s:%s", class_names[class], uuid_format(rq->tenant, id));
	return take(fl, key, limit * TENANT_SHARE, WINDOW_S);
}

void limit_failure(struct flow *fl, const struct fault *why)
{
	struct request *rq = &fl->rq;
	char key[96];

	if (!rq->route || rq->route->limit != LIMIT_AUTH ||
	    (why->kind != FAULT_UNAUTHENTICATED && why->kind != FAULT_NOT_FOUND &&
	     why->kind != FAULT_GONE))
		return;

	address_key(key, sizeof(key), "f:", rq->http->peer);
	rq->app->ports->take(rq->app->limits, str_of(key), failures_allowed(rq->app->config),
			     AUTH_WINDOW_S, 1);
}

static void add_int(struct flow *fl, struct str name, int64_t value)
{
	char *text = talloc_asprintf(fl->rq.mem, "%lld", (long long)value);

	http_add(fl->rq.exchange, name, str_of(text));
}

/* draft-ietf-httpapi-ratelimit-headers-09, and the older X- fields beside them. */
void limit_headers(struct flow *fl)
{
	const struct limit_state *s = &fl->limit;
	const char *name = fl->rq.route ? class_names[fl->rq.route->limit] : "api";

	if (!fl->is_limited || !name)
		return;
	http_add(fl->rq.exchange, STR("RateLimit-Policy"),
		 str_of(talloc_asprintf(fl->rq.mem, "\"%s\";q=%lld;w=%d", name, (long long)s->limit,
					fl->limit_window_s)));
	http_add(fl->rq.exchange, STR("RateLimit"),
		 str_of(talloc_asprintf(fl->rq.mem, "\"%s\";r=%lld;t=%d", name,
					(long long)s->remaining, s->reset_s)));
	add_int(fl, STR("X-RateLimit-Limit"), s->limit);
	add_int(fl, STR("X-RateLimit-Remaining"), s->remaining);
	add_int(fl, STR("X-RateLimit-Reset"), s->reset_s);
}
