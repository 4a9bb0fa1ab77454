/* test_realtime_websocket.c - the frame reader against RFC 6455: every rule that a
 * client can break, and every way to cut a message into reads. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <talloc.h>

#include "services/realtime/utf8.h"
#include "services/realtime/websocket.h"

#define LIMIT 100000

/* A masked frame, the first two bytes given, the right length form. */
static size_t frame(char *out, int first, const char *payload, size_t n)
{
	static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
	size_t at = 0;

	out[at++] = (char)first;
	if (n < 126) {
		out[at++] = (char)(0x80 | n);
	} else if (n < 65536) {
		out[at++] = (char)(0x80 | 126);
		out[at++] = (char)(n >> 8);
		out[at++] = (char)n;
	} else {
		out[at++] = (char)(0x80 | 127);
		for (int i = 7; i >= 0; i--)
			out[at++] = (char)(n >> (8 * i));
	}
	memcpy(out + at, mask, 4);
	at += 4;
	for (size_t i = 0; i < n; i++)
		out[at++] = (char)(payload[i] ^ mask[i & 3]);
	return at;
}

struct outcome {
	enum ws_outcome what;
	enum ws_opcode opcode;
	uint16_t code;
	char text[256];
	size_t bytes;
	int messages;
};

/* Feeds bytes in pieces of `step`; reports the last message or the failure. */
static struct outcome feed(const void *ctx, const char *bytes, size_t n, size_t step)
{
	struct ws_reader r;
	struct outcome o = { .what = WS_MORE };
	char *copy = talloc_memdup(ctx, bytes, n);

	ws_reader_init(&r, ctx, LIMIT);
	for (size_t at = 0; at < n && o.what != WS_BROKEN;) {
		size_t part = n - at < step ? n - at : step;
		size_t used = 0;
		struct ws_message m = { 0 };
		enum ws_outcome what = ws_read(&r, copy + at, part, &used, &m);
		at += used;
		if (what == WS_MORE)
			continue;
		o.what = what;
		o.code = m.close_code;
		if (what == WS_BROKEN)
			break;
		o.messages++;
		o.opcode = m.opcode;
		o.bytes = m.data.n;
		size_t keep = m.data.n < 255 ? m.data.n : 255;
		memcpy(o.text, m.data.p, keep);
		o.text[keep] = '\0';
	}
	ws_reader_clear(&r);
	talloc_free(copy);
	return o;
}

static void every_cut_gives_the_same_message(void **state)
{
	char bytes[2000];
	size_t n = frame(bytes, 0x01, "h\xe2\x82", 3);

	n += frame(bytes + n, 0x89, "ping", 4);
	n += frame(bytes + n, 0x00, "\xac", 1);
	n += frame(bytes + n, 0x00, "", 0);
	n += frame(bytes + n, 0x80, "llo", 3);
	for (size_t step = 1; step <= n; step++) {
		struct outcome o = feed(*state, bytes, n, step);
		assert_int_equal(o.what, WS_MESSAGE);
		assert_int_equal(o.messages, 2);
		assert_int_equal(o.opcode, WS_TEXT);
		assert_string_equal(o.text, "h\xe2\x82\xacllo");
	}
}

static void all_length_forms_are_read(void **state)
{
	static const size_t sizes[] = { 0, 1, 125, 126, 127, 65535, 65536, LIMIT };
	char *payload = talloc_array(*state, char, LIMIT);
	char *bytes = talloc_array(*state, char, LIMIT + 20);

	memset(payload, 'x', LIMIT);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = frame(bytes, 0x82, payload, sizes[i]);
		for (size_t step = 1000; step <= n + 1000; step += 40000) {
			struct outcome o = feed(*state, bytes, n, step);
			assert_int_equal(o.what, WS_MESSAGE);
			assert_int_equal(o.opcode, WS_BINARY);
			assert_int_equal(o.bytes, sizes[i]);
		}
	}
}

struct broken {
	const char *name;
	int first;
	const char *payload;
	size_t n;
	uint16_t code;
};

