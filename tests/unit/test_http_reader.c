/* test_http_reader.c - the strict reader: every rule with what it lets through
 * and what it refuses, in one piece and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <talloc.h>

#include "http/reader.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define H "Host: a\r\n"

struct bytes_case {
	const char *bytes;
	size_t n;
};
#define B(literal)                                                                                 \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

/* Reads a head in one piece and byte by byte; both must agree. 0: fine, 1:
 * more is needed, else the status of the refusal. */
static int judge(struct str bytes, struct head_reader *r)
{
	static struct head_reader slow;
	enum reader_progress at_once, piecemeal = READER_MORE;

	head_reset(r);
	at_once = head_read(r, bytes);
	head_reset(&slow);
	for (size_t n = 1; n <= bytes.n && piecemeal == READER_MORE; n++)
		piecemeal = head_read(&slow, str_slice(bytes, 0, n));
	assert_int_equal(at_once == READER_REFUSED, piecemeal == READER_REFUSED);
	if (at_once == READER_REFUSED)
		return r->why->status;
	assert_int_equal(at_once, piecemeal);
	return at_once == READER_DONE ? 0 : 1;
}

static int judge_case(const struct bytes_case *c)
{
	static struct head_reader r;
	int status = judge((struct str){ c->bytes, c->n }, &r);

	if (status != 400)
		print_error("%d for %.*s\n", status, (int)c->n, c->bytes);
	return status;
}

static struct str part(const char *bytes, struct span s)
{
	return (struct str){ bytes + s.at, s.n };
}

static void a_plain_request_is_read(void **state)
{
	(void)state;
	static const char bytes[] = "POST /a/b?x=1&y HTTP/1.1\r\nHost: ex-ample.org:8080\r\n"
				    "Content-Length:  12\t \r\nX-Empty:\r\n\r\nbody";
	static struct head_reader r;

	assert_int_equal(judge(str_of(bytes), &r), 0);
	assert_int_equal(r.method, HTTP_POST);
	assert_true(str_eq(part(bytes, r.target), STR("/a/b?x=1&y")));
	assert_true(str_eq(part(bytes, r.path), STR("/a/b")));
	assert_true(r.has_query && str_eq(part(bytes, r.query), STR("x=1&y")));
	assert_true(str_eq(part(bytes, r.host), STR("ex-ample.org:8080")));
	assert_true(r.has_length);
	assert_int_equal(r.length, 12);
	assert_int_equal(r.field_count, 3);
	assert_true(str_eq(part(bytes, r.fields[1].value), STR("12")));
	assert_int_equal(r.fields[2].value.n, 0);
	assert_int_equal(r.head_bytes, sizeof(bytes) - 1 - 4);
	assert_true(head_keeps_alive(&r));
}

static void acceptable_heads_are_accepted(void **state)
{
	(void)state;
	static const char *const fine[] = {
		"GET / HTTP/1.1\r\n" H "\r\n",
		"\r\nGET / HTTP/1.1\r\n" H "\r\n",
		"GET / HTTP/1.0\r\n\r\n",
		"GET / HTTP/1.0\r\n" H "\r\n",
		"OPTIONS * HTTP/1.1\r\n" H "\r\n",
		"GET http://a/x HTTP/1.1\r\n" H "\r\n",
		"GET HTTPS://A HTTP/1.1\r\n" H "\r\n",
		"GET http://a?q HTTP/1.1\r\n" H "\r\n",
		"M-SEARCH /x HTTP/1.1\r\n" H "\r\n",
		"GET / HTTP/1.1\r\nHOST:a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.b.:65535\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a:\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x_y.example\r\n\r\n",
		"GET /{a}|b^?[]=\\ HTTP/1.1\r\n" H "\r\n",
		"GET / HTTP/1.1\r\n" H "X: \xC3\xA4 \xA0\x85\r\n\r\n",
		"GET / HTTP/1.1\r\n" H "x!#$%&'*+-.^_`|~9: y\r\n\r\n",
		"GET / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n",
		"GET / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n",
		"GET / HTTP/1.1\r\n" H "Content-Length: 9223372036854775807\r\n\r\n",
		"GET / HTTP/1.1\r\n" H "Content-Length: 0000000000000000005\r\n\r\n",
	};
	static struct head_reader r;

	for (size_t i = 0; i < COUNT(fine); i++) {
		int status = judge(str_of(fine[i]), &r);
		if (status != 0)
			print_error("%d for %s\n", status, fine[i]);
		assert_int_equal(status, 0);
	}
}

