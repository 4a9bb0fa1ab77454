/* digest.c - hashes, random bytes and fresh secrets.
 *
 * Secrets that are looked up (session tokens, API keys, mail links) are 256
 * random bits, so a plain SHA-256 of them is enough to store; passwords go
 * through hasher.c. */
#include "services/crypto/crypto.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <talloc.h>

void crypto_random(void *bytes, size_t n)
{
	randombytes_buf(bytes, n);
}

void crypto_sha256(struct str data, uint8_t ret_hash[SHA256_BYTES])
{
	crypto_hash_sha256(ret_hash, (const unsigned char *)data.p, data.n);
}

void crypto_sha1(struct str data, uint8_t ret_hash[20])
{
	if (EVP_Digest(data.p, data.n, ret_hash, NULL, EVP_sha1(), NULL) != 1)
		memset(ret_hash, 0, 20);
}

bool crypto_equal(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || sodium_memcmp(a.p, b.p, a.n) == 0);
}

struct str crypto_token(const void *ctx)
{
	char bytes[32];
	struct str token;

	crypto_random(bytes, sizeof(bytes));
	token = crypto_base64url(ctx, (struct str){ bytes, sizeof(bytes) });
	sodium_memzero(bytes, sizeof(bytes));
	return token;
}

struct str crypto_token_hash(const void *ctx, struct str token)
{
	uint8_t *hash = talloc_array(ctx, uint8_t, SHA256_BYTES);

	crypto_sha256(token, hash);
	return (struct str){ (const char *)hash, SHA256_BYTES };
}