static void broken_frames_get_their_code(void **state)
{
	static const struct broken cases[] = {
		{ "rsv1", 0xc1, "a", 1, 1002 },
		{ "rsv2", 0xa1, "a", 1, 1002 },
		{ "rsv3", 0x91, "a", 1, 1002 },
		{ "opcode 3", 0x83, "a", 1, 1002 },
		{ "opcode 11", 0x8b, "a", 1, 1002 },
		{ "opcode 15", 0x8f, "", 0, 1002 },
		{ "fragmented ping", 0x09, "a", 1, 1002 },
		{ "continuation of nothing", 0x80, "a", 1, 1002 },
		{ "bad text", 0x81, "\xff", 1, 1007 },
		{ "text that ends in a character", 0x81, "\xe2\x82", 2, 1007 },
		{ "surrogate", 0x81, "\xed\xa0\x80", 3, 1007 },
		{ "overlong", 0x81, "\xc0\xaf", 2, 1007 },
		{ "above U+10FFFF", 0x81, "\xf4\x90\x80\x80", 4, 1007 },
		{ "close with one byte", 0x88, "\x03", 1, 1002 },
		{ "close 1005", 0x88, "\x03\xed", 2, 1002 },
		{ "close 1006", 0x88, "\x03\xee", 2, 1002 },
		{ "close 1015", 0x88, "\x03\xf7", 2, 1002 },
		{ "close 999", 0x88, "\x03\xe7", 2, 1002 },
		{ "close 2999", 0x88, "\x0b\xb7", 2, 1002 },
		{ "close 5000", 0x88, "\x13\x88", 2, 1002 },
		{ "close with a broken reason", 0x88, "\x03\xe8\xff", 3, 1007 },
	};
	char bytes[300];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = frame(bytes, cases[i].first, cases[i].payload, cases[i].n);
		struct outcome o = feed(*state, bytes, n, 1);
		if (o.what != WS_BROKEN || o.code != cases[i].code)
			fail_msg("%s: outcome %d code %d", cases[i].name, (int)o.what, o.code);
	}
}

static void unmasked_and_long_forms_are_refused(void **state)
{
	static const char unmasked[] = { (char)0x81, 0x01, 'a' };
	static const char long16[] = { (char)0x82, (char)0xfe, 0, 125, 0, 0, 0, 0 };
	static const char long64[] = { (char)0x82, (char)0xff, 0,	   0, 0, 0, 0,
				       0,	   (char)0xff, (char)0xff, 0, 0, 0, 0 };
	static const char huge[] = { (char)0x82, (char)0xff, (char)0x80, 0, 0, 0, 0,
				     0,		 0,	     0,		 0, 0, 0, 0 };
	static const char too_large[] = {
		(char)0x82, (char)0xff, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0
	};
	static const char long_ping[] = { (char)0x89, (char)0xfe, 0, 126, 0, 0, 0, 0 };

	assert_int_equal(feed(*state, unmasked, sizeof(unmasked), 1).code, 1002);
	assert_int_equal(feed(*state, long16, sizeof(long16), 1).code, 1002);
	assert_int_equal(feed(*state, long64, sizeof(long64), 1).code, 1002);
	assert_int_equal(feed(*state, huge, sizeof(huge), 1).code, 1002);
	assert_int_equal(feed(*state, too_large, sizeof(too_large), 1).code, 1009);
	assert_int_equal(feed(*state, long_ping, sizeof(long_ping), 1).code, 1002);
}

static void order_of_fragments_is_kept(void **state)
{
	char *bytes = talloc_array(*state, char, 300000);
	char *payload = talloc_zero_array(*state, char, 60000);
	size_t n = frame(bytes, 0x01, "a", 1);

	n += frame(bytes + n, 0x81, "b", 1); /* a new message inside one */
	assert_int_equal(feed(*state, bytes, n, n).code, 1002);
	n = frame(bytes, 0x02, payload, 60000);
	n += frame(bytes + n, 0x80, payload, 60000); /* together too large */
	assert_int_equal(feed(*state, bytes, n, n).code, 1009);
	n = 0;
	for (int i = 0; i < 20000; i++)
		n += frame(bytes + n, i == 0 ? 0x02 : 0x00, "", 0);
	assert_int_equal(feed(*state, bytes, n, n).code, 1008);
}

static void bad_text_fails_before_the_frame_ends(void **state)
{
	char bytes[300];
	size_t n = frame(bytes, 0x81,
			 "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80xxxxxxxx", 22);

	assert_int_equal(feed(*state, bytes, n - 8, 1).code, 1007);
}

