/* ingest_routes.c - the addresses that SDKs call (spec/ingestion.md "Endpoints").
 *
 * A handler finds the key, takes a token from its bucket before it reads the
 * body, checks the events and hands the request to the batcher; the answer is
 * written by a committer thread after the commit. Refusals are problem documents
 * that also carry what SDKs look for (success, message, error: analytics-ruby
 * reads `error` of every answer). */
#include "modules/analytics/analytics_internal.h"

#include "base/clock.h"
#include "base/parse.h"
#include "modules/analytics/ingest.h"
#include "modules/analytics/ingest_answer.h"
#include "modules/analytics/ingest_body.h"
#include "services/crypto/crypto.h"
#include "services/limits/limits.h"

#include <talloc.h>

#define BUCKET_WINDOW_S 1

/* ---- whose key ---- */

/* The user name of Basic credentials is the key; a missing colon is tolerated. */
static struct str basic_key(const void *mem, struct str credentials)
{
	struct str text;

	if (!crypto_unbase64(mem, credentials, &text))
		return (struct str){ NULL, 0 };
	return str_trim(str_cut(&text, ':'));
}

static struct str header_key(struct request *rq)
{
	struct str value = http_field(rq->http, STR("Authorization"));

	if (value.n > 6 && str_eq_nocase(str_slice(value, 0, 6), STR("Basic ")))
		return basic_key(rq->mem, str_trim(str_slice(value, 6, value.n)));
	if (value.n > 7 && str_eq_nocase(str_slice(value, 0, 7), STR("Bearer ")))
		return str_trim(str_slice(value, 7, value.n));
	return http_query_param(rq->mem, rq->http, STR("writeKey"));
}

static struct fault *access_fault(struct request *rq, enum access_state state)
{
	switch (state) {
	case ACCESS_FROZEN:
		return FAULT(rq->mem, FAULT_FORBIDDEN, "tenant_frozen",
			     "The organisation is frozen; it takes no events.");
	case ACCESS_ARCHIVED:
		return FAULT(rq->mem, FAULT_FORBIDDEN, "project_archived",
			     "The project is archived; it takes no events.");
	case ACCESS_NOT_PERMITTED:
		return FAULT(rq->mem, FAULT_FORBIDDEN, "forbidden",
			     "The key needs the scope event.write.");
	case ACCESS_PROJECT_UNKNOWN:
		return FAULT(rq->mem, FAULT_MALFORMED, "project_needed",
			     "Say which project: ?project_id=… (the key could mean several).");
	case ACCESS_REVOKED_KEY:
		return FAULT(rq->mem, FAULT_UNAUTHENTICATED, "revoked_key",
			     "The key has been revoked.");
	default:
		return FAULT(rq->mem, FAULT_UNAUTHENTICATED, "unknown_key",
			     "There is no such write key.");
	}
}

/* The key's access, with a token from its bucket. */
static struct fault *admit(struct request *rq, struct str key, struct ingest_access *ret_access)
{
	struct str hint = http_query_param(rq->mem, rq->http, STR("project_id"));
	char text[UUID_TEXT_SIZE], bucket[UUID_TEXT_SIZE + 8] = "ingest:";

	TRY(ingest_access_find(rq->mem, ingest_access_table(rq->app->ingest), key, hint,
			       ret_access));
	if (ret_access->state != ACCESS_OK)
		return access_fault(rq, ret_access->state);
	memcpy(bucket + 7, uuid_format(ret_access->key, text), UUID_TEXT_SIZE);
	struct limit_state s = limits_take(rq->app->limits, str_of(bucket),
					   rq->app->config->ingest_rate_per_s * BUCKET_WINDOW_S,
					   BUCKET_WINDOW_S, 1);
	if (s.allowed)
		return NULL;
	struct fault *f = FAULT(rq->mem, FAULT_LIMITED, "too_many_requests",
				"This key sends too many requests. Put more events into each.");
	f->retry_after_s = s.retry_after_s > 0 ? s.retry_after_s : 1;
	reply_field(rq, "X-RateLimit-Limit", ingest_int_text(rq->mem, s.limit));
	reply_field(rq, "X-RateLimit-Remaining", ingest_int_text(rq->mem, s.remaining));
	reply_field(rq, "X-RateLimit-Reset", ingest_int_text(rq->mem, s.reset_s));
	return f;
}

/* ---- one request ---- */

/* Browsers and devices say what they are; of a server's request the address says
 * nothing about the visitor. */
static bool is_from_client(struct request *rq)
{
	return http_field(rq->http, STR("Origin")).p != NULL ||
	       http_field(rq->http, STR("Referer")).p != NULL;
}

static struct fault *take_events(struct request *rq, enum event_kind form, bool own_form)
{
	struct ingest_request *r = talloc_zero(rq->mem, struct ingest_request);
	struct ingest_request_body body;
	struct str key = header_key(rq);
	struct json j;

