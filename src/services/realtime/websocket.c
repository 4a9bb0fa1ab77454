/* websocket.c - the frame reader of websocket.h. Each byte is looked at once:
 * header, then payload, unmasked where it lies; text is checked as it comes,
 * so a broken message is refused at its first broken byte (section 8.1). */
#include "services/realtime/websocket.h"

#include "services/realtime/utf8.h"

#include <talloc.h>

/* A message of this many frames is noise: at the largest message it would be 64 bytes each. */
#define FRAGMENTS_MAX 16384

void ws_reader_init(struct ws_reader *r, const void *ctx, size_t message_max_bytes)
{
	*r = (struct ws_reader){ .ctx = ctx, .message_max_bytes = message_max_bytes };
}

static void drop_message(struct ws_reader *r)
{
	TALLOC_FREE(r->message);
	r->message_bytes = r->message_room = 0;
	r->message_opcode = 0;
	r->fragments = 0;
	r->utf8_state = UTF8_START;
}

void ws_reader_clear(struct ws_reader *r)
{
	drop_message(r);
	r->header_bytes = r->control_bytes = 0;
	r->in_payload = false;
}

bool ws_close_code_is_valid(unsigned code)
{
	if (code >= 3000 && code <= 4999)
		return true;
	return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

static enum ws_outcome broken(struct ws_message *m, uint16_t code)
{
	m->close_code = code;
	return WS_BROKEN;
}

static size_t header_length(const uint8_t *h)
{
	size_t extra = (h[1] & 0x7f) == 126 ? 2 : (h[1] & 0x7f) == 127 ? 8 : 0;

	return 2 + extra + 4;
}

/* 0, or the close code for the first two bytes of a frame. */
static uint16_t check_start(const struct ws_reader *r, const uint8_t *h)
{
	uint8_t opcode = h[0] & 0x0f;
	bool is_control = opcode >= 8;
	bool is_final = h[0] & 0x80;

	if (h[0] & 0x70 || !(h[1] & 0x80))
		return WS_CLOSE_PROTOCOL; /* reserved bits; a client must mask */
	if ((opcode > 2 && opcode < 8) || opcode > 10)
		return WS_CLOSE_PROTOCOL;
	if (is_control)
		return is_final && (h[1] & 0x7f) <= WS_CONTROL_MAX ? 0 : WS_CLOSE_PROTOCOL;
	if ((opcode == WS_CONTINUATION) != (r->message_opcode != 0))
		return WS_CLOSE_PROTOCOL;
	return 0;
}

/* 0, or the close code for a whole header. */
static uint16_t take_header(struct ws_reader *r)
{
	const uint8_t *h = r->header;
	size_t length_bytes = header_length(h) - 6;
	uint64_t payload = h[1] & 0x7f;

	if (length_bytes > 0) {
		payload = 0;
		for (size_t i = 0; i < length_bytes; i++)
			payload = payload << 8 | h[2 + i];
		if (payload < (length_bytes == 2 ? 126U : 65536U) || payload >> 63)
			return WS_CLOSE_PROTOCOL; /* not the shortest form (5.2) */
	}
	memcpy(r->mask, h + 2 + length_bytes, 4);
	r->mask_at = 0;
	r->opcode = h[0] & 0x0f;
	r->final = h[0] & 0x80;
	r->payload_left = payload;
	r->in_payload = true;
	r->header_bytes = 0;
	if (r->opcode >= 8) {
		r->control_bytes = 0;
		return 0;
	}
	if (payload > r->message_max_bytes - r->message_bytes)
		return WS_CLOSE_TOO_LARGE;
	if (++r->fragments > FRAGMENTS_MAX)
		return WS_CLOSE_POLICY;
	if (r->opcode != WS_CONTINUATION)
		r->message_opcode = r->opcode;
	return 0;
}

static void unmask(struct ws_reader *r, char *p, size_t n)
{
	size_t i = 0;

	for (; i < n && r->mask_at; i++, r->mask_at = (r->mask_at + 1) & 3)
		p[i] = (char)(p[i] ^ r->mask[r->mask_at]);
	uint32_t word;
	uint64_t mask;
	memcpy(&word, r->mask, 4);
	mask = (uint64_t)word << 32 | word;
	for (; i + 8 <= n; i += 8) {
		uint64_t v;
		memcpy(&v, p + i, 8);
		v ^= mask;
		memcpy(p + i, &v, 8);
	}
	for (; i < n; i++, r->mask_at = (r->mask_at + 1) & 3)
		p[i] = (char)(p[i] ^ r->mask[r->mask_at]);
}

static void keep(struct ws_reader *r, const char *p, size_t n)
{
	size_t need = r->message_bytes + n;

	if (need > r->message_room) {
		size_t room = r->message_room ? r->message_room : 256;
		while (room < need)
			room *= 2;
		r->message = talloc_realloc_size(r->ctx, r->message, room);
		r->message_room = room;
	}
	if (n)
		memcpy(r->message + r->message_bytes, p, n);
	r->message_bytes = need;
}

static enum ws_outcome end_control(struct ws_reader *r, struct ws_message *m)
{
	struct str data = { (const char *)r->control, r->control_bytes };

	*m = (struct ws_message){ .opcode = (enum ws_opcode)r->opcode, .data = data };
	if (r->opcode != WS_CLOSE)
		return WS_MESSAGE;
	m->close_code = WS_CLOSE_NO_CODE;
	if (data.n == 0)
		return WS_MESSAGE;
	if (data.n == 1)
		return broken(m, WS_CLOSE_PROTOCOL);
	m->close_code = (uint16_t)(r->control[0] << 8 | r->control[1]);
	m->data = str_slice(data, 2, data.n);
	if (!ws_close_code_is_valid(m->close_code))
		return broken(m, WS_CLOSE_PROTOCOL);
	return str_is_utf8(m->data) ? WS_MESSAGE : broken(m, WS_CLOSE_BAD_TEXT);
}

/* Takes the n payload bytes at p, which end the frame if payload_left becomes 0. */
static enum ws_outcome take_data(struct ws_reader *r, char *p, size_t n, struct ws_message *m)
{
	bool is_whole = r->final && r->payload_left == 0 && r->message == NULL;

	if (r->message_opcode == WS_TEXT) {
		r->utf8_state = utf8_walk(r->utf8_state, p, n);
		if (r->utf8_state == UTF8_BROKEN ||
		    (r->final && r->payload_left == 0 && r->utf8_state != UTF8_START))
			return broken(m, WS_CLOSE_BAD_TEXT);
	}
	if (!is_whole)
		keep(r, p, n);
	if (r->payload_left > 0)
		return WS_MORE;
	r->in_payload = false;
	if (!r->final)
		return WS_MORE;
	*m = (struct ws_message){ .opcode = (enum ws_opcode)r->message_opcode };
	m->data = is_whole ? (struct str){ p, n } : (struct str){ r->message, r->message_bytes };
	r->message_opcode = 0; /* the buffer itself goes at the next ws_read */
	return WS_MESSAGE;
}

static enum ws_outcome take_payload(struct ws_reader *r, char *p, size_t n, struct ws_message *m)
{
	unmask(r, p, n);
	r->payload_left -= n;
	if (r->opcode < 8)
		return take_data(r, p, n, m);
	memcpy(r->control + r->control_bytes, p, n);
	r->control_bytes = (uint8_t)(r->control_bytes + n);
	if (r->payload_left > 0)
		return WS_MORE;
	r->in_payload = false;
	return end_control(r, m);
}

/* Takes one header byte; 0 or a close code. */
static uint16_t take_header_byte(struct ws_reader *r, char byte)
{
	uint16_t code = 0;

	r->header[r->header_bytes++] = (uint8_t)byte;
	if (r->header_bytes == 2)
		code = check_start(r, r->header);
	if (!code && r->header_bytes >= 2 && r->header_bytes == header_length(r->header))
		code = take_header(r);
	return code;
}

enum ws_outcome ws_read(struct ws_reader *r, char *bytes, size_t n, size_t *ret_used,
			struct ws_message *ret_message)
{
	size_t at = 0;
	enum ws_outcome outcome = WS_MORE;

	*ret_used = n;
	if (r->is_dead)
		return WS_MORE;
	if (r->message_opcode == 0)
		drop_message(r);
	while (outcome == WS_MORE && (at < n || (r->in_payload && r->payload_left == 0))) {
		if (!r->in_payload) {
			uint16_t code = take_header_byte(r, bytes[at++]);
			if (code)
				outcome = broken(ret_message, code);
			continue;
		}
		size_t part = n - at < r->payload_left ? n - at : (size_t)r->payload_left;
		outcome = take_payload(r, bytes + at, part, ret_message);
		at += part;
	}
	*ret_used = at;
	r->is_dead = outcome == WS_BROKEN;
	return outcome;
}

size_t ws_write_header(uint8_t ret_header[WS_HEADER_MAX], enum ws_opcode opcode, size_t payload)
{
	ret_header[0] = (uint8_t)(0x80 | opcode);
	if (payload < 126) {
		ret_header[1] = (uint8_t)payload;
		return 2;
	}
	size_t length_bytes = payload < 65536 ? 2 : 8;
	ret_header[1] = length_bytes == 2 ? 126 : 127;
	for (size_t i = 0; i < length_bytes; i++)
		ret_header[2 + i] = (uint8_t)((uint64_t)payload >> (8 * (length_bytes - 1 - i)));
	return 2 + length_bytes;
}
