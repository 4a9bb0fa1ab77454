/* spine_module.c - the spine as a module: its migrations and queries, and the
 * routes that show the API itself. */
#include "spine/openapi.h"
#include "spine/pipeline.h"
#include "spine/spine_gen.h"

static struct fault *openapi_document(struct request *rq)
{
	struct buf b;

	buf_init(&b, rq->mem, OPENAPI_MAX_BYTES);
	openapi_write(rq->app->registry, &b);
	reply_field(rq, "Cache-Control", STR("public, max-age=60"));
	return reply_bytes(rq, 200, STR("application/json"), buf_view(&b));
}

static struct fault *docs_page(struct request *rq)
{
	struct buf b;

	buf_init(&b, rq->mem, OPENAPI_MAX_BYTES);
	docs_write(rq->app->registry, &b);
	return reply_bytes(rq, 200, STR("text/html; charset=utf-8"), buf_view(&b));
}

static const char style[] =
	":root{color-scheme:light dark;--line:#8886;--soft:#8881}"
	"body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}"
	"nav ul{display:flex;flex-wrap:wrap;gap:1rem;padding:0;list-style:none}"
	"article{border-top:1px solid var(--line);padding:.5rem 0}"
	"h3{font-size:1rem;overflow-wrap:anywhere}.method{font-weight:700}"
	"table{border-collapse:collapse;width:100%;margin:.5rem 0}caption{text-align:left}"
	"th,td{text-align:left;vertical-align:top;padding:.25rem;overflow-wrap:anywhere}"
	"th,td{border-bottom:1px solid var(--line)}"
	"pre{background:var(--soft);padding:.5rem;white-space:pre-wrap;overflow-wrap:anywhere}"
	"a{color:LinkText}";

static struct fault *docs_style(struct request *rq)
{
	reply_field(rq, "Cache-Control", STR("public, max-age=3600"));
	return reply_bytes(rq, 200, STR("text/css; charset=utf-8"), str_of(style));
}

static const struct route routes[] = {
	{
		.method = HTTP_GET,
		.path = "/openapi.json",
		.handler = openapi_document,
		.permission = PUBLIC,
		.no_session_token = true,
		.tx = ROUTE_TX_NONE,
		.summary = "This reference for machines (OpenAPI 3.1)",
	},
	{
		.method = HTTP_GET,
		.path = "/docs",
		.handler = docs_page,
		.permission = PUBLIC,
		.no_session_token = true,
		.tx = ROUTE_TX_NONE,
		.summary = "This reference for people",
	},
	{
		.method = HTTP_GET,
		.path = "/docs/style.css",
		.handler = docs_style,
		.permission = PUBLIC,
		.no_session_token = true,
		.tx = ROUTE_TX_NONE,
		.limit = LIMIT_NONE,
		.summary = "How the reference looks",
	},
	{ 0 },
};

const struct module spine_module = {
	.name = "spine",
	.migrations = spine_migrations,
	.queries = spine_queries,
	.routes = LIST(struct route *, routes),
};
