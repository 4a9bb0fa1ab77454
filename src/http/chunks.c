/* chunks.c - the chunked transfer coding, strictly (RFC 9112 section 7.1).
 *
 * A size is 1 to 15 hex digits and nothing else; an extension may follow but
 * is short, visible and ignored; every line ends in CR LF; trailer fields are
 * checked and dropped. What is left out: using extensions or trailers. */
#include "http/reader.h"

#include "base/parse.h"

#define BAD(text)                                                                                  \
	{                                                                                          \
		400, FAULT_MALFORMED, "malformed_request", text                                    \
	}

static const struct refusal bad_size = BAD("The size of a chunk is malformed.");
static const struct refusal bad_extension = BAD("The extension of a chunk is not acceptable.");
static const struct refusal bad_end = BAD("A chunk does not end with CR LF.");
static const struct refusal bad_trailer = BAD("The trailer of the body is malformed.");

enum {
	CHUNK_SIZE,	 /* digits */
	CHUNK_EXTENSION, /* after ; */
	CHUNK_SIZE_LF,	 /* the LF of the size line */
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER,	    /* first byte of a trailer line */
	CHUNK_TRAILER_NAME, /* up to the colon */
	CHUNK_TRAILER_VALUE,
	CHUNK_TRAILER_LF,
	CHUNK_LAST_LF,
	CHUNK_END,
};

#define SIZE_DIGITS_MAX 15 /* below 2^60: no overflow */

void chunk_reset(struct chunk_reader *r)
{
	*r = (struct chunk_reader){ 0 };
}

static const struct refusal *size_byte(struct chunk_reader *r, char c)
{
	int digit = parse_hex_digit(c);

	if (digit >= 0 && r->seen < SIZE_DIGITS_MAX) {
		r->left = r->left * 16 + (uint64_t)digit;
		r->seen++;
		return NULL;
	}
	if (r->seen == 0 || digit >= 0)
		return &bad_size;
	if (c != ';' && c != '\r')
		return &bad_size;
	r->state = c == ';' ? CHUNK_EXTENSION : CHUNK_SIZE_LF;
	r->seen = 1;
	return NULL;
}

static const struct refusal *extension_byte(struct chunk_reader *r, char c)
{
	if (c == '\r') {
		r->state = CHUNK_SIZE_LF;
		return NULL;
	}
	return c > ' ' && c < 0x7f && ++r->seen <= HTTP_EXTENSION_MAX ? NULL : &bad_extension;
}

/* One byte of a name or a value; the given byte ends it and leads on. */
static const struct refusal *trailer_part(struct chunk_reader *r, char c, char end, uint8_t next)
{
	struct str byte = { &c, 1 };

	if (c == end) {
		r->state = next;
		return NULL;
	}
	return (end == ':' ? http_is_token(byte) : http_is_value(byte)) ? NULL : &bad_trailer;
}

static const struct refusal *trailer_byte(struct chunk_reader *r, char c)
{
	if (++r->seen > HTTP_TRAILER_MAX)
		return &bad_trailer;
	switch (r->state) {
	case CHUNK_TRAILER:
		r->state = c == '\r' ? CHUNK_LAST_LF : CHUNK_TRAILER_NAME;
		return c == '\r' || http_is_token((struct str){ &c, 1 }) ? NULL : &bad_trailer;
	case CHUNK_TRAILER_NAME:
		return trailer_part(r, c, ':', CHUNK_TRAILER_VALUE);
	case CHUNK_TRAILER_VALUE:
		return trailer_part(r, c, '\r', CHUNK_TRAILER_LF);
	default: /* CHUNK_TRAILER_LF, CHUNK_LAST_LF */
		r->state = r->state == CHUNK_LAST_LF ? CHUNK_END : CHUNK_TRAILER;
		return c == '\n' ? NULL : &bad_trailer;
	}
}

static const struct refusal *chunk_byte(struct chunk_reader *r, char c)
{
	switch (r->state) {
	case CHUNK_SIZE:
		return size_byte(r, c);
	case CHUNK_EXTENSION:
		return extension_byte(r, c);
	case CHUNK_SIZE_LF:
		r->state = r->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
		r->seen = 0;
		return c == '\n' ? NULL : &bad_size;
	case CHUNK_DATA_CR:
		r->state = CHUNK_DATA_LF;
		return c == '\r' ? NULL : &bad_end;
	case CHUNK_DATA_LF:
		r->state = CHUNK_SIZE;
		return c == '\n' ? NULL : &bad_end;
	default:
		return trailer_byte(r, c);
	}
}

enum reader_progress chunk_read(struct chunk_reader *r, struct str bytes, size_t *ret_used,
				struct str *ret_data)
{
	size_t i = 0;

	*ret_data = (struct str){ bytes.p, 0 };
	while (i < bytes.n && r->state != CHUNK_DATA && r->state != CHUNK_END) {
		r->why = chunk_byte(r, bytes.p[i++]);
		if (r->why) {
			*ret_used = i;
			return READER_REFUSED;
		}
	}
	if (r->state == CHUNK_DATA && i < bytes.n) {
		size_t n = bytes.n - i;
		if (n > r->left)
			n = (size_t)r->left;
		*ret_data = str_slice(bytes, i, i + n);
		i += n;
		r->left -= n;
		if (r->left == 0)
			r->state = CHUNK_DATA_CR;
	}
	*ret_used = i;
	return r->state == CHUNK_END ? READER_DONE : READER_MORE;
}
