/* test_http_assets.c - what the embedded files answer: encodings, conditions,
 * ranges, caching. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <talloc.h>

#include "http/assets.h"

#define assert_str(s, literal)                                                                     \
	assert_true(str_eq((s), STR(literal)) || (print_error("got %.*s\n", STR_ARG(s)), false))

#define BYTES(literal) (const unsigned char *)(literal), .identity_bytes = sizeof(literal) - 1

static const struct asset list[] = {
	{ .path = "/a.png",
	  .content_type = "image/png",
	  .etag = "\"png\"",
	  .identity = BYTES("0123456789") },
	{ .path = "/assets/app-3fa9Bc1d.js",
	  .content_type = "text/javascript",
	  .etag = "\"js\"",
	  .identity = BYTES("abcdefghij"),
	  .gzip = (const unsigned char *)"GZ",
	  .gzip_bytes = 2,
	  .brotli = (const unsigned char *)"B",
	  .brotli_bytes = 1,
	  .immutable = true },
	{ .path = "/empty.txt", .content_type = "text/plain", .etag = "\"empty\"" },
	{ .path = "/index.html",
	  .content_type = "text/html",
	  .etag = "\"html\"",
	  .identity = BYTES("<html>"),
	  .gzip = (const unsigned char *)"GZ",
	  .gzip_bytes = 2 },
};
static const struct assets all = { list, sizeof(list) / sizeof(list[0]) };

/* The reply to a GET with up to two fields. */
static struct asset_reply ask2(void *ctx, const char *path, struct http_field one,
			       struct http_field two)
{
	struct http_field fields[2] = { one, two };
	struct http_request rq = { .method = HTTP_GET,
				   .fields = fields,
				   .field_count = two.name.p   ? 2
						  : one.name.p ? 1
							       : 0 };

	return asset_reply(ctx, assets_find(&all, str_of(path)), &rq);
}

static struct asset_reply ask(void *ctx, const char *path, const char *name, const char *value)
{
	return ask2(ctx, path, (struct http_field){ str_of(name), str_of(value) },
		    (struct http_field){ 0 });
}

static struct str field(const struct asset_reply *r, const char *name)
{
	struct http_request view = { .fields = r->fields, .field_count = r->field_count };

	return http_field(&view, str_of(name));
}

static void paths_are_found_exactly(void **state)
{
	(void)state;
	for (size_t i = 0; i < all.n; i++)
		assert_ptr_equal(assets_find(&all, str_of(list[i].path)), &list[i]);
	assert_null(assets_find(&all, STR("/a.pn")));
	assert_null(assets_find(&all, STR("/a.pngx")));
	assert_null(assets_find(&all, STR("/")));
	assert_null(assets_find(&all, STR("/zzz")));
	assert_null(assets_find(&(struct assets){ 0 }, STR("/a.png")));
	assert_null(assets_find(NULL, STR("/a.png")));
}

static void the_best_encoding_is_chosen(void **state)
{
	static const struct {
		const char *accept;
		const char *encoding; /* NULL: identity */
	} cases[] = {
		{ NULL, NULL },
		{ "", NULL },
		{ "gzip", "gzip" },
		{ "gzip, deflate, br, zstd", "br" },
		{ "GZIP", "gzip" },
		{ "x-gzip", "gzip" },
		{ "br;q=0.5, gzip;q=0.8", "gzip" },
		{ "br;q=0, gzip", "gzip" },
		{ "br;q=0, gzip;q=0", NULL },
		{ "*", "br" },
		{ "*;q=0", NULL },
		{ "*;q=0, gzip;q=0.1", "gzip" },
		{ "identity, gzip;q=0.5", NULL },
		{ "identity;q=0.5, gzip;q=1.0", "gzip" },
		{ "gzip;q=nonsense", NULL },
		{ "gzip;q=2", NULL },
		{ "gzip ; q=0.001", "gzip" },
		{ ",,;=,", NULL },
		{ "deflate", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		void *ctx = talloc_new(NULL);
		struct asset_reply r =
			ask(ctx, "/assets/app-3fa9Bc1d.js",
			    cases[i].accept ? "Accept-Encoding" : NULL, cases[i].accept);
		struct str encoding = field(&r, "Content-Encoding");
		assert_int_equal(r.status, 200);
		assert_true(cases[i].encoding ? str_eq(encoding, str_of(cases[i].encoding))
					      : str_is_null(encoding));
		assert_str(field(&r, "Vary"), "Accept-Encoding");
		talloc_free(ctx);
	}
	(void)state;
}

static void only_forms_that_exist_are_sent(void **state)
{
	(void)state;
	void *ctx = talloc_new(NULL);
	struct asset_reply r = ask(ctx, "/index.html", "accept-encoding", "br, gzip;q=0.1");

	assert_str(field(&r, "Content-Encoding"), "gzip");
	assert_str(r.body, "GZ");
	r = ask(ctx, "/a.png", "Accept-Encoding", "br, gzip");
	assert_true(str_is_null(field(&r, "Content-Encoding")));
	assert_true(str_is_null(field(&r, "Vary")));
	assert_str(r.body, "0123456789");
	assert_str(field(&r, "Content-Type"), "image/png");
	r = ask(ctx, "/empty.txt", NULL, NULL);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.body.n, 0);
	assert_non_null(r.body.p);
	talloc_free(ctx);
}

static void hashed_names_are_cached_for_ever(void **state)
{
	(void)state;
	void *ctx = talloc_new(NULL);
	struct asset_reply r = ask(ctx, "/assets/app-3fa9Bc1d.js", NULL, NULL);

	assert_str(field(&r, "Cache-Control"), "public, max-age=31536000, immutable");
	r = ask(ctx, "/index.html", NULL, NULL);
	assert_str(field(&r, "Cache-Control"), "no-cache");
	talloc_free(ctx);
}