static void broken_request_lines_are_refused(void **state)
{
	(void)state;
	static const struct bytes_case bad[] = {
		B("GET /\r\n\r\n"),
		B("GET  / HTTP/1.1\r\n"),
		B("GET /  HTTP/1.1\r\n"),
		B("GET\t/ HTTP/1.1\r\n"),
		B(" GET / HTTP/1.1\r\n"),
		B("GET / HTTP/1.1 \r\n"),
		B("GET / HTTP/1.1\n"),
		B("GET / HTTP/1.1\rX"),
		B("GET / http/1.1\r\n"),
		B("GET / HTTP/1.10\r\n"),
		B("GET / HTTP/1\r\n"),
		B("GET / HTTP/11\r\n"),
		B("GET / HTTP/1.\r\n"),
		B("GET / HTTP/257.1\r\n"),
		B("GET / HTTP/1.257\r\n"),
		B("GET / HTTP/+1.1\r\n"),
		B("GET / HTTPS/1.1\r\n"),
		B("GET x HTTP/1.1\r\n"),
		B("GET * HTTP/1.1\r\n"),
		B("GET  HTTP/1.1\r\n"),
		B("CONNECT a:443 HTTP/1.1\r\n"),
		B("GET /a b HTTP/1.1\r\n"),
		B("GET /#x HTTP/1.1\r\n"),
		B("GET /\0 HTTP/1.1\r\n"),
		B("GET /\x7f HTTP/1.1\r\n"),
		B("GET /\xC3\xA4 HTTP/1.1\r\n"),
		B("GET ftp://a/ HTTP/1.1\r\n"),
		B("GET http:// HTTP/1.1\r\n"),
		B("GET http://u@a/ HTTP/1.1\r\n"),
		B("G(T / HTTP/1.1\r\n"),
		B("G\0T / HTTP/1.1\r\n"),
		B("METHODMETHODMETHODMETHODMETHODMETHOD / HTTP/1.1\r\n"),
		B("\nGET / HTTP/1.1\r\n"),
		B("\r\n\r\nGET / HTTP/1.1\r\n"),
		B("\r\r\nGET / HTTP/1.1\r\n"),
		B("\x16\x03\x01\x02"),
		B("\0"),
		B("{}"),
	};

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(judge_case(&bad[i]), 400);
}

static void other_versions_get_505(void **state)
{
	(void)state;
	static const char *const lines[] = { "PRI * HTTP/2.0\r\n", "GET / HTTP/1.2\r\n",
					     "GET / HTTP/0.9\r\n", "GET / HTTP/3.0\r\n" };
	static struct head_reader r;

	for (size_t i = 0; i < COUNT(lines); i++)
		assert_int_equal(judge(str_of(lines[i]), &r), 505);
}

#define G(fields) B("GET / HTTP/1.1\r\n" H fields "\r\n\r\n")

static void broken_fields_are_refused(void **state)
{
	(void)state;
	static const struct bytes_case bad[] = {
		G("A : b"),
		G("A\t: b"),
		G(" A: b"),
		G("\tA: b"),
		G("A: b\r\n c"),
		G("A: b\r\n\tc"),
		G(": b"),
		G("A"),
		G("A\0: b"),
		G("A: b\0c"),
		G("A: b\rc"),
		G("A: b\nc: d"),
		G("A: b\x01"),
		G("A: b\x7f"),
		G("A\xC3: b"),
		G("A(: b"),
		G("A: b\n"),
		G("A: b\r"),
		B("GET / HTTP/1.1\r\n A: b\r\n" H "\r\n"),
		B("GET / HTTP/1.1\r\n" H "\r\rX\r\n"),
		B("GET / HTTP/1.1\r\n" H "A: b\r\n\rX"),
		B("GET / HTTP/1.1\r\n" H "\n"),
		B("GET / HTTP/1.1\r\n" H "A: b\r\n\n"),
	};

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(judge_case(&bad[i]), 400);
}

