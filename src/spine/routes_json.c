/* routes_json.c - every route as data, for `bulkhead routes --json` and for the tests
 * that make the refusals of every route from it. */
#include "spine/registry_internal.h"

static void key_text(struct json_out *w, const char *key, const char *text)
{
	json_key(w, key);
	json_put_str(w, str_of(text));
}

static void key_bool(struct json_out *w, const char *key, bool value)
{
	json_key(w, key);
	json_put_bool(w, value);
}

static const char *const type_names[] = { "text",   "email", "secret", "slug", "int",  "money",
					  "number", "bool",  "uuid",   "time", "date", "enum",
					  "json",   "map",   "shape",  "list" };

static void put_fields(struct json_out *w, const char *key, const struct shape *shape)
{
	json_key(w, key);
	if (!shape) {
		json_put_null(w);
		return;
	}
	json_open(w, '[');
	for (size_t i = 0; i < shape->field_count; i++) {
		const struct field *f = &shape->fields[i];
		json_open(w, '{');
		key_text(w, "name", f->name);
		key_text(w, "type", type_names[f->type]);
		if (f->type == FIELD_LIST)
			key_text(w, "element", type_names[f->element]);
		key_bool(w, "required", f->required);
		key_bool(w, "nullable", f->nullable);
		json_key(w, "values");
		json_open(w, '[');
		for (const char *const *v = f->values; v && *v; v++)
			json_put_str(w, str_of(*v));
		json_close(w, ']');
		if (f->shape)
			put_fields(w, "fields", f->shape);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_route(struct json_out *w, const struct route_entry *e)
{
	static const char *const limits[LIMIT_CLASSES] = { "api",  "auth",   "upload",
							   "bulk", "ingest", "none" };
	static const char *const lanes[LANE_COUNT] = { "normal", "slow", "stream", "ingest" };
	const struct route *r = e->route;

	json_open(w, '{');
	key_text(w, "method", http_method_name(r->method));
	key_text(w, "path", r->path);
	key_text(w, "module", e->module->name);
	key_text(w, "permission", r->permission);
	key_text(w, "audit", r->audit);
	key_text(w, "summary", r->summary);
	key_text(w, "limit", limits[r->limit]);
	key_text(w, "lane", lanes[r->lane]);
	key_text(w, "output", r->output ? r->output->name : NULL);
	json_key(w, "status");
	json_put_int(w, r->status ? r->status : 200);
	json_key(w, "body_max_bytes");
	json_put_int(w, r->body_max_bytes ? (int64_t)r->body_max_bytes : 1024 * 1024);
	key_bool(w, "in_tenant", e->in_tenant);
	key_bool(w, "is_list", r->output_is_list);
	key_bool(w, "without_transaction", r->tx == ROUTE_TX_NONE);
	key_bool(w, "raw_body", r->raw_body);
	key_bool(w, "raw_query", r->raw_query);
	key_bool(w, "open_cors", r->open_cors);
	key_bool(w, "no_csrf", r->no_csrf);
	key_bool(w, "no_session_token", r->no_session_token);
	put_fields(w, "input", r->input);
	put_fields(w, "query", r->query ? r->query : r->output_is_list ? &page_query_shape : NULL);
	json_close(w, '}');
}

void registry_routes_json(const struct registry *r, struct buf *out)
{
	struct json_out w;

	json_out_init(&w, out);
	json_open(&w, '[');
	for (size_t i = 0; i < r->routes.n; i++)
		put_route(&w, r->routes.v[i]);
	json_close(&w, ']');
}
