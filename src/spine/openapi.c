/* openapi.c - OpenAPI 3.1 of every route, with every answer it can give.
 *
 * What the pipeline does for a route decides which refusals it may answer, so
 * the list here is computed from the same fields. Schemas are those that routes
 * use, and what these use. */
#include "spine/openapi.h"

#include "spine/pipeline.h"
#include "spine/registry_internal.h"

#include <ctype.h>
#include <stdlib.h>

static void key_text(struct json_out *w, const char *key, const char *text)
{
	json_key(w, key);
	json_put_str(w, str_of(text));
}

static void key_open(struct json_out *w, const char *key, char bracket)
{
	json_key(w, key);
	json_open(w, bracket);
}

static void put_ref(struct json_out *w, const char *format, const char *name)
	__attribute__((format(printf, 2, 0)));
static void put_ref(struct json_out *w, const char *format, const char *name)
{
	char ref[200];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(ref, sizeof(ref), format, name);
#pragma GCC diagnostic pop
	json_open(w, '{');
	key_text(w, "$ref", ref);
	json_close(w, '}');
}

/* ---- what can be refused, and when ---- */

static bool is_open(const struct route *r)
{
	return strcmp(r->permission, PUBLIC) == 0;
}

static bool is_write(const struct route *r)
{
	return r->audit != NULL;
}

static bool when_always(const struct route_entry *e)
{
	(void)e;
	return true;
}
static bool when_read(const struct route_entry *e)
{
	return e->route->input || e->route->query || e->route->output_is_list ||
	       e->route->raw_body || is_write(e->route);
}
static bool when_signed_in(const struct route_entry *e)
{
	return !is_open(e->route) || e->route->limit == LIMIT_AUTH ||
	       e->route->limit == LIMIT_INGEST;
}
static bool when_refusable(const struct route_entry *e)
{
	return !is_open(e->route) || is_write(e->route);
}
static bool when_named(const struct route_entry *e)
{
	return e->param_count > 0;
}
static bool when_write(const struct route_entry *e)
{
	return is_write(e->route);
}
static bool when_versioned(const struct route_entry *e)
{
	enum http_method m = e->route->method;

	return e->in_tenant && (m == HTTP_PATCH || m == HTTP_PUT || m == HTTP_DELETE);
}
static bool when_body(const struct route_entry *e)
{
	return e->route->input || e->route->raw_body;
}
static bool when_json(const struct route_entry *e)
{
	return e->route->input != NULL;
}
static bool when_shaped(const struct route_entry *e)
{
	return e->route->input || e->route->query || e->route->output_is_list;
}
static bool when_limited(const struct route_entry *e)
{
	return e->route->limit != LIMIT_NONE;
}

static const struct {
	enum fault_kind kind;
	const char *name, *text;
	bool (*when)(const struct route_entry *e);
} refusals[] = {
	{ FAULT_MALFORMED, "Malformed", "The request cannot be read", when_read },
	{ FAULT_UNAUTHENTICATED, "NotSignedIn", "Nobody is signed in", when_signed_in },
	{ FAULT_FORBIDDEN, "NotAllowed", "Signed in, but this is not allowed", when_refusable },
	{ FAULT_NOT_FOUND, "NotFound", "Not there, or not yours to see", when_named },
	{ FAULT_METHOD, "MethodNotAllowed", "The path knows other methods, see Allow",
	  when_always },
	{ FAULT_CONFLICT, "Conflict", "The state of the thing does not allow it", when_write },
	{ FAULT_PRECONDITION, "Stale", "If-Match names another version", when_versioned },
	{ FAULT_TOO_LARGE, "TooLarge", "The body is larger than the route takes", when_body },
	{ FAULT_MEDIA_TYPE, "NotJson", "The body is not application/json", when_json },
	{ FAULT_INVALID, "Invalid", "It can be read but breaks rules; all of them are listed",
	  when_shaped },
	{ FAULT_LIMITED, "TooMany", "Too many requests, see Retry-After", when_limited },
	{ FAULT_HEADERS_TOO_LARGE, "HeadersTooLarge", "The header fields are too large",
	  when_always },
	{ FAULT_INTERNAL, "Internal", "Our mistake; the request id helps to find it", when_always },
	{ FAULT_UNAVAILABLE, "Unavailable",
	  "A queue is full or the database is away, see Retry-After", when_always },
};
#define REFUSALS (sizeof(refusals) / sizeof(refusals[0]))

