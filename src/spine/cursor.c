/* cursor.c - keyset cursors, sealed so that only we can have made them.
 *
 * base64url of 16 bytes MAC and the JSON array. The MAC covers route and tenant,
 * so a cursor of one list opens no other. It hides nothing: the values stand in
 * the page the client has just read. */
#include "spine/pipeline_internal.h"

#define SEAL_BYTES 16
#define CURSOR_MAX_BYTES 4096

static void seal(const struct request *rq, struct str values, uint8_t ret_mac[PORT_HASH_BYTES])
{
	struct buf b;

	buf_init(&b, rq->mem, CURSOR_MAX_BYTES * 2);
	buf_text(&b, rq->route->path);
	buf_char(&b, '\n');
	buf_append(&b, rq->tenant.b, sizeof(rq->tenant.b));
	buf_str(&b, values);
	rq->app->ports->mac(rq->app->keys, "cursor", buf_view(&b), ret_mac);
	buf_clear(&b);
}

struct str cursor_seal(const struct request *rq, struct str values)
{
	uint8_t mac[PORT_HASH_BYTES];
	struct buf b;

	seal(rq, values, mac);
	buf_init(&b, rq->mem, CURSOR_MAX_BYTES);
	buf_append(&b, mac, SEAL_BYTES);
	buf_str(&b, values);
	return rq->app->ports->base64url(rq->mem, buf_view(&b));
}

struct fault *cursor_open(const struct request *rq, struct str cursor, struct str *ret_values)
{
	uint8_t mac[PORT_HASH_BYTES];
	struct str bytes;

	if (cursor.n <= CURSOR_MAX_BYTES && rq->app->ports->unbase64(rq->mem, cursor, &bytes) &&
	    bytes.n > SEAL_BYTES) {
		struct str values = str_slice(bytes, SEAL_BYTES, bytes.n);
		seal(rq, values, mac);
		if (rq->app->ports->equal((struct str){ (const char *)mac, SEAL_BYTES },
					  str_slice(bytes, 0, SEAL_BYTES))) {
			*ret_values = values;
			return NULL;
		}
	}
	return fault_invalid(rq->mem, "cursor", "invalid_cursor",
			     "This is not a cursor of this list.");
}
