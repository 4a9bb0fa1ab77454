/* encode.c - bytes to text and back: base64, base64url, hex.
 *
 * libsodium's codecs are used because they run in constant time: the bytes are
 * usually secrets. Decoding is strict (no blanks, no stray bits at the end). */
#include "services/crypto/crypto.h"

#include <sodium.h>
#include <talloc.h>

static struct str encode(const void *ctx, struct str bytes, int variant)
{
	size_t room = sodium_base64_encoded_len(bytes.n, variant);
	char *text = talloc_size(ctx, room);

	sodium_bin2base64(text, room, (const unsigned char *)bytes.p, bytes.n, variant);
	return (struct str){ text, room - 1 };
}

struct str crypto_base64(const void *ctx, struct str bytes)
{
	return encode(ctx, bytes, sodium_base64_VARIANT_ORIGINAL);
}

struct str crypto_base64url(const void *ctx, struct str bytes)
{
	return encode(ctx, bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static int variant_of(struct str text)
{
	bool padded = text.n > 0 && text.p[text.n - 1] == '=';
	bool url = str_find(text, '-', 0) != SIZE_MAX || str_find(text, '_', 0) != SIZE_MAX;

	if (url)
		return padded ? sodium_base64_VARIANT_URLSAFE
			      : sodium_base64_VARIANT_URLSAFE_NO_PADDING;
	return padded ? sodium_base64_VARIANT_ORIGINAL : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
}

bool crypto_unbase64(const void *ctx, struct str text, struct str *ret_bytes)
{
	size_t room = text.n / 4 * 3 + 3, n = 0;
	char *bytes = talloc_size(ctx, room);

	if (sodium_base642bin((unsigned char *)bytes, room, text.p ? text.p : "", text.n, NULL, &n,
			      NULL, variant_of(text)) != 0) {
		talloc_free(bytes);
		return false;
	}
	*ret_bytes = (struct str){ bytes, n };
	return true;
}

struct str crypto_hex(const void *ctx, struct str bytes)
{
	char *text = talloc_size(ctx, bytes.n * 2 + 1);

	sodium_bin2hex(text, bytes.n * 2 + 1, (const unsigned char *)bytes.p, bytes.n);
	return (struct str){ text, bytes.n * 2 };
}
