/* realtime_server.c - the hub on the HTTP engine with a made-up authority: for the
 * protocol tests (tests/realtime), the official suites and bench. No database.
 *
 *   realtime_server [port [product|engineio|socketio]]
 *
 * A token (or the cookie "session") is "name@tenant"; everybody may read projects
 * but those whose name starts with "no". Projects 01 to 0f are acme's, the
 * others globex'. POST /control/{emit,broadcast,revoke,trim,stop} drive it.
 * Limits come from the environment: RT_PING_MS, RT_TIMEOUT_MS, RT_RECOVERY_MS,
 * RT_UPGRADE_MS, RT_CONNECT_MS, RT_USER_MAX, RT_STRANGERS, RT_OUTBOUND. Prints its port. */
#include "base/clock.h"
#include "base/json.h"
#include "base/parse.h"
#include "services/realtime/hub_internal.h"
#include "spine/pipeline.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOG_MAX 100000

struct stage {
	struct hub *hub;
	pthread_mutex_t lock; /* around all below */
	struct event log[LOG_MAX];
	size_t log_count;
	int64_t seq, oldest;
	char revoked[64][64];
	int revoked_count;
	char demoted[64];
	bool guests; /* whoever says nothing is guest@acme: the official suite */
	_Atomic int stopping;
};

static struct uuid id_of(struct str text)
{
	struct uuid id = { { 0x01, 0x8f } };

	for (size_t i = 0; i < text.n; i++)
		id.b[2 + i % 14] = (uint8_t)(id.b[2 + i % 14] * 31 + text.p[i]);
	return id;
}

static bool is_revoked(struct stage *stage, struct str name)
{
	for (int i = 0; i < stage->revoked_count; i++)
		if (str_eq(name, str_of(stage->revoked[i])))
			return true;
	return false;
}

static const char *const all[] = { "member.read", "project.read", NULL };
static const char *const few[] = { "member.read", NULL };

static struct fault *authenticate(const void *mem, void *arg, const struct credential *cred,
				  const struct principal **ret_who)
{
	struct stage *stage = arg;
	struct principal *who = talloc_zero(mem, struct principal);
	struct str tenant = str_copy(mem, cred->bearer.p ? cred->bearer : cred->cookie);
	struct str asked = cred->tenant;

	if (stage->guests) {
		tenant = STR("guest@acme");
		asked = STR("acme");
	}
	struct str name = str_is_null(tenant) ? tenant : str_cut(&tenant, '@');

	if (str_is_null(tenant))
		return FAULT(mem, FAULT_UNAUTHENTICATED, "not_signed_in", "You are not signed in.");
	pthread_mutex_lock(&stage->lock);
	bool is_out = is_revoked(stage, name);
	bool is_low = str_starts(name, STR("no")) || str_eq(name, str_of(stage->demoted));
	pthread_mutex_unlock(&stage->lock);
	if (is_out && str_starts(name, STR("old")))
		return FAULT(mem, FAULT_UNAUTHENTICATED, "token_expired", "The token has ended.");
	if (is_out)
		return FAULT(mem, FAULT_UNAUTHENTICATED, "not_signed_in",
			     "Your session has ended.");
	who->kind = WHO_USER;
	who->name = str_copy(who, name);
	who->user = id_of(name);
	who->credential = id_of(name);
	if (!str_is_null(asked) && str_eq(asked, tenant))
		who->tenant = id_of(tenant);
	who->permissions = is_low ? few : all;
	who->permission_count = is_low ? 1 : 2;
	who->stamp_count = is_low; /* what recheck compares */
	*ret_who = who;
	return NULL;
}

static struct fault *may_join(const void *mem, void *arg, const struct principal *who,
			      struct str noun, struct uuid id)
{
	(void)arg;
	if (!str_eq(noun, STR("project")))
		return FAULT(mem, FAULT_NOT_FOUND, "unknown_noun", "There are no such rooms.");
	if (!principal_may(who, "project.read"))
		return FAULT(mem, FAULT_FORBIDDEN, "no_permission", "This needs project.read.");
	bool is_acme = uuid_eq(who->tenant, id_of(STR("acme")));
	if (id.b[0] != 0 || (id.b[15] < 0x10) != is_acme)
		return FAULT(mem, FAULT_NOT_FOUND, "not_found", "It is not there.");
	return NULL;
}

