/* key_text.c - the text form of keys that people copy: API keys, write keys.
 *
 * "bh_live_" + 40 random letters and digits (238 bits) + 6 check characters.
 * The check lets us refuse mistyped and invented keys without the database,
 * and lets secret scanners find leaked ones with certainty. Letters and digits
 * only, so that a double click selects the whole key. */
#include "services/crypto/crypto.h"

#include <sodium.h>
#include <talloc.h>

#define KEY_RANDOM_CHARS 40
#define KEY_CHECK_CHARS 6

static const char digits62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* The first 32 bits of SHA-256 over everything before, in six base-62 digits. */
static void key_check(struct str text, char ret_check[KEY_CHECK_CHARS])
{
	uint8_t hash[SHA256_BYTES];
	uint32_t number;

	crypto_sha256(text, hash);
	number = (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 |
		 hash[3];
	for (int i = KEY_CHECK_CHARS - 1; i >= 0; i--, number /= 62)
		ret_check[i] = digits62[number % 62];
}

struct str crypto_key_text(const void *ctx, struct str prefix)
{
	size_t body = prefix.n + KEY_RANDOM_CHARS;
	char *text = talloc_zero_size(ctx, body + KEY_CHECK_CHARS + 1);

	memcpy(text, prefix.p, prefix.n);
	for (size_t i = prefix.n; i < body; i++)
		text[i] = digits62[randombytes_uniform(62)];
	key_check((struct str){ text, body }, text + body);
	return (struct str){ text, body + KEY_CHECK_CHARS };
}

bool crypto_key_is_sound(struct str text, struct str prefix)
{
	char check[KEY_CHECK_CHARS];
	size_t body = prefix.n + KEY_RANDOM_CHARS;

	if (text.n != body + KEY_CHECK_CHARS || !str_starts(text, prefix))
		return false;
	key_check(str_slice(text, 0, body), check);
	return memcmp(check, text.p + body, KEY_CHECK_CHARS) == 0;
}
