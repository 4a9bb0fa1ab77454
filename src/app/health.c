/* health.c - is this process alive, ready, healthy? For load balancers,
 * supervisors and people (spec/platform.md section 9).
 *
 * /livez only says that the process answers; /readyz and /api/health ask the
 * database. Nobody needs to be signed in, so nothing private is said. */
#include "app/modules.h"

#include "base/clock.h"
#include "db/db.h"

static struct fault *livez(struct request *rq)
{
	return reply_bytes(rq, 200, STR("text/plain; charset=utf-8"), STR("ok\n"));
}

static struct fault *readyz(struct request *rq)
{
	if (rq->app->ready && db_is_up(rq->app->db))
		return reply_bytes(rq, 200, STR("text/plain; charset=utf-8"), STR("ready\n"));
	struct fault *f = FAULT(rq->mem, FAULT_UNAVAILABLE, "not_ready",
				"The server is not ready to take requests.");
	f->retry_after_s = 2;
	return f;
}

static void put_service(struct json_out *w, const char *name, bool is_up, int64_t latency_ms)
{
	json_open(w, '{');
	json_key(w, "name");
	json_put_str(w, str_of(name));
	json_key(w, "status");
	json_put_str(w, str_of(is_up ? "up" : "down"));
	json_key(w, "latencyMs");
	json_put_int(w, latency_ms);
	json_close(w, '}');
}

static struct fault *health(struct request *rq)
{
	struct buf b;
	struct json_out w;
	int64_t before = clock_steady_ms();
	bool is_up = db_is_up(rq->app->db);

	buf_init(&b, rq->mem, 4096);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "status");
	json_put_str(&w, str_of(!is_up ? "down" : rq->app->ready ? "healthy" : "degraded"));
	json_key(&w, "services");
	json_open(&w, '[');
	put_service(&w, "database", is_up, clock_steady_ms() - before);
	json_close(&w, ']');
	json_close(&w, '}');
	return reply_json(rq, is_up ? 200 : 503, buf_view(&b));
}

#define PROBE(path_, handler_, summary_)                                                           \
	{                                                                                          \
		.method = HTTP_GET, .path = path_, .handler = handler_, .permission = PUBLIC,      \
		.tx = ROUTE_TX_NONE, .limit = LIMIT_NONE, .no_session_token = true,                \
		.summary = summary_                                                                \
	}

static const struct route health_routes[] = {
	PROBE("/livez", livez, "Does the process answer?"),
	PROBE("/readyz", readyz, "Can it take requests?"),
	PROBE("/healthz", readyz, "The same as /readyz"),
	PROBE("/api/health", health, "State of each service"),
	{ 0 },
};

const struct module health_module = {
	.name = "health",
	.routes = (const struct route *const[]){ health_routes, NULL },
};
