/* admin.c - see admin.h; the numbers come from those who count. */
#include "app/admin.h"

#include "base/clock.h"
#include "http/http.h"
#include "services/jobs/jobs.h"
#include "services/realtime/realtime.h"
#include "spine/module.h"

#include <talloc.h>

struct admin {
	struct app *app;
	struct http_server *http;
};

static void gauge(struct buf *out, const char *name, const char *help, int64_t value)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %lld\n", name, help, name, name,
		   (long long)value);
}

void admin_metrics(struct app *app, struct buf *out)
{
	struct http_counts counts = http_counts(app->http);

	gauge(out, "bulkhead_uptime_seconds", "Seconds since the start",
	      (clock_wall_us() - app->started_wall_us) / 1000000);
	gauge(out, "bulkhead_http_connections", "Open connections", counts.connections);
	gauge(out, "bulkhead_http_requests_total", "Requests read", counts.requests);
	gauge(out, "bulkhead_http_refused_total", "Requests the engine refused", counts.refused);
	gauge(out, "bulkhead_http_queued", "Requests waiting for a worker",
	      counts.queued[LANE_NORMAL]);
	registry_metrics(app->registry, out);
	jobs_metrics(app->jobs, out);
	realtime_metrics(app->realtime, out);
	for (const struct module *const *m = registry_modules(app->registry); *m; m++)
		if ((*m)->metrics)
			(*m)->metrics(app, out);
}

static void admit(void *arg, struct http_exchange *x, struct http_admission *ret_admission)
{
	(void)arg;
	(void)x;
	ret_admission->body_max_bytes = 0;
}

static void handle(void *arg, struct http_exchange *x)
{
	struct admin *m = arg;
	const struct http_request *rq = http_request(x);
	struct buf out;

	http_add(x, STR("Content-Type"), STR("text/plain; version=0.0.4; charset=utf-8"));
	if (rq->method != HTTP_GET || !str_eq(rq->path, STR("/metrics"))) {
		http_answer(x, 404, STR("only GET /metrics here\n"));
		return;
	}
	buf_init(&out, http_mem(x), 4 << 20);
	admin_metrics(m->app, &out);
	http_answer(x, 200, buf_view(&out));
}

static void refuse(void *arg, struct http_exchange *x, const struct fault *why)
{
	(void)arg;
	(void)why;
	http_answer(x, 400, STR("refused\n"));
}

struct fault *admin_start(const void *ctx, struct app *app, struct admin **ret_admin)
{
	if (app->config->admin_port == 0)
		return NULL;
	struct admin *m = talloc_zero(ctx, struct admin);
	struct http_config config = {
		.address = "127.0.0.1",
		.port = (uint16_t)app->config->admin_port,
		.network_threads = 1,
		.workers = { [LANE_NORMAL] = 1 },
		.queue_limit = { 16, 1, 1, 1 },
		.max_connections = 32,
		.app = m,
		.admit = admit,
		.handle = handle,
		.refuse = refuse,
	};
	m->app = app;
	TRY(http_start(m, &config, &m->http));
	*ret_admin = m;
	return NULL;
}

void admin_stop(struct admin *m)
{
	http_stop(m->http, clock_steady_ms() + 1000);
}