static void put_header_ref(struct json_out *w, const char *name)
{
	json_key(w, name);
	put_ref(w, "#/components/headers/%s", name);
}

static bool is_limited_kind(enum fault_kind kind)
{
	return kind == FAULT_LIMITED || kind == FAULT_UNAVAILABLE;
}

static bool is_used(const struct registry *r, size_t refusal)
{
	for (size_t i = 0; i < r->routes.n; i++)
		if (refusals[refusal].when(r->routes.v[i]))
			return true;
	return false;
}

static void put_refusal_components(struct json_out *w, const struct registry *r)
{
	key_open(w, "responses", '{');
	for (size_t i = 0; i < REFUSALS; i++) {
		if (!is_used(r, i))
			continue;
		key_open(w, refusals[i].name, '{');
		key_text(w, "description", refusals[i].text);
		key_open(w, "headers", '{');
		put_header_ref(w, "X-Request-Id");
		if (is_limited_kind(refusals[i].kind))
			put_header_ref(w, "Retry-After");
		if (refusals[i].kind == FAULT_METHOD)
			put_header_ref(w, "Allow");
		json_close(w, '}');
		key_open(w, "content", '{');
		key_open(w, "application/problem+json", '{');
		json_key(w, "schema");
		put_ref(w, "#/components/schemas/%s", "problem");
		json_close(w, '}');
		json_close(w, '}');
		json_close(w, '}');
	}
	json_close(w, '}');
}

static void put_headers(struct json_out *w)
{
	static const struct {
		const char *name, *type, *text;
	} headers[] = {
		{ "X-Request-Id", "string", "The id of this request, yours when you sent one" },
		{ "Retry-After", "integer", "Whole seconds to wait" },
		{ "Allow", "string", "The methods of this path" },
		{ "Location", "string", "Where the new thing is" },
		{ "ETag", "string", "The version, for If-Match and If-None-Match" },
		{ "RateLimit", "string", "What is left of the limit (IETF draft)" },
		{ "RateLimit-Policy", "string", "The limit (IETF draft)" },
	};

	key_open(w, "headers", '{');
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		key_open(w, headers[i].name, '{');
		key_text(w, "description", headers[i].text);
		key_open(w, "schema", '{');
		key_text(w, "type", headers[i].type);
		json_close(w, '}');
		json_close(w, '}');
	}
	json_close(w, '}');
}

/* ---- parameters ---- */

static void put_parameter(struct json_out *w, const char *in, const char *name, bool required,
			  const char *text)
{
	json_open(w, '{');
	key_text(w, "name", name);
	key_text(w, "in", in);
	json_key(w, "required");
	json_put_bool(w, required);
	if (text)
		key_text(w, "description", text);
	json_key(w, "schema");
}

static void put_string_schema(struct json_out *w, bool is_uuid)
{
	json_open(w, '{');
	key_text(w, "type", "string");
	if (is_uuid)
		key_text(w, "format", "uuid");
	json_close(w, '}');
	json_close(w, '}');
}

static void put_path_parameters(struct json_out *w, const struct route_entry *e)
{
	for (size_t i = 0; i < e->param_count; i++) {
		char name[64];
		snprintf(name, sizeof(name), "%.*s", STR_ARG(e->params[i].name));
		bool is_tenant = strcmp(name, "tenant") == 0;
		bool is_id = str_ends(e->params[i].name, STR("id"));
		put_parameter(w, "path", name, true,
			      is_tenant ? "Slug or id of the organisation" : NULL);
		put_string_schema(w, is_id);
	}
}

static void put_query_parameters(struct json_out *w, const struct route *route)
{
	const struct shape *shape = route->query;

	if (!shape && route->output_is_list)
		shape = &page_query_shape;
	for (size_t i = 0; shape && i < shape->field_count; i++) {
		const struct field *f = &shape->fields[i];
		put_parameter(w, "query", f->name, f->required, f->doc);
		openapi_field(w, f);
		if (f->type == FIELD_LIST) {
			key_text(w, "style", "form");
			json_key(w, "explode");
			json_put_bool(w, false);
		}
		json_close(w, '}');
	}
}

static void put_header_parameters(struct json_out *w, const struct route_entry *e)
{
	if (when_versioned(e)) {
		put_parameter(w, "header", "If-Match", false, "The ETag of the version you know");
		put_string_schema(w, false);
	}
	if (e->route->method == HTTP_POST && !is_open(e->route)) {
		put_parameter(w, "header", "Idempotency-Key", false,
			      "The same key and body get the stored answer for 24 hours");
		put_string_schema(w, false);
	}
}