static void hosts_are_exact(void **state)
{
	(void)state;
	static const struct bytes_case bad[] = {
		B("GET / HTTP/1.1\r\n\r\n"),
		G("Host: a"),
		G("host: b"),
		B("GET / HTTP/1.1\r\nHost:\r\n\r\n"),
		B("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
		B("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"),
		B("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
		B("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
		B("GET / HTTP/1.1\r\nHost: :80\r\n\r\n"),
		B("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"),
		B("GET / HTTP/1.1\r\nHost: a:-1\r\n\r\n"),
		B("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"),
		B("GET / HTTP/1.1\r\nHost: a:000080\r\n\r\n"),
		B("GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n"),
		B("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
		B("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"),
		B("GET / HTTP/1.1\r\nHost: []\r\n\r\n"),
		B("GET / HTTP/1.1\r\nHost: [g::]\r\n\r\n"),
		B("GET / HTTP/1.1\r\nHost: \xC3\xA4\r\n\r\n"),
		B("GET http://a/ HTTP/1.1\r\n\r\n"),
		B("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n"),
		B("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
	};

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(judge_case(&bad[i]), 400);
}

static void lengths_are_exact(void **state)
{
	(void)state;
	static const struct bytes_case bad[] = {
		G("Content-Length: 5\r\nContent-Length: 5"),
		G("Content-Length: 5\r\nContent-Length: 6"),
		G("Content-Length: 6\r\nContent-Length: 5"),
		G("Content-Length: 5, 5"),
		G("Content-Length: 5,"),
		G("Content-Length: 5 5"),
		G("Content-Length: +5"),
		G("Content-Length: -5"),
		G("Content-Length: -0"),
		G("Content-Length: 0x5"),
		G("Content-Length: 5_0"),
		G("Content-Length: 5.0"),
		G("Content-Length: 5e1"),
		G("Content-Length: 5;"),
		G("Content-Length: a"),
		G("Content-Length:"),
		G("Content-Length: \x85"
		  "5"),
		G("Content-Length: 5\xA0"),
		G("Content-Length: 9223372036854775808"),
		G("Content-Length: 18446744073709551621"),
		G("Content-Length: 00000000000000000005"),
		G("Content-Length: 99999999999999999999999999"),
		G("Content-Length: 5\r\nTransfer-Encoding: chunked"),
		G("Transfer-Encoding: chunked\r\nContent-Length: 5"),
		G("Transfer-Encoding: chunked\r\nContent-Length: 0"),
	};

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(judge_case(&bad[i]), 400);
}

static void codings_are_exact(void **state)
{
	(void)state;
	static const struct bytes_case bad[] = {
		G("Transfer-Encoding: gzip, chunked"),
		G("Transfer-Encoding: chunked, gzip"),
		G("Transfer-Encoding: chunked, chunked"),
		G("Transfer-Encoding: ,chunked"),
		G("Transfer-Encoding: chunked,"),
		G("Transfer-Encoding: identity"),
		G("Transfer-Encoding: xchunked"),
		G("Transfer-Encoding: chunked;x=1"),
		G("Transfer-Encoding: \"chunked\""),
		G("Transfer-Encoding: chunked\xA0"),
		G("Transfer-Encoding: \x0b"
		  "chunked"),
		G("Transfer-Encoding:"),
		G("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
		G("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"),
		G("Transfer-Encoding : chunked"),
		G("Transfer-Encoding: chunk\r\n ed"),
		B("POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n"),
	};

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(judge_case(&bad[i]), 400);
}

/* "GET /xxx HTTP/1.1" with a request line of exactly n bytes, then fields. */
static struct str long_line(void *ctx, size_t n, const char *rest)
{
	char *text = talloc_strdup(ctx, "GET /");
	char *fill = talloc_size(ctx, n + 1);

	memset(fill, 'x', n - 14);
	fill[n - 14] = '\0';
	text = talloc_asprintf_append(text, "%s HTTP/1.1%s", fill, rest);
	return str_of(text);
}

static void lines_and_heads_have_limits(void **state)
{
	(void)state;
	static struct head_reader r;
	void *ctx = talloc_new(NULL);

	assert_int_equal(judge(long_line(ctx, 8192, "\r\n" H "\r\n"), &r), 0);
	assert_int_equal(judge(long_line(ctx, 8193, "\r\n" H "\r\n"), &r), 414);
	assert_int_equal(judge(long_line(ctx, 9000, ""), &r), 414); /* without an end */
	assert_int_equal(judge(long_line(ctx, 40000, "\r\n"), &r), 414);

	char *many = talloc_strdup(ctx, "GET / HTTP/1.1\r\n" H);
	for (int i = 0; i < 99; i++)
		many = talloc_strdup_append(many, "A: b\r\n");
	assert_int_equal(judge(str_of(talloc_asprintf(ctx, "%s\r\n", many)), &r), 0);
	assert_int_equal(r.field_count, 100);
	assert_int_equal(judge(str_of(talloc_asprintf(ctx, "%sA: b\r\n", many)), &r), 431);

	char *fill = talloc_size(ctx, HTTP_HEAD_MAX + 1);
	memset(fill, 'y', HTTP_HEAD_MAX);
	fill[HTTP_HEAD_MAX] = '\0';
	assert_int_equal(
		judge(str_of(talloc_asprintf(ctx, "GET / HTTP/1.1\r\n" H "A: %s", fill)), &r), 431);
	int room = HTTP_HEAD_MAX - (int)sizeof("GET / HTTP/1.1\r\n" H "A: \r\n\r\n") + 1;
	assert_int_equal(judge(str_of(talloc_asprintf(ctx, "GET / HTTP/1.1\r\n" H "A: %.*s\r\n\r\n",
						      room, fill)),
			       &r),
			 0);
	assert_int_equal(judge(str_of(talloc_asprintf(ctx, "GET / HTTP/1.1\r\n" H "A: %.*s\r\n\r\n",
						      room + 1, fill)),
			       &r),
			 431);
	talloc_free(ctx);
}

static void the_connection_is_kept_as_agreed(void **state)
{
	(void)state;
	static const struct {
		const char *head;
		bool keeps;
	} cases[] = {
		{ "GET / HTTP/1.1\r\n" H "\r\n", true },
		{ "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\n" H "Connection: x, CLOSE ,\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\n" H "Connection: keep-alive\r\nConnection: close\r\n\r\n",
		  false },
		{ "GET / HTTP/1.1\r\n" H "Connection: closed\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false },
	};
	static struct head_reader r;

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(judge(str_of(cases[i].head), &r), 0);
		assert_int_equal(head_keeps_alive(&r), cases[i].keeps);
	}
}

/* Reads chunks in pieces of the given size; the decoded body goes to ctx. */
static enum reader_progress unchunk(struct str bytes, size_t piece, struct buf *body,
				    size_t *ret_used)
{
	struct chunk_reader r;
	enum reader_progress progress = READER_MORE;
	size_t at = 0;

	chunk_reset(&r);
	while (progress == READER_MORE && at < bytes.n) {
		size_t end = at + piece < bytes.n ? at + piece : bytes.n, used;
		struct str data;
		progress = chunk_read(&r, str_slice(bytes, at, end), &used, &data);
		assert_true(used > 0);
		buf_str(body, data);
		at += used;
	}
	*ret_used = at;
	return progress;
}

static void chunks_are_joined(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		const char *body;
		size_t behind; /* bytes that belong to the next request */
	} cases[] = {
		{ "0\r\n\r\n", "", 0 },
		{ "3\r\nabc\r\n0\r\n\r\n", "abc", 0 },
		{ "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nGET", "abc0123456789", 3 },
		{ "a\r\n0123456789\r\n000\r\n\r\n", "0123456789", 0 },
		{ "003;ext=\"1\"\r\nabc\r\n0;x\r\n\r\n", "abc", 0 },
		{ "3;0123456789abcde\r\nabc\r\n0\r\n\r\n", "abc", 0 },
		{ "2\r\n\r\n\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\nZ", "\r\n", 1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str bytes = str_of(cases[i].bytes);
		for (size_t piece = 1; piece <= bytes.n; piece++) {
			void *ctx = talloc_new(NULL);
			struct buf body;
			size_t used;
			buf_init(&body, ctx, 1000);
			assert_int_equal(unchunk(bytes, piece, &body, &used), READER_DONE);
			assert_int_equal(used, bytes.n - cases[i].behind);
			assert_true(str_eq(buf_view(&body), str_of(cases[i].body)));
			talloc_free(ctx);
		}
	}
}

static void broken_chunks_are_refused(void **state)
{
	(void)state;
	static const struct bytes_case bad[] = {
		B("0x3\r\nabc\r\n0\r\n\r\n"),
		B("+3\r\nabc\r\n0\r\n\r\n"),
		B("-3\r\nabc\r\n0\r\n\r\n"),
		B("3_0\r\nabc\r\n0\r\n\r\n"),
		B(" 3\r\nabc\r\n0\r\n\r\n"),
		B("3 \r\nabc\r\n0\r\n\r\n"),
		B("3\t\r\nabc\r\n0\r\n\r\n"),
		B("3 ;x\r\nabc\r\n0\r\n\r\n"),
		B("g\r\n"),
		B("\r\n"),
		B(";x\r\n"),
		B("3\nabc\n0\n\n"),
		B("3\r\nabc\n0\r\n\r\n"),
		B("3\r\nabcd\r\n0\r\n\r\n"),
		B("3\r\nabc\r0\r\n\r\n"),
		B("3\rXabc\r\n0\r\n\r\n"),
		B("3\r\r\nabc\r\n0\r\n\r\n"),
		B("3\0\r\nabc\r\n0\r\n\r\n"),
		B("3;a\nb\r\nabc\r\n0\r\n\r\n"),
		B("3;a b\r\nabc\r\n0\r\n\r\n"),
		B("3;\0\r\nabc\r\n0\r\n\r\n"),
		B("3;0123456789abcdef\r\nabc\r\n0\r\n\r\n"),
		B("1000000000000000\r\n"),
		B("10000000000000003\r\nabc\r\n0\r\n\r\n"),
		B("ffffffffffffffff\r\n"),
		B("0000000000000003\r\nabc\r\n"),
		B("0\r\n\n"),
		B("0\r\nX\r\n\r\n"),
		B("0\r\nX : y\r\n\r\n"),
		B("0\r\n X: y\r\n\r\n"),
		B("0\r\nX: y\r\n z\r\n\r\n"),
		B("0\r\nX: \0\r\n\r\n"),
		B("0\r\nX: y\rZ"),
		B("0\r\n\rX"),
		B("0\r\n: y\r\n\r\n"),
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		for (size_t piece = 1; piece <= bad[i].n;
		     piece += bad[i].n - 1 ? bad[i].n - 1 : 1) {
			void *ctx = talloc_new(NULL);
			struct buf body;
			size_t used;
			buf_init(&body, ctx, 1000);
			enum reader_progress p = unchunk((struct str){ bad[i].bytes, bad[i].n },
							 piece, &body, &used);
			if (p != READER_REFUSED)
				print_error("%s\n", bad[i].bytes);
			assert_int_equal(p, READER_REFUSED);
			talloc_free(ctx);
		}
	}
}

static void trailers_have_a_limit(void **state)
{
	(void)state;
	void *ctx = talloc_new(NULL);
	char *fill = talloc_size(ctx, HTTP_TRAILER_MAX + 1);
	struct buf body;
	size_t used;

	memset(fill, 't', HTTP_TRAILER_MAX);
	fill[HTTP_TRAILER_MAX] = '\0';
	buf_init(&body, ctx, 10);
	struct str bytes = str_of(talloc_asprintf(ctx, "0\r\nA: %s\r\n\r\n", fill));
	assert_int_equal(unchunk(bytes, bytes.n, &body, &used), READER_REFUSED);
	talloc_free(ctx);
}

static void cookies_and_parameters_are_found(void **state)
{
	(void)state;
	void *ctx = talloc_new(NULL);
	const struct http_field fields[] = {
		{ STR("Cookie"), STR("a=1; sid=xyz=; b=\"q\"; sidx=no; flag") },
		{ STR("cookie"), STR("late=2") },
	};
	const struct http_request rq = { .fields = fields,
					 .field_count = 2,
					 .query = STR("a=1&b=%41+c&%63=d&e&f=%zz&a=2&g=") };

	assert_true(str_eq(http_cookie(&rq, STR("sid")), STR("xyz=")));
	assert_true(str_eq(http_cookie(&rq, STR("b")), STR("q")));
	assert_true(str_eq(http_cookie(&rq, STR("late")), STR("2")));
	assert_true(str_is_null(http_cookie(&rq, STR("flag"))));
	assert_true(str_is_null(http_cookie(&rq, STR("si"))));
	assert_true(str_eq(http_query_param(ctx, &rq, STR("a")), STR("1")));
	assert_true(str_eq(http_query_param(ctx, &rq, STR("b")), STR("A c")));
	assert_true(str_eq(http_query_param(ctx, &rq, STR("c")), STR("d")));
	assert_true(str_eq(http_query_param(ctx, &rq, STR("e")), STR("")));
	assert_true(str_eq(http_query_param(ctx, &rq, STR("g")), STR("")));
	assert_true(str_is_null(http_query_param(ctx, &rq, STR("f"))));
	assert_true(str_is_null(http_query_param(ctx, &rq, STR("none"))));
	assert_true(str_is_null(http_query_param(ctx, &(struct http_request){ 0 }, STR("a"))));
	assert_true(str_eq(http_field(&rq, STR("COOKIE")), fields[0].value));
	talloc_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_request_is_read),
		cmocka_unit_test(acceptable_heads_are_accepted),
		cmocka_unit_test(broken_request_lines_are_refused),
		cmocka_unit_test(other_versions_get_505),
		cmocka_unit_test(broken_fields_are_refused),
		cmocka_unit_test(hosts_are_exact),
		cmocka_unit_test(lengths_are_exact),
		cmocka_unit_test(codings_are_exact),
		cmocka_unit_test(lines_and_heads_have_limits),
		cmocka_unit_test(the_connection_is_kept_as_agreed),
		cmocka_unit_test(chunks_are_joined),
		cmocka_unit_test(broken_chunks_are_refused),
		cmocka_unit_test(trailers_have_a_limit),
		cmocka_unit_test(cookies_and_parameters_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
