/* fuzz_http_fields.c - what is read out of an accepted request: cookies, query
 * parameters, and the encodings, conditions and ranges of embedded files. The
 * input is cut at NUL into the values. */
#include "http/assets.h"

#include <stdint.h>
#include <stdlib.h>
#include <talloc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned char whole[] = "0123456789";
static const struct asset asset = { .path = "/a",
				    .content_type = "text/plain",
				    .etag = "\"tag\"",
				    .identity = whole,
				    .gzip = whole,
				    .brotli = whole,
				    .identity_bytes = 10,
				    .gzip_bytes = 5,
				    .brotli_bytes = 4 };

static void must(bool promise)
{
	if (!promise)
		abort();
}

static void check_reply(const struct asset_reply *r)
{
	const char *from = (const char *)whole;

	must(r->status == 200 || r->status == 206 || r->status == 304 || r->status == 416);
	must(r->field_count <= ASSET_FIELDS_MAX);
	must(r->body.n == 0 || (r->body.p >= from && r->body.p + r->body.n <= from + 10));
	must(r->status != 206 || r->body.n > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "Cookie", "Accept-Encoding", "Range", "If-Range",
					     "If-None-Match" };
	void *ctx = talloc_new(NULL);
	struct str rest = { (const char *)data, size };
	struct http_field fields[5];
	struct http_request rq = { .method = HTTP_GET, .fields = fields };

	rq.query = str_cut(&rest, '\0');
	while (rq.field_count < 5 && !str_is_null(rest)) {
		fields[rq.field_count] =
			(struct http_field){ str_of(names[rq.field_count]), str_cut(&rest, '\0') };
		rq.field_count++;
	}
	http_query_param(ctx, &rq, STR("a"));
	struct str cookie = http_cookie(&rq, STR("sid"));
	must(str_is_null(cookie) || cookie.n <= size);
	struct asset_reply reply = asset_reply(ctx, &asset, &rq);
	check_reply(&reply);
	talloc_free(ctx);
	return 0;
}
