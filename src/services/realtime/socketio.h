/* socketio.h - Socket.IO protocol v5 packets, pure text work.
 *
 *   type [attachments "-"] [namespace ","] [ack id] [JSON]
 *
 * Decoding is strict and one pass; the JSON behind the header is read by
 * base/json with small limits and its form is checked by type, so that a
 * packet that decodes is a packet that may be acted on.
 * Source: reference/jobs-and-realtime.md 3.2; github.com/socketio/socket.io-protocol v5. */
#pragma once

#include "base/json.h"

enum sio_type {
	SIO_CONNECT,
	SIO_DISCONNECT,
	SIO_EVENT,
	SIO_ACK,
	SIO_CONNECT_ERROR,
	SIO_BINARY_EVENT,
	SIO_BINARY_ACK,
};

#define SIO_ATTACHMENTS_MAX 10

struct sio_packet {
	enum sio_type type;
	int attachments;	     /* binary packets that must follow */
	struct str name_space;	     /* "/" unless given */
	bool has_ack;		     /* the sender wants (or gives) an answer under ack_id */
	int64_t ack_id;		     /* 0 … 2^53 */
	bool has_data;		     /* data is set */
	struct json data;	     /* object (CONNECT) or array (EVENT, ACK) */
	struct str event;	     /* name of an EVENT, decoded */
	const struct json_node *arg; /* first argument of an EVENT, or NULL */
};

/* Decodes the text of an Engine.IO message. Nodes are owned by ctx, text must
 * outlive the packet. False: malformed, the connection is to be closed. */
bool sio_decode(const void *ctx, struct str text, struct sio_packet *ret_packet);
/* Do all placeholders name one of the attachments? Call when they have arrived. */
bool sio_placeholders_are_valid(const struct sio_packet *packet);

/* ---- writing; every one appends the Engine.IO digit 4 first ---- */

/* 42["name",payload] or 42["name",payload,"offset"] */
void sio_write_event(struct buf *out, struct str name, struct str payload_json, int64_t offset);
/* 43<id>[json] */
void sio_write_ack(struct buf *out, int64_t ack_id, struct str json);
/* 40{"sid":…,"pid":…} */
void sio_write_connect(struct buf *out, struct str sid, struct str pid);
/* 44[/ns,]{"message":…,"data":…}; data absent: none. The namespace is echoed. */
void sio_write_connect_error(struct buf *out, struct str name_space, struct str message,
			     struct str data_json);