static struct fault *replay(const void *mem, void *arg, const struct principal *who, int64_t after,
			    struct event **ret_list, size_t *ret_n, bool *ret_is_complete)
{
	struct stage *stage = arg;

	*ret_list = talloc_array(mem, struct event, LOG_MAX);
	*ret_n = 0;
	pthread_mutex_lock(&stage->lock);
	*ret_is_complete = after + 1 >= stage->oldest && after <= stage->seq;
	for (size_t i = 0; i < stage->log_count; i++)
		if (stage->log[i].seq > after && uuid_eq(stage->log[i].tenant, who->tenant))
			(*ret_list)[(*ret_n)++] = stage->log[i];
	pthread_mutex_unlock(&stage->lock);
	return NULL;
}

static struct fault *recheck(const void *mem, void *arg, const struct principal *const *who,
			     size_t n, bool *ret_is_valid)
{
	struct stage *stage = arg;

	(void)mem;
	pthread_mutex_lock(&stage->lock);
	for (size_t i = 0; i < n; i++) {
		bool is_low = str_starts(who[i]->name, STR("no")) ||
			      str_eq(who[i]->name, str_of(stage->demoted));
		ret_is_valid[i] =
			!is_revoked(stage, who[i]->name) && is_low == (who[i]->stamp_count > 0);
	}
	pthread_mutex_unlock(&stage->lock);
	return NULL;
}

static const char *event_permission(void *arg, struct str name)
{
	(void)arg;
	if (str_starts(name, STR("project:")) || str_starts(name, STR("event:")))
		return "project.read";
	return str_starts(name, STR("member:")) ? "member.read" : NULL;
}

static const char *noun_permission(void *arg, struct str noun)
{
	(void)arg;
	return str_eq(noun, STR("project")) ? "project.read" : NULL;
}

static int64_t head(void *arg)
{
	(void)arg;
	return 0;
}

/* ---- what the official Socket.IO suite's server does ---- */

static void echo(struct session *s, const struct sio_packet *p, const char *name, bool as_ack)
{
	struct buf b;
	const struct json *j = &p->data;
	const struct json_node *root = json_root(j);
	struct str args = { 0 };

	if (p->arg)
		args = str_slice(j->text, p->arg->start, root->end - 1);
	buf_init(&b, s->peer.hub->scratch, 2000000);
	buf_char(&b, '4');
	buf_char(&b, (char)((as_ack ? '3' : '2') + (p->attachments ? 3 : 0)));
	if (p->attachments)
		buf_printf(&b, "%d-", p->attachments);
	if (as_ack)
		buf_int(&b, p->ack_id);
	buf_char(&b, '[');
	if (!as_ack)
		buf_printf(&b, "\"%s\"%s", name, args.n ? "," : "");
	buf_str(&b, args);
	buf_char(&b, ']');
	session_send_text(s, buf_view(&b));
}

static void send_attachments(struct session *s, const struct sio_packet *p, const struct str *list)
{
	for (int i = 0; i < p->attachments; i++)
		session_send_binary(s, list[i]);
}

static void verb_message(struct session *s, const struct sio_packet *p, const struct str *list)
{
	echo(s, p, "message-back", false);
	send_attachments(s, p, list);
}

static void verb_with_ack(struct session *s, const struct sio_packet *p, const struct str *list)
{
	echo(s, p, NULL, true);
	send_attachments(s, p, list);
}

static const struct hub_verb suite_verbs[] = {
	{ "message", verb_message },
	{ "message-with-ack", verb_with_ack },
	{ NULL, NULL },
};

/* ---- and that of Engine.IO ---- */