static void close_carries_code_and_reason(void **state)
{
	char bytes[300];
	struct outcome o;

	o = feed(*state, bytes, frame(bytes, 0x88, "", 0), 1);
	assert_int_equal(o.code, 1005);
	o = feed(*state, bytes,
		 frame(bytes, 0x88,
		       "\x03\xe9"
		       "bye",
		       5),
		 1);
	assert_int_equal(o.code, 1001);
	assert_string_equal(o.text, "bye");
	o = feed(*state, bytes, frame(bytes, 0x88, "\x0f\xa0", 2), 1);
	assert_int_equal(o.code, 4000);
}

static void our_headers_have_the_shortest_form(void **state)
{
	uint8_t h[WS_HEADER_MAX];

	(void)state;
	assert_int_equal(ws_write_header(h, WS_TEXT, 125), 2);
	assert_int_equal(h[0], 0x81);
	assert_int_equal(h[1], 125);
	assert_int_equal(ws_write_header(h, WS_TEXT, 126), 4);
	assert_int_equal(h[2] << 8 | h[3], 126);
	assert_int_equal(ws_write_header(h, WS_BINARY, 65536), 10);
	assert_int_equal(h[0], 0x82);
	assert_int_equal(h[7], 1);
}

static void handshake_is_checked(void **state)
{
	struct ws_handshake h = { STR("WebSocket"), STR("keep-alive, Upgrade"), STR("13"),
				  STR("dGhlIHNhbXBsZSBub25jZQ==") };
	struct buf b;

	assert_int_equal(ws_handshake_check(&h), 0);
	h.version = STR("8");
	assert_int_equal(ws_handshake_check(&h), 426);
	h.version = STR("13");
	h.key = STR("c2hvcnQ=");
	assert_int_equal(ws_handshake_check(&h), 400);
	h.key = (struct str){ 0 };
	assert_int_equal(ws_handshake_check(&h), 400);
	h.connection = STR("close");
	assert_int_equal(ws_handshake_check(&h), 400);
	buf_init(&b, *state, 1000);
	ws_handshake_answer(&b, STR("dGhlIHNhbXBsZSBub25jZQ=="));
	assert_non_null(strstr(b.p, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
}

static void utf8_agrees_with_the_whole_text_check(void **state)
{
	(void)state;
	for (uint32_t v = 0; v < 0x1000000; v += 7) {
		char text[4] = { (char)(v >> 16), (char)(v >> 8), (char)v, (char)(v * 31) };
		uint32_t s = utf8_walk(utf8_walk(UTF8_START, text, 1), text + 1, 3);
		if ((s == UTF8_START) != str_is_utf8((struct str){ text, 4 }))
			fail_msg("%06x", v);
	}
}

static int setup(void **state)
{
	*state = talloc_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	return talloc_free(*state);
}

/* The peer may send on before it has seen our close. */
static void a_broken_reader_is_dead(void **state)
{
	static const char *const starts[] = { "\x81\x05", "\xf1\x80", "\x83\x80",
					      "\x81\xff\0\0\0\0\0\0\0\1mask" };
	static const size_t lengths[] = { 2, 2, 2, 14 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct ws_reader *r = talloc_zero(*state, struct ws_reader);
		struct ws_message m = { 0 };
		char bytes[600] = { 0 };
		size_t used;

		memcpy(bytes, starts[i], lengths[i]);
		ws_reader_init(r, *state, LIMIT);
		assert_int_equal(ws_read(r, bytes, lengths[i], &used, &m), WS_BROKEN);
		memset(bytes, 0x81, sizeof(bytes));
		for (size_t at = 0; at < sizeof(bytes) - 7; at += used)
			assert_int_equal(ws_read(r, bytes + at, 1 + at % 7, &used, &m), WS_MORE);
		assert_true(r->header_bytes <= sizeof(r->header));
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_broken_reader_is_dead),
		CASE(every_cut_gives_the_same_message),
		CASE(all_length_forms_are_read),
		CASE(broken_frames_get_their_code),
		CASE(unmasked_and_long_forms_are_refused),
		CASE(order_of_fragments_is_kept),
		CASE(bad_text_fails_before_the_frame_ends),
		CASE(close_carries_code_and_reason),
		CASE(our_headers_have_the_shortest_form),
		CASE(handshake_is_checked),
		CASE(utf8_agrees_with_the_whole_text_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
