/* docs.c - /docs: the reference as one plain page, made from the route table.
 *
 * No script, no foreign host, no inline style: it reads well in a text browser.
 * The machine's version of the same is /openapi.json. */
#include "spine/openapi.h"

#include "spine/pipeline.h"
#include "spine/registry_internal.h"

static void put_escaped(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (c == '<')
			buf_text(out, "&lt;");
		else if (c == '>')
			buf_text(out, "&gt;");
		else if (c == '&')
			buf_text(out, "&amp;");
		else if (c == '"')
			buf_text(out, "&quot;");
		else
			buf_char(out, c);
	}
}

static void put_text(struct buf *out, const char *text)
{
	put_escaped(out, str_of(text ? text : ""));
}

static void put_type(struct buf *out, const struct field *f)
{
	static const char *const names[] = { "text",	"e-mail",      "secret", "slug",
					     "integer", "minor units", "number", "boolean",
					     "UUID",	"time",	       "date",	 "one of",
					     "JSON",	"object",      "object", "list of" };

	buf_text(out, names[f->type]);
	if (f->type == FIELD_LIST) {
		buf_char(out, ' ');
		put_text(out, f->element == FIELD_SHAPE ? f->shape->name : names[f->element]);
	}
	for (const char *const *v = f->values; v && *v; v++) {
		buf_text(out, v == f->values ? " <code>" : ", <code>");
		put_text(out, *v);
		buf_text(out, "</code>");
	}
	if (f->has_range && f->max < INT64_MAX && f->min > INT64_MIN)
		buf_printf(out, ", %lld to %lld", (long long)f->min, (long long)f->max);
	if (f->nullable)
		buf_text(out, " or null");
}

static void put_fields(struct buf *out, const char *title, const struct shape *shape)
{
	if (!shape || shape->field_count == 0)
		return;
	buf_printf(out,
		   "<table><caption>%s</caption><thead><tr><th scope=\"col\">Field</th>"
		   "<th scope=\"col\">Type</th><th scope=\"col\">Meaning</th></tr></thead><tbody>",
		   title);
	for (size_t i = 0; i < shape->field_count; i++) {
		const struct field *f = &shape->fields[i];
		buf_printf(out, "<tr><td><code>%s</code>%s</td><td>", f->name,
			   f->required ? "" : " <small>optional</small>");
		put_type(out, f);
		buf_text(out, "</td><td>");
		put_text(out, f->doc);
		if (f->default_text) {
			buf_text(out, " Default <code>");
			put_text(out, f->default_text);
			buf_text(out, "</code>.");
		}
		buf_text(out, "</td></tr>");
	}
	buf_text(out, "</tbody></table>");
}

static void put_example(struct buf *out, const char *title, const struct shape *shape)
{
	struct json_out w;
	struct buf b;

	if (!shape)
		return;
	buf_init(&b, out->ctx, 1 << 20);
	json_out_init(&w, &b);
	openapi_example(&w, shape);
	buf_printf(out, "<p>%s</p><pre tabindex=\"0\"><code>", title);
	put_escaped(out, buf_view(&b));
	buf_text(out, "</code></pre>");
	buf_clear(&b);
}

static void put_route(struct buf *out, const struct route *route)
{
	buf_text(out, "<article id=\"");
	openapi_operation_id(out, route);
	buf_printf(out, "\"><h3><span class=\"method\">%s</span> <code>",
		   http_method_name(route->method));
	put_text(out, route->path);
	buf_text(out, "</code></h3><p>");
	put_text(out, route->summary);
	buf_text(out, ". Permission: <code>");
	put_text(out, route->permission);
	buf_text(out, "</code>.</p>");
	put_fields(out, "Query",
		   route->query		   ? route->query
		   : route->output_is_list ? &page_query_shape
					   : NULL);
	put_fields(out, "Body", route->input);
	put_example(out, "Example of the body", route->input);
	put_example(out, route->output_is_list ? "Example of an item" : "Example of the answer",
		    route->output);
	if (route->faults) {
		buf_text(out, "<p>Further codes:");
		for (const char *const *code = route->faults; *code; code++)
			buf_printf(out, " <code id=\"problem-%s\">%s</code>", *code, *code);
		buf_text(out, "</p>");
	}
	buf_text(out, "</article>");
}

