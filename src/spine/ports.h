/* ports.h - what the spine needs from services that stand above it.
 *
 * The spine may not include services (the compiler sees to it), yet every
 * request is limited, its credential hashed and its cursors sealed. These few
 * functions are handed in by src/app; their contracts stand in
 * services/crypto/crypto.h, services/limits/limits.h and
 * services/events/events.h, whose signatures they have. */
#pragma once

#include "base/fault.h"
#include "base/uuid.h"

#include <stdint.h>

#define PORT_HASH_BYTES 32

struct keys;
struct limits;
struct tx;
struct event_type;

/* What a token bucket answers. */
struct limit_state {
	bool allowed;
	int64_t limit; /* bucket size */
	int64_t remaining;
	int reset_s;	   /* until full again */
	int retry_after_s; /* when not allowed: until `cost` is there */
};

struct ports {
	void (*sha256)(struct str data, uint8_t ret_hash[PORT_HASH_BYTES]);
	void (*mac)(const struct keys *k, const char *purpose, struct str data,
		    uint8_t ret_mac[PORT_HASH_BYTES]);
	bool (*equal)(struct str a, struct str b); /* constant time */
	struct str (*base64url)(const void *ctx, struct str bytes);
	bool (*unbase64)(const void *ctx, struct str text, struct str *ret_bytes);
	struct str (*encrypt)(const void *ctx, const struct keys *k, struct str aad,
			      struct str plain);
	struct fault *(*decrypt)(const void *ctx, const struct keys *k, struct str aad,
				 struct str sealed, struct str *ret_plain);
	struct limit_state (*take)(struct limits *l, struct str key, int64_t limit, int window_s,
				   int64_t cost);
	/* services/events: event_emit */
	struct fault *(*emit)(struct tx *tx, const struct event_type *type, struct uuid subject,
			      struct str payload);
};