/* ---- one operation ---- */

void openapi_operation_id(struct buf *out, const struct route *route)
{
	struct str path = path_shown(route), segment;

	for (const char *p = http_method_name(route->method); *p; p++)
		buf_char(out, (char)tolower((unsigned char)*p));
	for (size_t i = 0; path_segment(path, i, &segment); i++) {
		if (str_eq(segment, STR("api")) || (i == 1 && str_eq(segment, STR("v1"))))
			continue;
		if (str_eq(segment, STR("{tenant}")))
			continue;
		buf_char(out, '_');
		for (size_t k = 0; k < segment.n; k++)
			if (segment.p[k] != '{' && segment.p[k] != '}')
				buf_char(out,
					 isalnum((unsigned char)segment.p[k]) ? segment.p[k] : '_');
	}
}

static void put_list_schema(struct json_out *w, const struct shape *item)
{
	json_open(w, '{');
	key_text(w, "type", "object");
	key_open(w, "properties", '{');
	key_open(w, "items", '{');
	key_text(w, "type", "array");
	json_key(w, "items");
	put_ref(w, "#/components/schemas/%s", item->name);
	json_close(w, '}');
	key_open(w, "next_cursor", '{');
	key_open(w, "type", '[');
	json_put_str(w, STR("string"));
	json_put_str(w, STR("null"));
	json_close(w, ']');
	key_text(w, "description", "For ?cursor= of the next page; null at the end");
	json_close(w, '}');
	key_open(w, "total", '{');
	key_text(w, "type", "integer");
	key_text(w, "description", "Only with ?count=true");
	json_close(w, '}');
	json_close(w, '}');
	key_open(w, "required", '[');
	json_put_str(w, STR("items"));
	json_put_str(w, STR("next_cursor"));
	json_close(w, ']');
	json_close(w, '}');
}

static void put_success(struct json_out *w, const struct route *route)
{
	int status = route->status ? route->status : 200;
	char code[8];

	snprintf(code, sizeof(code), "%d", status);
	key_open(w, code, '{');
	key_text(w, "description", status == 201 ? "Created" : status == 204 ? "Done" : "Success");
	key_open(w, "headers", '{');
	put_header_ref(w, "X-Request-Id");
	if (status == 201)
		put_header_ref(w, "Location");
	if (route->output && !route->output_is_list)
		put_header_ref(w, "ETag");
	if (route->limit == LIMIT_API) {
		put_header_ref(w, "RateLimit");
		put_header_ref(w, "RateLimit-Policy");
	}
	json_close(w, '}');
	if (status != 204) {
		key_open(w, "content", '{');
		key_open(w, route->output ? "application/json" : "*/*", '{');
		json_key(w, "schema");
		if (route->output && route->output_is_list)
			put_list_schema(w, route->output);
		else if (route->output)
			put_ref(w, "#/components/schemas/%s", route->output->name);
		else
			json_put_raw(w, STR("{}"));
		json_close(w, '}');
		json_close(w, '}');
	}
	json_close(w, '}');
}

static void put_responses(struct json_out *w, const struct route_entry *e)
{
	char code[8];

	key_open(w, "responses", '{');
	put_success(w, e->route);
	for (size_t i = 0; i < REFUSALS; i++) {
		if (!refusals[i].when(e))
			continue;
		snprintf(code, sizeof(code), "%d", problem_status(refusals[i].kind));
		json_key(w, code);
		put_ref(w, "#/components/responses/%s", refusals[i].name);
	}
	json_close(w, '}');
}

static void put_request_body(struct json_out *w, const struct route *route)
{
	if (!route->input && !(route->raw_body && route->method != HTTP_GET))
		return;
	key_open(w, "requestBody", '{');
	json_key(w, "required");
	json_put_bool(w, true);
	key_open(w, "content", '{');
	key_open(w, route->input ? "application/json" : "*/*", '{');
	json_key(w, "schema");
	if (route->input)
		put_ref(w, "#/components/schemas/%s", route->input->name);
	else
		json_put_raw(w, STR("{}"));
	json_close(w, '}');
	json_close(w, '}');
	json_close(w, '}');
}

