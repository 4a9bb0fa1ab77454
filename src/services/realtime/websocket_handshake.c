/* websocket_handshake.c - the opening handshake of RFC 6455 section 4.2: is this an
 * upgrade we can accept, and the 101 that accepts it. Who may connect from
 * where (Origin, session) is decided before this. */
#include "services/realtime/websocket.h"

#include "services/crypto/crypto.h"

#include <talloc.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

bool ws_has_token(struct str list, struct str token)
{
	while (!str_is_null(list)) {
		struct str item = str_trim(str_cut(&list, ','));
		if (str_eq_nocase(item, token))
			return true;
	}
	return false;
}

/* 16 bytes in base64: 22 characters and two signs of equality. */
static bool key_is_valid(struct str key)
{
	if (key.n != 24 || key.p[22] != '=' || key.p[23] != '=')
		return false;
	for (size_t i = 0; i < 22; i++) {
		char c = key.p[i];
		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '+' || c == '/'))
			return false;
	}
	return true;
}

int ws_handshake_check(const struct ws_handshake *h)
{
	if (!ws_has_token(h->upgrade, STR("websocket")) ||
	    !ws_has_token(h->connection, STR("upgrade")))
		return 400;
	if (!str_eq(str_trim(h->version), STR("13")))
		return 426;
	return key_is_valid(str_trim(h->key)) ? 0 : 400;
}

void ws_handshake_answer(struct buf *out, struct str key)
{
	uint8_t hash[20];
	struct buf text;

	key = str_trim(key);
	buf_init(&text, out->ctx, 128);
	buf_str(&text, key);
	buf_text(&text, GUID);
	crypto_sha1(buf_view(&text), hash);
	buf_clear(&text);
	struct str accept =
		crypto_base64(out->ctx, (struct str){ (const char *)hash, sizeof(hash) });
	buf_printf(out,
		   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		   "Connection: Upgrade\r\nSec-WebSocket-Accept: %.*s\r\n\r\n",
		   STR_ARG(accept));
	talloc_free((void *)(uintptr_t)accept.p);
}