static void a_known_tag_is_not_sent_again(void **state)
{
	(void)state;
	void *ctx = talloc_new(NULL);
	struct asset_reply r = ask(ctx, "/index.html", "If-None-Match", "\"x\", W/\"html\"");

	assert_int_equal(r.status, 304);
	assert_int_equal(r.body.n, 0);
	assert_str(field(&r, "ETag"), "\"html\"");
	assert_str(field(&r, "Cache-Control"), "no-cache");
	r = ask(ctx, "/index.html", "If-None-Match", "*");
	assert_int_equal(r.status, 304);
	r = ask(ctx, "/index.html", "If-None-Match", "\"html-gzip\"");
	assert_int_equal(r.status, 200);
	r = ask2(ctx, "/index.html",
		 (struct http_field){ STR("If-None-Match"), STR("\"html-gzip\"") },
		 (struct http_field){ STR("Accept-Encoding"), STR("gzip") });
	assert_int_equal(r.status, 304);
	assert_str(field(&r, "ETag"), "\"html-gzip\"");
	r = ask2(ctx, "/index.html", (struct http_field){ STR("If-None-Match"), STR("\"html\"") },
		 (struct http_field){ STR("Range"), STR("bytes=90-99") });
	assert_int_equal(r.status, 304); /* the condition comes first */
	talloc_free(ctx);
}

static void single_ranges_are_served(void **state)
{
	static const struct {
		const char *range;
		int status;
		const char *body;
		const char *content_range;
	} cases[] = {
		{ "bytes=0-3", 206, "0123", "bytes 0-3/10" },
		{ "bytes=8-", 206, "89", "bytes 8-9/10" },
		{ "bytes=-3", 206, "789", "bytes 7-9/10" },
		{ "bytes=-99", 206, "0123456789", "bytes 0-9/10" },
		{ "bytes=9-9223372036854775807", 206, "9", "bytes 9-9/10" },
		{ "Bytes=0-0", 206, "0", "bytes 0-0/10" },
		{ "bytes=10-", 416, "", "bytes */10" },
		{ "bytes=-0", 416, "", "bytes */10" },
		{ "bytes=3-2", 200, "0123456789", NULL },
		{ "bytes=0-1,4-5", 200, "0123456789", NULL },
		{ "bytes=", 200, "0123456789", NULL },
		{ "bytes=-", 200, "0123456789", NULL },
		{ "bytes=a-b", 200, "0123456789", NULL },
		{ "bytes=--1", 200, "0123456789", NULL },
		{ "bytes=0-99999999999999999999", 200, "0123456789", NULL },
		{ "lines=0-3", 200, "0123456789", NULL },
		{ "byte", 200, "0123456789", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		void *ctx = talloc_new(NULL);
		struct asset_reply r = ask(ctx, "/a.png", "Range", cases[i].range);
		if (r.status != cases[i].status)
			print_error("%s\n", cases[i].range);
		assert_int_equal(r.status, cases[i].status);
		assert_true(str_eq(r.body, str_of(cases[i].body)));
		struct str range = field(&r, "Content-Range");
		assert_true(cases[i].content_range ? str_eq(range, str_of(cases[i].content_range))
						   : str_is_null(range));
		talloc_free(ctx);
	}
}

static void ranges_are_over_the_identity_form(void **state)
{
	(void)state;
	void *ctx = talloc_new(NULL);
	struct http_field range = { STR("Range"), STR("bytes=1-2") };
	struct asset_reply r = ask2(ctx, "/assets/app-3fa9Bc1d.js", range,
				    (struct http_field){ STR("Accept-Encoding"), STR("br") });

	assert_int_equal(r.status, 206);
	assert_str(r.body, "bc");
	assert_str(field(&r, "ETag"), "\"js\"");
	assert_true(str_is_null(field(&r, "Content-Encoding")));
	r = ask2(ctx, "/a.png", range, (struct http_field){ STR("If-Range"), STR("\"old\"") });
	assert_int_equal(r.status, 200);
	r = ask2(ctx, "/a.png", range, (struct http_field){ STR("If-Range"), STR("\"png\"") });
	assert_int_equal(r.status, 206);
	r = ask2(ctx, "/a.png", range, (struct http_field){ STR("If-Range"), STR("W/\"png\"") });
	assert_int_equal(r.status, 200); /* strong comparison, RFC 9110 13.1.5 */
	talloc_free(ctx);
}

static void head_has_no_range(void **state)
{
	(void)state;
	void *ctx = talloc_new(NULL);
	struct http_field range = { STR("Range"), STR("bytes=1-2") };
	struct http_request rq = { .method = HTTP_HEAD, .fields = &range, .field_count = 1 };
	struct asset_reply r = asset_reply(ctx, assets_find(&all, STR("/a.png")), &rq);

	assert_int_equal(r.status, 200);
	assert_int_equal(r.body.n, 10); /* the engine sends the length, not the bytes */
	talloc_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_found_exactly),
		cmocka_unit_test(the_best_encoding_is_chosen),
		cmocka_unit_test(only_forms_that_exist_are_sent),
		cmocka_unit_test(hashed_names_are_cached_for_ever),
		cmocka_unit_test(a_known_tag_is_not_sent_again),
		cmocka_unit_test(single_ranges_are_served),
		cmocka_unit_test(ranges_are_over_the_identity_form),
		cmocka_unit_test(head_has_no_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