	if (key.p)
		TRY(admit(rq, key, &r->access));
	TRY(ingest_body_read(rq->mem, rq->http->body, &j));
	TRY(ingest_read_request(rq->mem, &j, form, own_form, &body));
	if (!key.p) {
		key = body.write_key;
		if (!key.p)
			return FAULT(rq->mem, FAULT_UNAUTHENTICATED, "key_missing",
				     "Send the write key: Basic, Bearer, writeKey in the body.");
		TRY(admit(rq, key, &r->access));
	}
	r->mem = rq->mem;
	r->key = key;
	r->project_hint = http_query_param(rq->mem, rq->http, STR("project_id"));
	r->received_us = clock_wall_us();
	r->ip = is_from_client(rq) ? rq->http->peer : (struct str){ NULL, 0 };
	body.source.received_us = r->received_us;
	body.source.project = r->access.project;
	ingest_check_all(&body, &r->events, &r->event_count);
	return ingest_answer_later(rq, r);
}

static struct fault *handle(struct request *rq, enum event_kind form, bool own_form)
{
	struct fault *f = take_events(rq, form, own_form);

	return f ? ingest_refuse(rq, f) : NULL;
}

/* "/v1/track", "/v1/t/": the second segment names the form. */
static struct fault *ingest_post(struct request *rq)
{
	static const struct {
		char letter;
		enum event_kind kind;
	} shorts[] = { { 't', EVENT_TRACK },  { 'i', EVENT_IDENTIFY }, { 'p', EVENT_PAGE },
		       { 's', EVENT_SCREEN }, { 'g', EVENT_GROUP },    { 'a', EVENT_ALIAS } };
	struct str name = str_slice(rq->http->path, 4, rq->http->path.n);
	enum event_kind form = EVENT_BATCH;

	name = str_cut(&name, '/');
	if (!event_kind_of(name, &form) && name.n == 1)
		for (size_t i = 0; i < sizeof(shorts) / sizeof(*shorts); i++)
			if (name.p[0] == shorts[i].letter)
				form = shorts[i].kind;
	return handle(rq, form, false);
}

static struct fault *ingest_own(struct request *rq)
{
	return handle(rq, EVENT_BATCH, true);
}

/* Figures that the SDKs gather about themselves. */
static struct fault *ingest_metrics_post(struct request *rq)
{
	return reply_json(rq, 200, STR("{\"success\":true}"));
}

/* What analytics-next and the mobile SDKs ask for before they send. */
static struct fault *ingest_settings(struct request *rq)
{
	struct str key = request_path(rq, "key");
	struct ingest_access access;
	struct json_out w;
	struct buf b;

	struct fault *f = ingest_access_find(rq->mem, ingest_access_table(rq->app->ingest), key,
					     (struct str){ NULL, 0 }, &access);
	if (!f && access.state != ACCESS_OK)
		f = access_fault(rq, access.state);
	if (f)
		return ingest_refuse(rq, f);
	const struct config *c = rq->app->config;
	const char *host = talloc_asprintf(rq->mem, "%.*s/v1", STR_ARG(c->public_host));
	buf_init(&b, rq->mem, 4096);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "integrations");
	json_open(&w, '{');
	json_key(&w, "Segment.io");
	json_open(&w, '{');
	json_key(&w, "apiKey");
	json_put_str(&w, key);
	json_key(&w, "apiHost");
	json_put_str(&w, str_of(host));
	json_key(&w, "protocol");
	json_put_str(&w, c->public_is_https ? STR("https") : STR("http"));
	json_close(&w, '}');
	json_close(&w, '}');
	json_key(&w, "plan");
	json_put_raw(&w, STR("{\"track\":{\"__default\":{\"enabled\":true}},"
			     "\"identify\":{\"__default\":{\"enabled\":true}},"
			     "\"group\":{\"__default\":{\"enabled\":true}}}"));
	json_key(&w, "analyticsNextEnabled");
	json_put_bool(&w, true);
	json_close(&w, '}');
	reply_field(rq, "Cache-Control", STR("public, max-age=300"));
	return reply_json(rq, 200, buf_view(&b));
}

/* ---- the pixel ---- */

static void put_param(struct json_out *w, const char *key, struct str value)
{
	if (!value.p)
		return;
	json_key(w, key);
	json_put_str(w, value);
}

/* The event that a pixel's query string means, as a body of /v1/track or /v1/page. */
static struct str pixel_event(struct request *rq)
{
	static const char *const known[] = { "userId", "anonymousId", "event",
					     "name",   "messageId",   "timestamp" };
	struct str rest = rq->http->query;
	struct json_out w;
	struct buf b;

