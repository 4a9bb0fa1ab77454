/* ingest_body.c - see ingest_body.h. The unpacked size is bounded while
 * unpacking, so that a bomb costs at most 8 MiB and is never held whole. */
#include "modules/analytics/ingest_body.h"

#include "base/parse.h"

#include <talloc.h>
#include <zlib.h>

/* The window of gzip (RFC 1952) rather than zlib. */
#define GZIP_WINDOW (15 + 16)

static bool is_gzip(struct str body)
{
	return body.n >= 18 && body.p[0] == '\x1f' && body.p[1] == '\x8b' && body.p[2] == 8;
}

static struct fault *too_large(const void *ctx)
{
	return FAULT(ctx, FAULT_TOO_LARGE, "body_too_large",
		     "The body is larger than 4 MiB (8 MiB unpacked).");
}

static struct fault *inflate_into(const void *ctx, z_stream *z, struct buf *out)
{
	for (;;) {
		size_t step = out->n < (256U << 10) ? (64U << 10) : (512U << 10);
		if (step > out->max_bytes - out->n)
			step = out->max_bytes - out->n;
		if (step == 0)
			return too_large(ctx);
		char *to = buf_reserve(out, step);
		z->next_out = (Bytef *)to;
		z->avail_out = (uInt)step;
		int state = inflate(z, Z_NO_FLUSH);
		buf_added(out, step - z->avail_out);
		if (state == Z_STREAM_END)
			return NULL;
		if (state != Z_OK || (z->avail_in == 0 && z->avail_out > 0))
			return FAULT(ctx, FAULT_MALFORMED, "malformed_body",
				     "The gzip body cannot be unpacked.");
	}
}

static struct fault *unpack(const void *ctx, struct str body, struct buf *out)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)body.p, .avail_in = (uInt)body.n };

	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		return FAULT_BUG(ctx, "inflateInit2 failed");
	struct fault *f = inflate_into(ctx, &z, out);
	inflateEnd(&z);
	return f;
}

/* Length of the well-formed UTF-8 sequence at p, 0 when there is none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;

	if (n > left || !str_is_utf8((struct str){ (const char *)p, n }))
		return 0;
	return n;
}

void ingest_repair_bytes(char *text, size_t n)
{
	unsigned char *p = (unsigned char *)text;

	for (char *nul = text; (nul = memchr(nul, 0, n - (size_t)(nul - text)));)
		*nul = '?';
	if (str_is_utf8((struct str){ text, n }))
		return;
	for (size_t i = 0; i < n;) {
		size_t step = utf8_length(p + i, n - i);
		bool surrogate = step == 0 && n - i >= 3 && p[i] == 0xED && p[i + 1] >= 0xA0 &&
				 p[i + 1] <= 0xBF && (p[i + 2] & 0xC0) == 0x80;
		if (surrogate) {
			memcpy(p + i, "\xEF\xBF\xBD", 3);
			step = 3;
		} else if (step == 0) {
			p[i] = '?';
			step = 1;
		}
		i += step;
	}
}

static bool read_unit(const char *p, const char *end, unsigned *ret_unit)
{
	*ret_unit = 0;
	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return false;
	for (int i = 2; i < 6; i++) {
		int digit = parse_hex_digit(p[i]);
		if (digit < 0)
			return false;
		*ret_unit = *ret_unit << 4 | (unsigned)digit;
	}
	return true;
}

void ingest_repair_escapes(char *text, size_t n)
{
	char *p = text, *end = text + n;

	while ((p = memchr(p, '\\', (size_t)(end - p)))) {
		unsigned unit, low;
		if (!read_unit(p, end, &unit)) {
			p += end - p > 1 ? 2 : 1;
			continue;
		}
		bool pair = unit >= 0xD800 && unit < 0xDC00 && read_unit(p + 6, end, &low) &&
			    low >= 0xDC00 && low < 0xE000;
		if (!pair && (unit == 0 || (unit >= 0xD800 && unit < 0xE000)))
			memcpy(p + 2, "fffd", 4);
		p += pair ? 12 : 6;
	}
}

/* numeric holds 131 072 digits before the point and 16 383 behind it; an event
 * has at most 32 KB, so only the exponent and the fraction can break it. */
static bool fits_numeric(struct str number)
{
	size_t point = str_find(number, '.', 0), e = str_find(number, 'e', 0);
	int64_t exponent = 0;

	if (e == SIZE_MAX)
		e = str_find(number, 'E', 0);
	size_t mantissa = e == SIZE_MAX ? number.n : e;
	if (e != SIZE_MAX) {
		struct str text = str_slice(number, e + 1, number.n);
		if (text.p[0] == '+')
			text = str_slice(text, 1, text.n);
		if (!parse_int(text, -16000, 100000, &exponent))
			return false;
	}
	int64_t behind = point == SIZE_MAX ? 0 : (int64_t)(mantissa - point - 1);
	return behind - exponent < 16000 && (int64_t)mantissa + exponent < 130000;
}

void ingest_repair_numbers(char *text, const struct json *j)
{
	for (uint32_t i = 0; i < j->node_count; i++) {
		const struct json_node *node = &j->nodes[i];
		size_t n = node->end - node->start;
		/* the shortest that can fail is 1e100001 or 1e-16384 */
		if (node->type != JSON_NUMBER || n < 7 || fits_numeric(json_text(j, node)))
			continue;
		memset(text + node->start, ' ', n);
		memcpy(text + node->start, "null", 4);
	}
}

struct fault *ingest_body_read(const void *ctx, struct str body, struct json *ret_json)
{
	static const struct json_limits limits = { .depth = INGEST_DEPTH_MAX,
						   .nodes = INGEST_NODES_MAX };
	struct buf text;

	if (body.n > INGEST_PACKED_MAX)
		return too_large(ctx);
	buf_init(&text, ctx, INGEST_UNPACKED_MAX);
	if (is_gzip(body))
		TRY(unpack(ctx, body, &text));
	else
		buf_str(&text, body);
	if (text.n == 0)
		return FAULT(ctx, FAULT_MALFORMED, "malformed_body", "The body is empty.");
	/* a byte order mark is what some clients put first */
	if (text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0)
		memset(text.p, ' ', 3);
	ingest_repair_bytes(text.p, text.n);
	ingest_repair_escapes(text.p, text.n);
	TRY(json_parse(ctx, buf_view(&text), &limits, ret_json));
	ingest_repair_numbers(text.p, ret_json);
	return NULL;
}
