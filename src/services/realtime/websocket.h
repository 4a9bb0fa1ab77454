/* websocket.h - RFC 6455 on the server's side: the opening handshake and an
 * incremental frame reader, pure work on bytes.
 *
 * The reader holds no buffer while nothing is under way, hands out messages
 * that came whole without copying, and fails at the first byte that breaks a
 * rule with the close code the RFC names. Extensions are never negotiated, so
 * reserved bits are always an error. Why not wslay: docs/adr/0030-websocket-reader.md. */
#pragma once

#include "base/buf.h"

#define WS_HEADER_MAX 10 /* of a frame we send (never masked) */
#define WS_CONTROL_MAX 125
#define WS_ACCEPT_CHARS 28

enum ws_close { /* RFC 6455 section 7.4.1 */
		WS_CLOSE_NORMAL = 1000,
		WS_CLOSE_GOING_AWAY = 1001,
		WS_CLOSE_PROTOCOL = 1002,
		WS_CLOSE_NO_CODE = 1005, /* the frame had none; never sent */
		WS_CLOSE_BAD_TEXT = 1007,
		WS_CLOSE_POLICY = 1008,
		WS_CLOSE_TOO_LARGE = 1009,
};

enum ws_opcode {
	WS_CONTINUATION = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10,
};

struct ws_reader {
	const void *ctx; /* owns the buffer of a message under way */
	size_t message_max_bytes;
	char *message; /* what has come of a message; NULL when nothing is under way */
	size_t message_bytes;
	size_t message_room;
	uint64_t payload_left; /* of the current frame */
	uint32_t fragments;
	uint32_t utf8_state;
	uint8_t header[14];
	uint8_t header_bytes;
	uint8_t control[WS_CONTROL_MAX];
	uint8_t control_bytes;
	uint8_t mask[4];
	uint8_t mask_at;
	uint8_t opcode;		/* of the current frame */
	uint8_t message_opcode; /* WS_TEXT or WS_BINARY while fragments come; 0: none */
	bool in_payload;
	bool final;
	bool is_dead; /* after WS_BROKEN */
};

enum ws_outcome {
	WS_MORE,    /* all bytes taken, nothing to tell */
	WS_MESSAGE, /* a whole TEXT, BINARY, CLOSE, PING or PONG */
	WS_BROKEN,  /* close with ->close_code */
};

struct ws_message {
	enum ws_opcode opcode;
	struct str data;     /* valid until the next ws_read; of CLOSE: the reason */
	uint16_t close_code; /* of CLOSE (WS_CLOSE_NO_CODE if empty) and of WS_BROKEN */
};

void ws_reader_init(struct ws_reader *r, const void *ctx, size_t message_max_bytes);
void ws_reader_clear(struct ws_reader *r);
/* Reads from bytes (unmasked in place) until a message is whole or all are used;
 * *ret_used tells how many were. After WS_BROKEN the reader is dead: what still comes
 * (the peer has not seen our close yet) is swallowed unread. */
enum ws_outcome ws_read(struct ws_reader *r, char *bytes, size_t n, size_t *ret_used,
			struct ws_message *ret_message);
/* Writes the header of a whole, unmasked frame; returns its length. */
size_t ws_write_header(uint8_t ret_header[WS_HEADER_MAX], enum ws_opcode opcode, size_t payload);
/* May the code stand in a close frame (RFC 6455 7.4, IANA registry)? */
bool ws_close_code_is_valid(unsigned code);

/* ---- opening handshake ---- */

struct ws_handshake {
	struct str upgrade, connection, version, key; /* field values, absent if none */
};
/* 0: fine; else the HTTP status to refuse with (400, 426). */
int ws_handshake_check(const struct ws_handshake *h);
/* Does a comma-separated field value hold the token, in any case? */
bool ws_has_token(struct str list, struct str token);
/* The 101 answer, ready to send; accept is base64(SHA-1(key + GUID)). */
void ws_handshake_answer(struct buf *out, struct str key);