	buf_init(&b, rq->mem, 64 * 1024);
	json_out_init(&w, &b);
	json_open(&w, '{');
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		put_param(&w, known[i], http_query_param(rq->mem, rq->http, str_of(known[i])));
	json_key(&w, "properties");
	json_open(&w, '{');
	while (rest.p) {
		struct str pair = str_cut(&rest, '&'), name, value;
		struct str raw_name = str_cut(&pair, '=');
		bool is_known = str_eq(raw_name, STR("writeKey"));
		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			is_known = is_known || str_eq(raw_name, str_of(known[i]));
		if (is_known || !pair.p || !parse_percent(rq->mem, raw_name, true, &name) ||
		    !parse_percent(rq->mem, pair, true, &value))
			continue;
		put_param(&w, str_dup(rq->mem, name), value);
	}
	json_close(&w, '}');
	json_key(&w, "context");
	json_open(&w, '{');
	put_param(&w, "userAgent", http_field(rq->http, STR("User-Agent")));
	json_key(&w, "page");
	json_open(&w, '{');
	put_param(&w, "url", http_field(rq->http, STR("Referer")));
	json_close(&w, '}');
	json_close(&w, '}');
	json_close(&w, '}');
	return buf_view(&b);
}

static struct fault *pixel_send(struct request *rq, enum event_kind kind)
{
	struct ingest_request *r = talloc_zero(rq->mem, struct ingest_request);
	struct str key = http_query_param(rq->mem, rq->http, STR("writeKey"));
	struct ingest_request_body body;
	struct json j;

	TRY(admit(rq, key, &r->access));
	TRY(ingest_body_read(rq->mem, pixel_event(rq), &j));
	TRY(ingest_read_request(rq->mem, &j, kind, false, &body));
	r->mem = rq->mem;
	r->key = key;
	r->received_us = clock_wall_us();
	r->ip = rq->http->peer;
	body.source.received_us = r->received_us;
	body.source.project = r->access.project;
	ingest_check_all(&body, &r->events, &r->event_count);
	return ingest_picture_later(rq, r);
}

/* A picture is answered whatever happens: a page must not show a broken one. */
static struct fault *ingest_pixel(struct request *rq)
{
	bool is_page = str_ends(rq->http->path, STR("/page"));
	struct fault *f = pixel_send(rq, is_page ? EVENT_PAGE : EVENT_TRACK);

	return f ? ingest_picture(rq) : NULL;
}

/* ---- the table ---- */

#define INGEST_POST(path_, handler_, summary_)                                                     \
	{                                                                                          \
		.method = HTTP_POST, .path = path_, .handler = handler_, .permission = PUBLIC,     \
		.output = &ingest_result_shape, .limit = LIMIT_INGEST, .lane = LANE_INGEST,        \
		.tx = ROUTE_TX_NONE, .audit = "event.write", .summary = summary_,                  \
		.body_max_bytes = INGEST_PACKED_MAX, .raw_body = true, .open_cors = true,          \
		.no_csrf = true, .no_session_token = true                                          \
	}
#define INGEST_PAIR(path_, summary_)                                                               \
	INGEST_POST(path_, ingest_post, summary_),                                                 \
		INGEST_POST(path_ "/", ingest_post, summary_ " (with a slash)")
#define INGEST_GET(path_, handler_, summary_)                                                      \
	{                                                                                          \
		.method = HTTP_GET, .path = path_, .handler = handler_, .permission = PUBLIC,      \
		.limit = LIMIT_INGEST, .lane = LANE_INGEST, .tx = ROUTE_TX_NONE,                   \
		.summary = summary_, .raw_body = true, .open_cors = true, .no_csrf = true,         \
		.no_session_token = true                                                           \
	}

const struct route ingest_routes[] = {
	INGEST_PAIR("/v1/track", "Send a track call"),
	INGEST_PAIR("/v1/identify", "Send an identify call"),
	INGEST_PAIR("/v1/page", "Send a page call"),
	INGEST_PAIR("/v1/screen", "Send a screen call"),
	INGEST_PAIR("/v1/group", "Send a group call"),
	INGEST_PAIR("/v1/alias", "Send an alias call"),
	INGEST_PAIR("/v1/batch", "Send a batch of calls"),
	INGEST_PAIR("/v1/import", "Send a batch of calls, as older SDKs do"),
	INGEST_PAIR("/v1/t", "Short form of /v1/track"),
	INGEST_PAIR("/v1/i", "Short form of /v1/identify"),
	INGEST_PAIR("/v1/p", "Short form of /v1/page"),
	INGEST_PAIR("/v1/s", "Short form of /v1/screen"),
	INGEST_PAIR("/v1/g", "Short form of /v1/group"),
	INGEST_PAIR("/v1/a", "Short form of /v1/alias"),
	INGEST_PAIR("/v1/b", "Short form of /v1/batch"),
	INGEST_POST("/v1/events", ingest_own, "Send events in our own form, with an API key"),
	INGEST_POST("/v1/m", ingest_metrics_post, "Client metrics of the SDKs; discarded"),
	INGEST_POST("/v1/m/", ingest_metrics_post, "Client metrics of the SDKs (with a slash)"),
	INGEST_GET("/v1/projects/{key}/settings", ingest_settings,
		   "Settings for SDKs to start with"),
	INGEST_GET("/v1/pixel/track", ingest_pixel, "Send a track call by an image"),
	INGEST_GET("/v1/pixel/page", ingest_pixel, "Send a page call by an image"),
	{ 0 },
};
