/* engineio.h - Engine.IO v4 packets and polling payloads, pure text work.
 *
 * A packet is one ASCII digit and data; a polling payload is packets joined
 * by 0x1E, where a binary message is `b` and base64. Nothing here knows about
 * sessions, sockets or time.
 * Source: reference/jobs-and-realtime.md 3.1; github.com/socketio/engine.io-protocol v4. */
#pragma once

#include "base/buf.h"

enum eio_type {
	EIO_OPEN = '0',
	EIO_CLOSE = '1',
	EIO_PING = '2',
	EIO_PONG = '3',
	EIO_MESSAGE = '4',
	EIO_UPGRADE = '5',
	EIO_NOOP = '6',
};

#define EIO_SEPARATOR '\x1e'
#define EIO_SID_BYTES 15 /* a session id: 20 characters of base64url */
#define EIO_SID_CHARS 20

struct eio_packet {
	enum eio_type type;
	bool is_binary;	 /* a binary message; data is base64 while is_base64 */
	bool is_base64;	 /* data still has to be decoded */
	struct str data; /* behind the digit; borrowed */
};

/* Reads one packet out of a text frame or one piece of a payload. False if the
 * first byte is none of 0..6 and b, or there is none. */
bool eio_decode(struct str text, struct eio_packet *ret_packet);
/* Takes the next packet off a payload: *payload becomes the rest, absent at the
 * end. False on a malformed one; an empty payload is malformed. */
bool eio_payload_next(struct str *payload, struct eio_packet *ret_packet);
/* Appends to a payload, with a separator if something is in it already. */
void eio_payload_add(struct buf *payload, struct str packet);
/* The JSON of an open packet, digit included. */
struct eio_open {
	struct str sid;
	bool can_upgrade;
	int ping_interval_ms;
	int ping_timeout_ms;
	size_t max_payload_bytes;
};
void eio_open_write(struct buf *out, const struct eio_open *open);

/* Bytes <-> 20 characters of base64url. */
void eio_sid_format(const uint8_t id[EIO_SID_BYTES], char ret_text[EIO_SID_CHARS]);
bool eio_sid_parse(struct str text, uint8_t ret_id[EIO_SID_BYTES]);