static void echo_text(struct session *s, struct str text)
{
	struct buf b;

	buf_init(&b, s->peer.hub->scratch, 2000000);
	buf_char(&b, '4');
	buf_str(&b, text);
	session_send_text(s, buf_view(&b));
}

static void nothing(struct session *s, bool is_recoverable)
{
	(void)s;
	(void)is_recoverable;
}

static const struct message_handler engine_echo = { .on_text = echo_text,
						    .on_binary = session_send_binary,
						    .on_end = nothing };

/* ---- HTTP ---- */

static struct str param(struct http_exchange *x, const char *name)
{
	return http_query_param(http_mem(x), http_request(x), str_of(name));
}

static void emit(struct stage *stage, struct http_exchange *x)
{
	struct event e = { .type = str_copy(stage, param(x, "name")),
			   .subject = str_copy(stage, param(x, "subject")),
			   .rooms = str_copy(stage, param(x, "rooms")),
			   .payload = str_copy(stage, http_request(x)->body),
			   .tenant = id_of(param(x, "tenant")) };

	pthread_mutex_lock(&stage->lock);
	e.seq = ++stage->seq;
	stage->log[stage->log_count++] = e;
	hub_publish(stage->hub, &e, 1);
	pthread_mutex_unlock(&stage->lock);
}

static void control(struct stage *stage, struct http_exchange *x, struct str what)
{
	if (str_eq(what, STR("emit"))) {
		emit(stage, x);
	} else if (str_eq(what, STR("broadcast"))) {
		hub_broadcast(stage->hub, param(x, "room"), param(x, "name"),
			      http_request(x)->body);
	} else if (str_eq(what, STR("revoke")) || str_eq(what, STR("demote"))) {
		struct str user = param(x, "user");
		pthread_mutex_lock(&stage->lock);
		char *to = str_eq(what, STR("demote")) ? stage->demoted
						       : stage->revoked[stage->revoked_count++];
		snprintf(to, 64, "%.*s", STR_ARG(user));
		pthread_mutex_unlock(&stage->lock);
	} else if (str_eq(what, STR("trim"))) {
		pthread_mutex_lock(&stage->lock);
		stage->oldest = stage->seq + 1;
		stage->log_count = 0;
		pthread_mutex_unlock(&stage->lock);
	} else if (str_eq(what, STR("stop"))) {
		stage->stopping = 1;
	}
	struct buf b;
	buf_init(&b, http_mem(x), 100000);
	if (str_eq(what, STR("metrics")))
		hub_metrics(stage->hub, &b);
	else
		buf_printf(&b, "{\"seq\":%lld}", (long long)stage->seq);
	http_answer(x, 200, buf_view(&b));
}

/* /t/{tenant}/stream and /t/{tenant}/ws */
static void open_live(struct stage *stage, struct http_exchange *x, struct str rest)
{
	const struct http_request *rq = http_request(x);
	struct str auth = http_field(rq, STR("Authorization"));
	struct str topics = param(x, "topics"), last = http_field(rq, STR("Last-Event-ID"));
	struct opening o = { .cred.tenant = str_cut(&rest, '/'), .after = -1 };
	struct str list[8];

	o.cred.cookie = http_cookie(rq, STR("session"));
	if (!str_is_null(auth) && auth.n > 7)
		o.cred.bearer = str_slice(auth, 7, auth.n);
	if (authenticate(http_mem(x), stage, &o.cred, &o.who) || uuid_is_nil(o.who->tenant)) {
		http_answer(x, 401, STR("no"));
		return;
	}
	if (!hub_origin_is_fine(stage->hub, rq)) {
		http_answer(x, 403, STR("no"));
		return;
	}
	while (!str_is_null(topics) && o.topic_count < 8)
		list[o.topic_count++] = str_cut(&topics, ',');
	o.topics = list;
	if (!str_is_null(last))
		parse_int(last, 0, INT64_MAX, &o.after);
	o.ws_key = http_field(rq, STR("Sec-WebSocket-Key"));
	if (str_eq(rest, STR("ws")))
		hub_open_plain(stage->hub, x, &o);
	else
		hub_open_stream(stage->hub, x, &o);
}