static void put_problems(struct buf *out)
{
	static const struct {
		const char *code;
		enum fault_kind kind;
		const char *text;
	} general[] = {
		{ "malformed_json", FAULT_MALFORMED, "The body is not JSON." },
		{ "not_signed_in", FAULT_UNAUTHENTICATED,
		  "No session, token or key, or an ended one." },
		{ "no_permission", FAULT_FORBIDDEN, "The role or key lacks the permission." },
		{ "other_tenant", FAULT_FORBIDDEN,
		  "Key or host name belong to another organisation." },
		{ "other_project", FAULT_FORBIDDEN, "The key works for one project only." },
		{ "csrf_token", FAULT_FORBIDDEN, "A browser's write without its token." },
		{ "cross_site", FAULT_FORBIDDEN, "A page of another site asked." },
		{ "not_found", FAULT_NOT_FOUND, "Not there, or not yours to see." },
		{ "method_not_allowed", FAULT_METHOD, "See the header Allow." },
		{ "idempotency_key_running", FAULT_CONFLICT, "The first request still runs." },
		{ "stale_version", FAULT_PRECONDITION, "If-Match names another version." },
		{ "body_too_large", FAULT_TOO_LARGE, "More bytes than the route takes." },
		{ "json_needed", FAULT_MEDIA_TYPE, "Send application/json in UTF-8." },
		{ "invalid", FAULT_INVALID, "Every wrong field stands in errors." },
		{ "idempotency_key_reused", FAULT_INVALID,
		  "The key was used for another request." },
		{ "too_many_requests", FAULT_LIMITED, "Wait as long as Retry-After says." },
		{ "internal", FAULT_INTERNAL, "Our mistake. Tell us the request id." },
	};

	buf_text(out,
		 "<section><h2 id=\"problems\">Problems</h2><p>Every error is a problem document "
		 "(RFC 9457).</p><table><thead><tr><th scope=\"col\">Code</th><th scope=\"col\">"
		 "Status</th><th scope=\"col\">Meaning</th></tr></thead><tbody>");
	for (size_t i = 0; i < sizeof(general) / sizeof(general[0]); i++)
		buf_printf(
			out,
			"<tr id=\"problem-%s\"><td><code>%s</code></td><td>%d</td><td>%s</td></tr>",
			general[i].code, general[i].code, problem_status(general[i].kind),
			general[i].text);
	buf_text(out, "</tbody></table></section>");
}

/* The form with a slash at the end of a path that also stands there without. */
static bool is_doubled(const struct registry *r, const struct route *route)
{
	const char *allow;
	struct str shown = path_shown(route);

	return shown.n < strlen(route->path) &&
	       registry_match(r, route->method, shown, &allow) != route;
}

void docs_write(const struct registry *r, struct buf *out)
{
	buf_text(out, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
		      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
		      "<title>Bulkhead API</title>"
		      "<link rel=\"icon\" href=\"/icon.svg\">"
		      "<link rel=\"stylesheet\" href=\"/docs/style.css\"></head>"
		      "<body><header><h1>Bulkhead API</h1><p>Version " BULKHEAD_VERSION
		      ". For machines: <a href=\"/openapi.json\">openapi.json</a>.</p></header>"
		      "<nav aria-label=\"Sections\"><ul>");
	for (const struct module *const *m = registry_modules(r); *m; m++)
		buf_printf(out, "<li><a href=\"#module-%s\">%s</a></li>", (*m)->name, (*m)->name);
	buf_text(out, "<li><a href=\"#problems\">Problems</a></li></ul></nav><main>");
	for (const struct module *const *m = registry_modules(r); *m; m++) {
		buf_printf(out, "<section><h2 id=\"module-%s\">%s</h2>", (*m)->name, (*m)->name);
		for (size_t i = 0; i < r->routes.n; i++)
			if (r->routes.v[i]->module == *m && !is_doubled(r, r->routes.v[i]->route))
				put_route(out, r->routes.v[i]->route);
		buf_text(out, "</section>");
	}
	put_problems(out);
	buf_text(out, "</main></body></html>");
}
