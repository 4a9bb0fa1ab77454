/* realtime.c - the service as the rest of the program sees it: routes, start, stop.
 * The handlers find out what the pipeline knows and hand the exchange to the
 * hub; after reply_taken nothing of the request may be touched. */
#include "services/realtime/realtime.h"

#include "base/parse.h"
#include "services/realtime/authority.h"
#include "services/realtime/hub.h"
#include "services/realtime/realtime_gen.h"
#include "services/realtime/websocket.h"

#include <talloc.h>

#define TOPICS_MAX 32
#define SEQ_MAX (INT64_C(1) << 53)

struct realtime {
	struct hub *hub;
	struct truth *truth;
};

/* ---- handlers ---- */

static struct fault *engine_handler(struct request *rq)
{
	struct hub *hub = rq->app->realtime->hub;
	struct http_exchange *x = rq->exchange;

	reply_taken(rq);
	hub_engine_request(hub, x);
	return NULL;
}

/* What came last: Last-Event-ID, or ?last_event_id= of a first load; -1: none. */
static int64_t place_of(struct request *rq)
{
	struct str text = http_field(rq->http, STR("Last-Event-ID"));
	int64_t after = -1;

	if (str_is_null(text))
		text = http_query_param(rq->mem, rq->http, STR("last_event_id"));
	if (!str_is_null(text) && text.n > 0 && !parse_int(str_trim(text), 0, SEQ_MAX, &after))
		after = SEQ_MAX; /* none of ours: the replay says reset */
	return after;
}

static bool is_topic_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '_' || s.p[i] == ':'))
			return false;
	return s.n > 0 && s.n <= 64;
}

struct topics {
	struct str names[TOPICS_MAX], rooms[TOPICS_MAX];
	size_t name_count, room_count;
};

/* "project" or "project:created": names; "project:<id>": a room, checked here. */
static struct fault *add_topic(struct request *rq, struct str topic, struct topics *t)
{
	const struct authority a = truth_authority(rq->app->realtime->truth);
	struct str id = topic;
	struct str noun = str_cut(&id, ':');
	struct uuid uuid;

	if (t->name_count + t->room_count >= TOPICS_MAX)
		return fault_invalid(rq->mem, "topics", "too_many", "At most %d topics.",
				     TOPICS_MAX);
	if (!str_is_null(id) && uuid_parse(id, &uuid)) {
		TRY(a.may_join(rq->mem, a.arg, rq->who, noun, uuid));
		struct str lower = str_lower(rq->mem, topic);
		t->rooms[t->room_count++] = lower;
		return NULL;
	}
	if (str_ends(topic, STR(":*")))
		topic = str_slice(topic, 0, topic.n - 2);
	if (!is_topic_name(topic))
		return fault_invalid(rq->mem, "topics", "pattern",
				     "A topic is a noun, an event name or noun:id.");
	t->names[t->name_count++] = topic;
	return NULL;
}

static struct fault *read_topics(struct request *rq, struct topics *t)
{
	struct str list = http_query_param(rq->mem, rq->http, STR("topics"));

	while (!str_is_null(list)) {
		struct str topic = str_trim(str_cut(&list, ','));
		if (topic.n > 0)
			TRY(add_topic(rq, topic, t));
	}
	return NULL;
}

static struct credential credential_of(const struct request *rq)
{
	struct str authorization = http_field(rq->http, STR("Authorization"));
	struct credential cred = { .tenant = request_path(rq, "tenant"),
				   .ip = rq->http->peer,
				   .user_agent = http_field(rq->http, STR("User-Agent")) };

	if (authorization.n > 7 && str_eq_nocase(str_slice(authorization, 0, 7), STR("Bearer ")))
		cred.bearer = str_trim(str_slice(authorization, 7, authorization.n));
	else if (authorization.n > 6 &&
		 str_eq_nocase(str_slice(authorization, 0, 6), STR("Basic ")))
		cred.basic = str_trim(str_slice(authorization, 6, authorization.n));
	else
		cred.cookie = http_cookie(rq->http, rq->app->config->public_is_https
							    ? STR("__Host-bulkhead")
							    : STR("bulkhead"));
	return cred;
}

static struct fault *begin_opening(struct request *rq, struct topics *t,
				   struct opening *ret_opening)
{
	if (!hub_origin_is_fine(rq->app->realtime->hub, rq->http))
		return FAULT(rq->mem, FAULT_FORBIDDEN, "cross_site",
			     "A page of another site asked for this.");
	TRY(read_topics(rq, t));
	*ret_opening = (struct opening){
		.who = rq->who,
		.cred = credential_of(rq),
		.topics = t->names,
		.topic_count = t->name_count,
		.rooms = t->rooms,
		.room_count = t->room_count,
		.after = place_of(rq),
	};
	return NULL;
}

static struct fault *stream_handler(struct request *rq)
{
	struct hub *hub = rq->app->realtime->hub;
	struct http_exchange *x = rq->exchange;
	struct topics topics = { 0 };
	struct opening o;

	TRY(begin_opening(rq, &topics, &o));
	if (rq->http->method == HTTP_HEAD)
		return reply_bytes(rq, 200, STR("text/event-stream"), STR(""));
	o.allow_origin = http_field(rq->http, STR("Origin"));
	reply_taken(rq);
	hub_open_stream(hub, x, &o);
	return NULL;
}