static void put_description(struct json_out *w, const struct route *route)
{
	struct buf b;

	buf_init(&b, w->b->ctx, 4096);
	if (is_open(route))
		buf_text(&b, "Nobody has to be signed in.");
	else if (strcmp(route->permission, SIGNED_IN) == 0)
		buf_text(&b, "Needs a signed-in person.");
	else if (strcmp(route->permission, MEMBER) == 0)
		buf_text(&b, "Needs a member or key of the organisation.");
	else
		buf_printf(&b, "Needs the permission `%s`.", route->permission);
	for (const char *const *code = route->faults; code && *code; code++)
		buf_printf(&b, "%s`%s`", code == route->faults ? " Further codes: " : ", ", *code);
	json_key(w, "description");
	json_put_str(w, buf_view(&b));
	buf_clear(&b);
}

static void put_security(struct json_out *w, const struct route *route)
{
	key_open(w, "security", '[');
	if (!is_open(route)) {
		json_put_raw(w, STR("{\"session\":[]}"));
		json_put_raw(w, STR("{\"bearer\":[]}"));
	}
	json_close(w, ']');
}

static void put_operation(struct json_out *w, const struct route_entry *e)
{
	const struct route *route = e->route;
	char method[16] = "";
	struct buf id;

	for (size_t i = 0; i < sizeof(method) - 1 && http_method_name(route->method)[i]; i++)
		method[i] = (char)tolower((unsigned char)http_method_name(route->method)[i]);
	key_open(w, method, '{');
	buf_init(&id, w->b->ctx, 400);
	openapi_operation_id(&id, route);
	json_key(w, "operationId");
	json_put_str(w, buf_view(&id));
	buf_clear(&id);
	key_open(w, "tags", '[');
	json_put_str(w, str_of(e->module->name));
	json_close(w, ']');
	key_text(w, "summary", route->summary);
	put_description(w, route);
	if (route->deprecated) {
		json_key(w, "deprecated");
		json_put_bool(w, true);
	}
	put_security(w, route);
	key_open(w, "parameters", '[');
	put_path_parameters(w, e);
	put_query_parameters(w, route);
	put_header_parameters(w, e);
	json_close(w, ']');
	put_request_body(w, route);
	put_responses(w, e);
	json_close(w, '}');
}

/* ---- the whole ---- */

static int by_path(const void *a, const void *b)
{
	const struct route *x = (*(const struct route_entry *const *)a)->route;
	const struct route *y = (*(const struct route_entry *const *)b)->route;
	struct str p = path_shown(x), q = path_shown(y);
	int order = memcmp(p.p, q.p, p.n < q.n ? p.n : q.n);

	if (order == 0)
		order = (p.n > q.n) - (p.n < q.n);
	return order ? order : (int)x->method - (int)y->method;
}

static bool is_twin(const struct route *a, const struct route *b)
{
	return a->method == b->method && str_eq(path_shown(a), path_shown(b));
}

/* A path that is served with and without a slash at the end is shown once. */
static void put_paths(struct json_out *w, const struct registry *r)
{
	const struct route_entry **sorted =
		talloc_memdup(w->b->ctx, r->routes.v, r->routes.n * sizeof(struct route_entry *));
	struct str path = { NULL, 0 };

	if (r->routes.n > 0)
		qsort(sorted, r->routes.n, sizeof(*sorted), by_path);
	key_open(w, "paths", '{');
	for (size_t i = 0; i < r->routes.n; i++) {
		struct str shown = path_shown(sorted[i]->route);
		if (i > 0 && is_twin(sorted[i]->route, sorted[i - 1]->route))
			continue;
		if (!path.p || !str_eq(path, shown)) {
			if (path.p)
				json_close(w, '}');
			path = shown;
			key_open(w, str_dup(sorted, shown), '{');
		}
		put_operation(w, sorted[i]);
	}
	if (path.p)
		json_close(w, '}');
	json_close(w, '}');
	talloc_free(sorted);
}

static void use_shape(struct map *used, const struct shape *shape)
{
	if (!shape || map_get(used, str_of(shape->name)))
		return;
	map_put(used, str_of(shape->name), (void *)(uintptr_t)shape);
	for (size_t i = 0; i < shape->field_count; i++)
		use_shape(used, shape->fields[i].shape);
}

static int shape_order(const void *a, const void *b)
{
	const struct shape *x = *(const struct shape *const *)a;
	const struct shape *y = *(const struct shape *const *)b;

	return strcmp(x->name, y->name);
}

