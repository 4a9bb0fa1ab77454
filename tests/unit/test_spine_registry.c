/* test_spine_registry.c - the contract check lists every finding, and paths find
 * their routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <talloc.h>

#include "services/limits/limits.h"
#include "spine/openapi.h"
#include "spine/pipeline.h"

static struct fault *nothing(struct request *rq)
{
	return reply_empty(rq, 204);
}

#define ROUTE(m, p, who, ...)                                                                      \
	{                                                                                          \
		.method = (m), .path = (p), .handler = nothing, .permission = (who),               \
		.summary = "x", __VA_ARGS__                                                        \
	}

static const struct permission permissions[] = {
	{ "thing.read", "See things", LIST(char *, "owner", "viewer") },
	{ "thing.update", "Change things", LIST(char *, "owner") },
	{ 0 },
};

static const struct route good[] = {
	ROUTE(HTTP_GET, "/api/v1/t/{tenant}/things", "thing.read", .limit = LIMIT_API),
	ROUTE(HTTP_POST, "/api/v1/t/{tenant}/things", "thing.update", .audit = "thing.create"),
	ROUTE(HTTP_GET, "/api/v1/t/{tenant}/things/{id}", "thing.read", .limit = LIMIT_API),
	ROUTE(HTTP_POST, "/api/v1/t/{tenant}/things/search", "thing.read", .audit = "thing.search"),
	ROUTE(HTTP_GET, "/", PUBLIC, .limit = LIMIT_NONE),
	ROUTE(HTTP_POST, "/v1/track", PUBLIC, .audit = "event.write"),
	ROUTE(HTTP_POST, "/v1/track/", PUBLIC, .audit = "event.write"),
	{ 0 },
};
static const struct module second = { .name = "second", .needs = LIST(char *, "first") };
static const struct module first = { .name = "first",
				     .permissions = permissions,
				     .routes = LIST(struct route *, good) };

static const char *found(struct registry *r, enum http_method m, const char *path)
{
	const char *allow;
	const struct route *route = registry_match(r, m, str_of(path), &allow);

	return route ? route->path : allow ? allow : "none";
}

static void paths_find_their_routes(void **state)
{
	void *ctx = talloc_new(NULL);
	struct registry *r;

	(void)state;
	assert_null(registry_build(ctx, LIST(struct module *, &second, &first), &r));
	assert_string_equal(registry_modules(r)[0]->name, "first");
	assert_string_equal(found(r, HTTP_GET, "/api/v1/t/acme/things"), good[0].path);
	assert_string_equal(found(r, HTTP_HEAD, "/api/v1/t/acme/things"), good[0].path);
	assert_string_equal(found(r, HTTP_GET, "/api/v1/t/acme/things/7"), good[2].path);
	assert_string_equal(found(r, HTTP_GET, "/api/v1/t/acme/things/search"), good[2].path);
	assert_string_equal(found(r, HTTP_POST, "/api/v1/t/acme/things/search"), good[3].path);
	assert_string_equal(found(r, HTTP_DELETE, "/api/v1/t/acme/things"),
			    "GET, HEAD, POST, OPTIONS");
	assert_string_equal(found(r, HTTP_OTHER, "/api/v1/t/acme/things/7"), "GET, HEAD, OPTIONS");
	assert_string_equal(found(r, HTTP_GET, "/api/v1/t//things"), "none");
	assert_string_equal(found(r, HTTP_GET, "/api/v1/t/acme/things/7/"), "none");
	assert_string_equal(found(r, HTTP_POST, "/v1/track/"), "/v1/track/");
	assert_string_equal(found(r, HTTP_GET, "/"), "/");
	assert_string_equal(found(r, HTTP_GET, ""), "none");
	assert_string_equal(found(r, HTTP_GET, "x"), "none");
	talloc_free(ctx);
}

static const struct route bad[] = {
	ROUTE(HTTP_GET, "/a", NULL),
	ROUTE(HTTP_GET, "/b", "thing.fly"),
	ROUTE(HTTP_POST, "/c", PUBLIC),
	ROUTE(HTTP_GET, "/d", "thing.read"),
	ROUTE(HTTP_GET, "/api/v1/t/{tenant}/e", PUBLIC),
	ROUTE(HTTP_GET, "/f/{tenant}", PUBLIC),
	ROUTE(HTTP_GET, "/g/{id}/{id}", PUBLIC),
	ROUTE(HTTP_GET, "/g/x{id}", PUBLIC),
	ROUTE(HTTP_GET, "/h", PUBLIC, .audit = "h.read"),
	ROUTE(HTTP_GET, "/h", PUBLIC),
	ROUTE(HTTP_GET, "/k", PUBLIC, .sunset = "2027-01-01"),
	ROUTE(HTTP_GET, "/l", PUBLIC, .deprecated = "soon"),
	{ .method = HTTP_GET, .path = "/i", .handler = nothing, .permission = PUBLIC },
	{ 0 },
};
static const struct module broken = {
	.name = "broken",
	.needs = LIST(char *, "nobody"),
	.permissions = permissions,
	.routes = LIST(struct route *, bad),
};

static bool lists(const struct fault *f, const char *field, const char *code)
{
	for (const struct fault_field *e = f->fields; e; e = e->next)
		if (strcmp(e->field, field) == 0 && strcmp(e->code, code) == 0)
			return true;
	print_error("missing: %s %s\n", field, code);
	return false;
}

static void the_contract_lists_every_finding(void **state)
{
	void *ctx = talloc_new(NULL);
	struct registry *r = NULL;

	(void)state;
	struct fault *f = registry_build(ctx, LIST(struct module *, &broken), &r);
	assert_non_null(f);
	assert_true(lists(f, "broken", "unknown_need"));
	assert_true(lists(f, "GET /a", "no_permission"));
	assert_true(lists(f, "GET /b", "unknown_permission"));
	assert_true(lists(f, "POST /c", "no_audit"));
	assert_true(lists(f, "GET /d", "permission_without_tenant"));
	assert_true(lists(f, "GET /api/v1/t/{tenant}/e", "open_tenant_route"));
	assert_true(lists(f, "GET /f/{tenant}", "tenant_path"));
	assert_true(lists(f, "GET /g/{id}/{id}", "doubled_parameter"));
	assert_true(lists(f, "GET /g/x{id}", "partial_parameter"));
	assert_true(lists(f, "GET /h", "audited_read"));
	assert_true(lists(f, "/h", "doubled_route"));
	assert_true(lists(f, "GET /i", "no_summary"));
	assert_true(lists(f, "GET /k", "sunset"));
	assert_true(lists(f, "GET /l", "deprecated"));
	talloc_free(ctx);
}

static void the_reference_names_every_route(void **state)
{
	void *ctx = talloc_new(NULL);
	struct registry *r;
	struct json doc;
	struct buf b;

	(void)state;
	assert_null(registry_build(ctx, LIST(struct module *, &first, &spine_module), &r));
	buf_init(&b, ctx, OPENAPI_MAX_BYTES);
	openapi_write(r, &b);
	assert_null(json_parse(ctx, buf_view(&b), &json_default_limits, &doc));
	assert_null(json_duplicate_key(ctx, &doc).p);
	const struct json_node *paths = json_get(&doc, json_root(&doc), STR("paths"));
	for (size_t i = 0; registry_route_at(r, i); i++) {
		struct str path = str_of(registry_route_at(r, i)->path);
		path.n -= path.n > 1 && str_ends(path, STR("/"));
		assert_non_null(json_get(&doc, paths, path));
	}
	buf_reset(&b);
	registry_routes_json(r, &b);
	assert_null(json_parse(ctx, buf_view(&b), &json_default_limits, &doc));
	talloc_free(ctx);
}

static void a_bucket_empties_and_fills(void **state)
{
	void *ctx = talloc_new(NULL);
	struct limits *l = limits_new(ctx, 1024);
	struct limit_state s = { 0 };

	(void)state;
	for (int i = 0; i < 5; i++) {
		s = limits_take(l, STR("a"), 5, 60, 1);
		assert_true(s.allowed);
		assert_int_equal(s.remaining, 4 - i);
	}
	s = limits_take(l, STR("a"), 5, 60, 1);
	assert_false(s.allowed);
	assert_in_range(s.retry_after_s, 11, 12);
	assert_in_range(s.reset_s, 59, 60);
	assert_true(limits_take(l, STR("b"), 5, 60, 5).allowed);
	assert_int_equal(limits_take(l, STR("c"), 5, 60, 0).remaining, 5);
	/* many names push out full buckets, never the empty one */
	for (int i = 0; i < 20000; i++) {
		char name[16];
		snprintf(name, sizeof(name), "n%d", i);
		limits_take(l, str_of(name), 1000, 60, 1);
	}
	assert_false(limits_take(l, STR("a"), 5, 60, 1).allowed);
	talloc_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_find_their_routes),
		cmocka_unit_test(the_contract_lists_every_finding),
		cmocka_unit_test(the_reference_names_every_route),
		cmocka_unit_test(a_bucket_empties_and_fills),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
