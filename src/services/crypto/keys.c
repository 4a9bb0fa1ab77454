/* keys.c - the server's secrets, all derived from config.secret by purpose.
 *
 * HKDF-like (RFC 5869): one extract step, then HMAC per purpose, so that no key
 * serves two ends and every node of an installation has the same ones. The
 * Ed25519 pair that signs access tokens comes from the same root. */
#include "services/crypto/keys_internal.h"

#include <openssl/evp.h>
#include <talloc.h>

#define GCM_IV_BYTES 12
#define GCM_TAG_BYTES 16
#define SEALED_MAX_BYTES (1 << 20)

static int keys_wipe(struct keys *k)
{
	sodium_memzero(k, sizeof(*k));
	return 0;
}

static void derive(const struct keys *k, const char *purpose, uint8_t ret_key[SHA256_BYTES])
{
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, k->root, sizeof(k->root));
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)purpose, strlen(purpose));
	crypto_auth_hmacsha256_final(&st, ret_key);
}

static void name_key(const uint8_t *key, size_t n, char ret_name[KEY_NAME_SIZE])
{
	uint8_t hash[SHA256_BYTES];

	crypto_sha256((struct str){ (const char *)key, n }, hash);
	sodium_bin2hex(ret_name, KEY_NAME_SIZE, hash, (KEY_NAME_SIZE - 1) / 2);
}

struct fault *keys_new(const void *ctx, const struct config *config, struct keys **ret_keys)
{
	static const char salt[] = "bulkhead keys v1";
	crypto_auth_hmacsha256_state st;
	uint8_t seed[crypto_sign_SEEDBYTES];
	struct keys *k;

	if (sodium_init() < 0)
		return FAULT_BUG(ctx, "libsodium cannot start");
	if (config->secret.n < 32)
		return FAULT_BUG(ctx, "the secret has less than 32 bytes");
	k = talloc_zero(ctx, struct keys);
	talloc_set_destructor(k, keys_wipe);
	crypto_auth_hmacsha256_init(&st, (const unsigned char *)salt, sizeof(salt) - 1);
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)config->secret.p,
				      config->secret.n);
	crypto_auth_hmacsha256_final(&st, k->root);
	derive(k, "encrypt", k->encrypt);
	name_key(k->encrypt, sizeof(k->encrypt), k->encrypt_name);
	derive(k, "jwt ed25519", seed);
	crypto_sign_seed_keypair(k->sign_public, k->sign_secret, seed);
	name_key(k->sign_public, sizeof(k->sign_public), k->sign_name);
	sodium_memzero(seed, sizeof(seed));
	*ret_keys = k;
	return NULL;
}

void keys_mac(const struct keys *k, const char *purpose, struct str data,
	      uint8_t ret_mac[SHA256_BYTES])
{
	crypto_auth_hmacsha256_state st;
	uint8_t key[SHA256_BYTES];

	crypto_auth_hmacsha256_init(&st, k->root, sizeof(k->root));
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)"mac ", 4);
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)purpose, strlen(purpose));
	crypto_auth_hmacsha256_final(&st, key);
	crypto_auth_hmacsha256_init(&st, key, sizeof(key));
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)data.p, data.n);
	crypto_auth_hmacsha256_final(&st, ret_mac);
	sodium_memzero(key, sizeof(key));
}

/* One GCM pass; out has room for in.n bytes. tag is read when opening, written
 * when sealing. */
static bool gcm(const uint8_t key[32], bool seal, const uint8_t *iv, struct str aad, struct str in,
		uint8_t *out, uint8_t *tag)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0, way = seal ? 1 : 0;
	bool ok = c && EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, key, iv, way) == 1;

	if (ok && aad.n)
		ok = EVP_CipherUpdate(c, NULL, &n, (const uint8_t *)aad.p, (int)aad.n) == 1;
	if (ok && in.n)
		ok = EVP_CipherUpdate(c, out, &n, (const uint8_t *)in.p, (int)in.n) == 1;
	if (ok && !seal)
		ok = EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, GCM_TAG_BYTES, tag) == 1;
	if (ok)
		ok = EVP_CipherFinal_ex(c, out + in.n, &n) == 1;
	if (ok && seal)
		ok = EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, GCM_TAG_BYTES, tag) == 1;
	EVP_CIPHER_CTX_free(c);
	return ok;
}

bool keys_gcm_seal(const uint8_t key[32], const uint8_t iv[12], struct str aad, struct str plain,
		   uint8_t *ret_text, uint8_t ret_tag[16])
{
	return gcm(key, true, iv, aad, plain, ret_text, ret_tag);
}

struct str keys_encrypt(const void *ctx, const struct keys *k, struct str aad, struct str plain)
{
	uint8_t iv[GCM_IV_BYTES], tag[GCM_TAG_BYTES];
	uint8_t *text = talloc_size(ctx, plain.n + 16);
	char *sealed = NULL;

	crypto_random(iv, sizeof(iv));
	if (plain.n <= SEALED_MAX_BYTES && gcm(k->encrypt, true, iv, aad, plain, text, tag))
		sealed = talloc_asprintf(
			ctx, "v1:%s:%s:%s:%s", k->encrypt_name,
			crypto_base64url(text, (struct str){ (char *)iv, sizeof(iv) }).p,
			crypto_base64url(text, (struct str){ (char *)tag, sizeof(tag) }).p,
			crypto_base64url(text, (struct str){ (char *)text, plain.n }).p);
	talloc_free(text);
	return str_of(sealed);
}

struct fault *keys_decrypt(const void *ctx, const struct keys *k, struct str aad, struct str sealed,
			   struct str *ret_plain)
{
	void *tmp = talloc_new(ctx);
	struct str rest = sealed, iv, tag, text;
	struct str version = str_cut(&rest, ':'), name = str_cut(&rest, ':');
	struct str iv_text = str_cut(&rest, ':'), tag_text = str_cut(&rest, ':');
	uint8_t *plain;

	if (!str_eq(version, STR("v1")) || !str_eq(name, str_of(k->encrypt_name)) ||
	    sealed.n > 2 * SEALED_MAX_BYTES || !crypto_unbase64(tmp, iv_text, &iv) ||
	    !crypto_unbase64(tmp, tag_text, &tag) || !crypto_unbase64(tmp, rest, &text) ||
	    iv.n != GCM_IV_BYTES || tag.n != GCM_TAG_BYTES) {
		talloc_free(tmp);
		return FAULT_BUG(ctx, "sealed text is not readable with the present key");
	}
	plain = talloc_size(ctx, text.n + 16);
	if (!gcm(k->encrypt, false, (const uint8_t *)iv.p, aad, text, plain, (uint8_t *)tag.p)) {
		talloc_free(tmp);
		talloc_free(plain);
		return FAULT_BUG(ctx, "sealed text was changed or belongs elsewhere");
	}
	plain[text.n] = 0;
	talloc_free(tmp);
	*ret_plain = (struct str){ (char *)plain, text.n };
	return NULL;
}