static const char problem_schema[] =
	"{\"type\":\"object\",\"description\":\"RFC 9457 problem document\",\"properties\":{"
	"\"type\":{\"type\":\"string\",\"format\":\"uri-reference\"},"
	"\"title\":{\"type\":\"string\"},"
	"\"status\":{\"type\":\"integer\"},\"code\":{\"type\":\"string\",\"description\":\"Stable, "
	"snake_case\"},\"detail\":{\"type\":\"string\"},\"request_id\":{\"type\":\"string\"},"
	"\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"field\":{"
	"\"type\":\"string\",\"description\":\"JSON pointer in the body, or the parameter's "
	"name\"},"
	"\"code\":{\"type\":\"string\"},\"message\":{\"type\":\"string\"}},\"required\":[\"field\","
	"\"code\",\"message\"]}}},\"required\":[\"type\",\"title\",\"status\",\"code\",\"detail\","
	"\"request_id\"],\"examples\":[{\"type\":\"/docs#problem-invalid\","
	"\"title\":\"Invalid input\","
	"\"status\":422,\"code\":\"invalid\",\"detail\":\"Some fields are not valid.\","
	"\"request_id\":\"01936b2e-7f2a-7c4e-9a51-3f2b8c1d0e4f\",\"errors\":[{\"field\":\"/name\","
	"\"code\":\"required\",\"message\":\"This is missing.\"}]}]}";

static void put_schemas(struct json_out *w, const struct registry *r)
{
	struct map *used = map_new(w->b->ctx);
	VEC(const struct shape *) list = { 0 };
	size_t cursor = 0;
	struct str name;
	void *value;

	for (size_t i = 0; i < r->routes.n; i++) {
		use_shape(used, r->routes.v[i]->route->input);
		use_shape(used, r->routes.v[i]->route->output);
	}
	while (map_next(used, &cursor, &name, &value))
		*VEC_ADD(&list, used) = value;
	if (list.n > 0)
		qsort(list.v, list.n, sizeof(*list.v), shape_order);
	key_open(w, "schemas", '{');
	for (size_t i = 0; i < list.n; i++) {
		json_key(w, list.v[i]->name);
		openapi_shape(w, list.v[i]);
	}
	json_key(w, "problem");
	json_put_raw(w, str_of(problem_schema));
	json_close(w, '}');
	talloc_free(used);
}

static void put_info(struct json_out *w)
{
	key_text(w, "openapi", "3.1.0");
	key_open(w, "info", '{');
	key_text(w, "title", "Bulkhead");
	key_text(w, "version", BULKHEAD_VERSION);
	key_text(w, "summary", "The API of Bulkhead");
	key_text(
		w, "description",
		"One API for the interface and for everyone else. Ids are UUIDs, times RFC 3339 in "
		"UTC, money integer minor units. Lists are keyset pages. Every error is a problem "
		"document (RFC 9457) with a stable code.");
	key_open(w, "license", '{');
	key_text(w, "name", "Apache-2.0");
	key_text(w, "identifier", "Apache-2.0");
	json_close(w, '}');
	json_close(w, '}');
	key_open(w, "servers", '[');
	json_open(w, '{');
	key_text(w, "url", "/");
	key_text(w, "description", "The server that shows this document");
	json_close(w, '}');
	json_close(w, ']');
}

static bool module_has_route(const struct registry *r, const struct module *m)
{
	for (size_t i = 0; i < r->routes.n; i++)
		if (r->routes.v[i]->module == m)
			return true;
	return false;
}

static void put_tags(struct json_out *w, const struct registry *r)
{
	char text[120];

	key_open(w, "tags", '[');
	for (const struct module *const *m = registry_modules(r); *m; m++) {
		if (!module_has_route(r, *m))
			continue;
		snprintf(text, sizeof(text), "Routes of the module %s", (*m)->name);
		json_open(w, '{');
		key_text(w, "name", (*m)->name);
		key_text(w, "description", text);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static const char security_schemes[] =
	"{\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"bulkhead\",\"description\":"
	"\"Session cookie (__Host-bulkhead over https); writes also need X-CSRF-Token\"},"
	"\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":"
	"\"Access token or API key\"}}";

void openapi_write(const struct registry *r, struct buf *out)
{
	struct json_out w;

	json_out_init(&w, out);
	json_open(&w, '{');
	put_info(&w);
	put_tags(&w, r);
	put_paths(&w, r);
	key_open(&w, "components", '{');
	json_key(&w, "securitySchemes");
	json_put_raw(&w, str_of(security_schemes));
	put_headers(&w);
	put_refusal_components(&w, r);
	put_schemas(&w, r);
	json_close(&w, '}');
	json_close(&w, '}');
}