static struct fault *websocket_handler(struct request *rq)
{
	struct hub *hub = rq->app->realtime->hub;
	struct http_exchange *x = rq->exchange;
	struct ws_handshake h = { .upgrade = http_field(rq->http, STR("Upgrade")),
				  .connection = http_field(rq->http, STR("Connection")),
				  .version = http_field(rq->http, STR("Sec-WebSocket-Version")),
				  .key = http_field(rq->http, STR("Sec-WebSocket-Key")) };
	struct topics topics = { 0 };
	struct opening o;

	if (ws_handshake_check(&h) || rq->http->method != HTTP_GET) {
		reply_field(rq, "Sec-WebSocket-Version", STR("13"));
		return FAULT(rq->mem, FAULT_MALFORMED, "websocket_needed",
			     "This address speaks WebSocket (RFC 6455, version 13).");
	}
	TRY(begin_opening(rq, &topics, &o));
	o.ws_key = h.key;
	reply_taken(rq);
	hub_open_plain(hub, x, &o);
	return NULL;
}

static const struct route engine_routes[] = {
	{
		.method = HTTP_GET,
		.path = "/socket.io/",
		.handler = engine_handler,
		.permission = PUBLIC, /* Socket.IO says who it is in its CONNECT packet */
		.no_session_token = true,
		.raw_query = true,
		.limit = LIMIT_NONE,
		.tx = ROUTE_TX_NONE,
		.summary = "Socket.IO: handshake, poll or upgrade to WebSocket",
	},
	{
		.method = HTTP_POST,
		.path = "/socket.io/",
		.handler = engine_handler,
		.permission = PUBLIC,
		.no_session_token = true,
		.no_csrf = true,
		.raw_body = true,
		.raw_query = true,
		.limit = LIMIT_NONE,
		.tx = ROUTE_TX_NONE,
		.audit = "socket.message",
		.body_max_bytes = 1000000,
		.summary = "Socket.IO: messages of a polling client",
	},
	{ .handler = NULL },
};

static const struct route tenant_routes[] = {
	{
		.method = HTTP_GET,
		.path = "/api/v1/t/{tenant}/stream",
		.handler = stream_handler,
		.permission = MEMBER,
		.knows_project = true, /* peer_sit_down */
		.raw_query = true,
		.tx = ROUTE_TX_NONE,
		.summary = "Live events as server-sent events; Last-Event-ID replays",
	},
	{
		.method = HTTP_GET,
		.path = "/api/v1/t/{tenant}/ws",
		.handler = websocket_handler,
		.permission = MEMBER,
		.knows_project = true, /* peer_sit_down */
		.raw_query = true,
		.tx = ROUTE_TX_NONE,
		.summary = "Live events over a WebSocket, JSON messages",
	},
	{ .handler = NULL },
};

/* ---- start and stop ---- */

static void on_events(void *arg, const struct event *list, size_t n)
{
	struct realtime *r = arg;

	hub_publish(r->hub, list, n);
}

static int end_hub(struct realtime *r)
{
	hub_stop(r->hub, 0);
	hub_free(r->hub);
	return 0;
}

/* The public address and whoever else is named; NULL-ended. */
static const char *const *origins_of(const void *ctx, const struct config *config)
{
	size_t n = 0;

	while (config->cors_origins && config->cors_origins[n])
		n++;
	const char **list = talloc_zero_array(ctx, const char *, (unsigned)n + 2);
	list[0] = str_dup(list, config->public_url);
	for (size_t i = 0; i < n; i++)
		list[i + 1] = config->cors_origins[i];
	return list;
}

struct fault *realtime_start(const void *ctx, struct app *app, struct realtime **ret_realtime)
{
	struct realtime *r = talloc_zero(ctx, struct realtime);
	struct hub_config config = { .limits = hub_default_limits };

	r->truth = truth_new(r, app);
	config.authority = truth_authority(r->truth);
	config.limits.sockets_per_user = (int)app->config->sockets_per_user;
	config.limits.sockets_max = (int)app->config->max_connections;
	config.session_cookie = app->config->public_is_https ? "__Host-bulkhead" : "bulkhead";
	config.origins = origins_of(r, app->config);
	TRY(hub_start(r, &config, &r->hub));
	talloc_set_destructor(r, end_hub);
	events_subscribe(app->events, on_events, r);
	*ret_realtime = r;
	return NULL;
}

void realtime_stop(struct realtime *r, int64_t deadline_steady_ms)
{
	hub_stop(r->hub, deadline_steady_ms);
}

void realtime_broadcast(struct realtime *r, struct str room, struct str event_name,
			struct str payload_json)
{
	hub_broadcast(r->hub, room, event_name, payload_json);
}

bool realtime_has_room(struct realtime *r, struct str room)
{
	return hub_has_room(r->hub, room);
}

void realtime_metrics(struct realtime *r, struct buf *out)
{
	hub_metrics(r->hub, out);
}

static void module_metrics(struct app *app, struct buf *out)
{
	if (app->realtime)
		realtime_metrics(app->realtime, out);
}

const struct module realtime_module = {
	.name = "realtime",
	.queries = realtime_queries,
	.routes = LIST(struct route *, engine_routes, tenant_routes),
	.metrics = module_metrics,
};