static void handle(void *arg, struct http_exchange *x)
{
	struct stage *stage = arg;
	struct str path = http_request(x)->path;

	if (str_eq(path, STR("/socket.io/")) || str_eq(path, STR("/engine.io/")))
		hub_engine_request(stage->hub, x);
	else if (str_starts(path, STR("/control/")))
		control(stage, x, str_slice(path, 9, path.n));
	else if (str_starts(path, STR("/api/v1/t/")))
		open_live(stage, x, str_slice(path, 10, path.n));
	else
		http_answer(x, 404, STR("not here"));
}

static void admit(void *arg, struct http_exchange *x, struct http_admission *ret_admission)
{
	(void)arg;
	(void)x;
	ret_admission->body_max_bytes = 1000000;
}

static void refuse(void *arg, struct http_exchange *x, const struct fault *why)
{
	(void)arg;
	http_answer(x, problem_status(why->kind), STR("refused"));
}

static void setting(const char *name, int *value)
{
	const char *text = getenv(name);
	int64_t number;

	if (text && parse_int(str_of(text), 0, INT32_MAX, &number))
		*value = (int)number;
}

static void read_limits(struct hub_limits *l)
{
	int outbound = (int)l->outbound_max_bytes;

	setting("RT_PING_MS", &l->ping_interval_ms);
	setting("RT_TIMEOUT_MS", &l->ping_timeout_ms);
	setting("RT_RECOVERY_MS", &l->recovery_ms);
	setting("RT_UPGRADE_MS", &l->upgrade_timeout_ms);
	setting("RT_CONNECT_MS", &l->connect_timeout_ms);
	setting("RT_STRANGERS", &l->strangers_per_address);
	setting("RT_USER_MAX", &l->sockets_per_user);
	setting("RT_OUTBOUND", &outbound);
	l->outbound_max_bytes = (size_t)outbound;
	l->recheck_ms = 300;
}

static struct http_config http_settings(struct stage *stage, uint16_t port)
{
	struct http_config c = { .address = "127.0.0.1",
				 .port = port,
				 .network_threads = 1,
				 .max_connections = 20000,
				 .app = stage,
				 .admit = admit,
				 .handle = handle,
				 .refuse = refuse };

	for (int i = 0; i < LANE_COUNT; i++) {
		c.workers[i] = 2;
		c.queue_limit[i] = 1000;
	}
	return c;
}

static volatile sig_atomic_t has_signal;

static void on_signal(int number)
{
	(void)number;
	has_signal = 1;
}

int main(int argc, char **argv)
{
	static const char *const origins[] = { "http://good.example", NULL };
	struct stage *stage = talloc_zero(NULL, struct stage);
	struct hub_config config = { .limits = hub_default_limits,
				     .session_cookie = "session",
				     .origins = origins,
				     .verbs = suite_verbs };
	struct http_server *server;
	const char *mode = argc > 2 ? argv[2] : "product";
	int64_t port = 0;

	if (argc > 1 && !parse_int(str_of(argv[1]), 0, 65535, &port))
		return 2;
	pthread_mutex_init(&stage->lock, NULL);
	stage->oldest = 1;
	read_limits(&config.limits);
	stage->guests = strcmp(mode, "socketio") == 0;
	if (strcmp(mode, "engineio") == 0)
		config.handler = &engine_echo;
	config.authority = (struct authority){ stage,	authenticate,	  may_join,	   replay,
					       recheck, event_permission, noun_permission, head };
	struct http_config http = http_settings(stage, (uint16_t)port);
	if (hub_start(stage, &config, &stage->hub) || http_start(stage, &http, &server))
		return 1;
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	printf("%u\n", http_port(server));
	fflush(stdout);
	while (!stage->stopping && !has_signal)
		usleep(20000);
	hub_stop(stage->hub, clock_steady_ms() + 5000);
	http_stop(server, clock_steady_ms() + 2000);
	hub_free(stage->hub);
	talloc_free(stage);
	return 0;
}
