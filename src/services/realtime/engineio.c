/* engineio.c - the packets and payloads of engineio.h. One pass, nothing copied;
 * base64 of binary messages is left to the caller, who owns the memory. */
#include "services/realtime/engineio.h"

static const char sid_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool eio_decode(struct str text, struct eio_packet *ret_packet)
{
	if (text.n == 0)
		return false;
	if (text.p[0] == 'b') {
		*ret_packet = (struct eio_packet){ .type = EIO_MESSAGE,
						   .is_binary = true,
						   .is_base64 = true,
						   .data = str_slice(text, 1, text.n) };
		return true;
	}
	if (text.p[0] < '0' || text.p[0] > '6')
		return false;
	*ret_packet = (struct eio_packet){ .type = (enum eio_type)text.p[0],
					   .data = str_slice(text, 1, text.n) };
	return true;
}

bool eio_payload_next(struct str *payload, struct eio_packet *ret_packet)
{
	return eio_decode(str_cut(payload, EIO_SEPARATOR), ret_packet);
}

void eio_payload_add(struct buf *payload, struct str packet)
{
	if (payload->n > 0)
		buf_char(payload, EIO_SEPARATOR);
	buf_str(payload, packet);
}

void eio_open_write(struct buf *out, const struct eio_open *open)
{
	buf_printf(out,
		   "0{\"sid\":\"%.*s\",\"upgrades\":[%s],\"pingInterval\":%d,"
		   "\"pingTimeout\":%d,\"maxPayload\":%zu}",
		   STR_ARG(open->sid), open->can_upgrade ? "\"websocket\"" : "",
		   open->ping_interval_ms, open->ping_timeout_ms, open->max_payload_bytes);
}

void eio_sid_format(const uint8_t id[EIO_SID_BYTES], char ret_text[EIO_SID_CHARS])
{
	for (size_t in = 0, at = 0; in < EIO_SID_BYTES; in += 3, at += 4) {
		uint32_t v = (uint32_t)id[in] << 16 | (uint32_t)id[in + 1] << 8 | id[in + 2];
		for (size_t i = 0; i < 4; i++)
			ret_text[at + i] = sid_alphabet[v >> (18 - 6 * i) & 63];
	}
}

static int sid_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

bool eio_sid_parse(struct str text, uint8_t ret_id[EIO_SID_BYTES])
{
	if (text.n != EIO_SID_CHARS)
		return false;
	for (size_t in = 0, at = 0; in < EIO_SID_CHARS; in += 4, at += 3) {
		uint32_t v = 0;
		for (size_t i = 0; i < 4; i++) {
			int digit = sid_value(text.p[in + i]);
			if (digit < 0)
				return false;
			v = v << 6 | (uint32_t)digit;
		}
		ret_id[at] = (uint8_t)(v >> 16);
		ret_id[at + 1] = (uint8_t)(v >> 8);
		ret_id[at + 2] = (uint8_t)v;
	}
	return true;
}
