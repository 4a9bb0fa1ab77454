/* test_crypto.c - known answers (RFC 4231, RFC 8032, NIST) and what must be refused. */
#include "services/crypto/keys_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <sodium.h>
#include <talloc.h>

static const struct config config = { .secret = { "0123456789abcdef0123456789abcdef", 32 } };
static const struct config other_config = { .secret = { "fedcba9876543210fedcba9876543210", 32 } };

static struct keys *keys_of(const void *ctx, const struct config *c)
{
	struct keys *k = NULL;

	assert_null(keys_new(ctx, c, &k));
	return k;
}

static struct str unhex(const void *ctx, const char *hex)
{
	size_t n = strlen(hex) / 2;
	char *bytes = talloc_size(ctx, n + 1);

	assert_int_equal(
		sodium_hex2bin((unsigned char *)bytes, n, hex, strlen(hex), NULL, NULL, NULL), 0);
	return (struct str){ bytes, n };
}

static void assert_hex(const void *bytes, size_t n, const char *hex)
{
	void *ctx = talloc_new(NULL);

	assert_string_equal(crypto_hex(ctx, (struct str){ bytes, n }).p, hex);
	talloc_free(ctx);
}

static void test_hashes(void **state)
{
	uint8_t hash[32];

	(void)state;
	crypto_sha256(STR("abc"), hash);
	assert_hex(hash, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	crypto_sha1(STR("abc"), hash);
	assert_hex(hash, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
	crypto_sha1(STR("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"), hash);
	assert_hex(hash, 20, "b37a4f2cc0624f1690f64606cf385945b2bec4ea"); /* RFC 6455 1.3 */
}

/* RFC 4231 test cases 1 and 2, through the primitive that keys.c stands on. */
static void test_hmac(void **state)
{
	void *ctx = talloc_new(NULL);
	struct str key = unhex(ctx, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
	crypto_auth_hmacsha256_state st;
	uint8_t mac[32];

	(void)state;
	crypto_auth_hmacsha256_init(&st, (const unsigned char *)key.p, key.n);
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)"Hi There", 8);
	crypto_auth_hmacsha256_final(&st, mac);
	assert_hex(mac, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	crypto_auth_hmacsha256_init(&st, (const unsigned char *)"Jefe", 4);
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)"what do ya want for nothing?",
				      28);
	crypto_auth_hmacsha256_final(&st, mac);
	assert_hex(mac, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	talloc_free(ctx);
}

/* RFC 8032 section 7.1, test 1: the signature under our access tokens. */
static void test_ed25519(void **state)
{
	void *ctx = talloc_new(NULL);
	struct str seed =
		unhex(ctx, "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
	uint8_t pk[32], sk[64], signature[64];

	(void)state;
	crypto_sign_seed_keypair(pk, sk, (const unsigned char *)seed.p);
	assert_hex(pk, 32, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
	crypto_sign_detached(signature, NULL, (const unsigned char *)"", 0, sk);
	assert_hex(
		signature, 64,
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
		"c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
	talloc_free(ctx);
}

/* NIST GCM test cases 13, 14 (AES-256) and 16 (with additional data). */
static void test_gcm(void **state)
{
	void *ctx = talloc_new(NULL);
	uint8_t zero[32] = { 0 }, iv[12] = { 0 }, text[64], tag[16];
	struct str key, long_iv, plain, aad;

	(void)state;
	assert_true(keys_gcm_seal(zero, iv, STR(""), STR(""), text, tag));
	assert_hex(tag, 16, "530f8afbc74536b9a963b4f1c4cb738b");
	assert_true(keys_gcm_seal(zero, iv, STR(""), (struct str){ (char *)zero, 16 }, text, tag));
	assert_hex(text, 16, "cea7403d4d606b6e074ec5d3baf39d18");
	assert_hex(tag, 16, "d0d1c8a799996bf0265b98b5d48ab919");
	key = unhex(ctx, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
	long_iv = unhex(ctx, "cafebabefacedbaddecaf888");
	plain = unhex(ctx, "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
			   "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
	aad = unhex(ctx, "feedfacedeadbeeffeedfacedeadbeefabaddad2");
	assert_true(keys_gcm_seal((const uint8_t *)key.p, (const uint8_t *)long_iv.p, aad, plain,
				  text, tag));
	assert_hex(
		text, 60,
		"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3d"
		"a7b08b1056828838c5f61e6393ba7a0abcc9f662");
	assert_hex(tag, 16, "76fc6ece0f4e1768cddf8853bb2d551b");
	talloc_free(ctx);
}

static void test_sealing(void **state)
{
	void *ctx = talloc_new(NULL);
	struct keys *k = keys_of(ctx, &config), *other = keys_of(ctx, &other_config);
	struct str sealed = keys_encrypt(ctx, k, STR("place"), STR("secret text")), plain;
	char *bent;

	(void)state;
	assert_true(str_starts(sealed, STR("v1:")));
	assert_null(keys_decrypt(ctx, k, STR("place"), sealed, &plain));
	assert_true(str_eq(plain, STR("secret text")));
	assert_non_null(keys_decrypt(ctx, k, STR("elsewhere"), sealed, &plain));
	assert_non_null(keys_decrypt(ctx, other, STR("place"), sealed, &plain));
	assert_non_null(keys_decrypt(ctx, k, STR("place"), STR("v1:a:b:c:d"), &plain));
	assert_non_null(keys_decrypt(ctx, k, STR("place"), STR(""), &plain));
	for (size_t i = sealed.n - 14; i < sealed.n; i++) {
		bent = str_dup(ctx, sealed);
		bent[i] = bent[i] == 'A' ? 'B' : 'A';
		assert_non_null(keys_decrypt(ctx, k, STR("place"), str_of(bent), &plain));
	}
	assert_null(keys_decrypt(ctx, k, STR(""), keys_encrypt(ctx, k, STR(""), STR("")), &plain));
	assert_int_equal(plain.n, 0);
	talloc_free(ctx);
}

static void test_macs_by_purpose(void **state)
{
	void *ctx = talloc_new(NULL);
	struct keys *k = keys_of(ctx, &config), *same = keys_of(ctx, &config);
	uint8_t a[32], b[32];

	(void)state;
	keys_mac(k, "csrf", STR("x"), a);
	keys_mac(same, "csrf", STR("x"), b);
	assert_memory_equal(a, b, 32);
	keys_mac(k, "cursor", STR("x"), b);
	assert_memory_not_equal(a, b, 32);
	assert_non_null(keys_new(ctx, &(struct config){ .secret = { "short", 5 } }, &k));
	talloc_free(ctx);
}

/* A token with this header and these claims under our own key. */
static struct str forge(const void *ctx, const struct keys *k, const char *header,
			const char *claims, const char *signature)
{
	struct str h = crypto_base64url(ctx, str_of(header)),
		   c = crypto_base64url(ctx, str_of(claims));
	char *part = talloc_asprintf(ctx, "%s.%s", h.p, c.p);
	uint8_t s[64];

	if (signature)
		return str_of(talloc_asprintf(ctx, "%s.%s", part, signature));
	crypto_sign_detached(s, NULL, (unsigned char *)part, strlen(part), k->sign_secret);
	return str_of(talloc_asprintf(ctx, "%s.%s", part,
				      crypto_base64url(ctx, (struct str){ (char *)s, 64 }).p));
}

static void test_jwt(void **state)
{
	void *ctx = talloc_new(NULL);
	struct keys *k = keys_of(ctx, &config), *other = keys_of(ctx, &other_config);
	struct str token = keys_jwt_sign(ctx, k, STR("{\"sub\":\"x\"}")), claims;
	const char *good = talloc_asprintf(
		ctx, "{\"alg\":\"EdDSA\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", k->sign_name);

	(void)state;
	assert_null(keys_jwt_verify(ctx, k, token, &claims));
	assert_true(str_eq(claims, STR("{\"sub\":\"x\"}")));
	assert_null(keys_jwt_verify(ctx, k, forge(ctx, k, good, "{}", NULL), &claims));
	assert_non_null(keys_jwt_verify(ctx, other, token, &claims));

	const char *const bad_headers[] = {
		"{\"alg\":\"none\",\"typ\":\"at+jwt\"}",
		"{\"alg\":\"HS256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}",
		"{\"alg\":\"EdDSA\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
		"{\"alg\":\"EdDSA\",\"kid\":\"0000000000000000\",\"typ\":\"at+jwt\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\"}",
		"{\"alg\":\"EdDSA\",\"kid\":\"%s\",\"typ\":\"at+jwt\",\"crit\":[\"x\"]}",
		"{\"alg\":\"none\",\"alg\":\"EdDSA\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}",
		"[]",
		"",
	};
	for (size_t i = 0; i < sizeof(bad_headers) / sizeof(bad_headers[0]); i++) {
		const char *at = strstr(bad_headers[i], "%s");
		const char *header =
			at ? talloc_asprintf(ctx, "%.*s%s%s", (int)(at - bad_headers[i]),
					     bad_headers[i], k->sign_name, at + 2)
			   : bad_headers[i];

		assert_non_null(
			keys_jwt_verify(ctx, k, forge(ctx, k, header, "{}", NULL), &claims));
	}
	assert_non_null(keys_jwt_verify(ctx, k, forge(ctx, k, good, "{}", ""), &claims));
	assert_non_null(keys_jwt_verify(ctx, k, forge(ctx, k, good, "[1]", NULL), &claims));
	assert_non_null(
		keys_jwt_verify(ctx, k, forge(ctx, k, good, "{\"a\":1,\"a\":2}", NULL), &claims));
	for (size_t i = 0; i < token.n; i++) {
		char *bent = str_dup(ctx, token);

		bent[i] = bent[i] == 'x' ? 'y' : 'x';
		assert_non_null(keys_jwt_verify(ctx, k, str_of(bent), &claims));
		assert_non_null(keys_jwt_verify(ctx, k, str_slice(token, 0, i), &claims));
	}
	talloc_free(ctx);
}

static void test_encodings(void **state)
{
	void *ctx = talloc_new(NULL);
	struct str bytes;

	(void)state;
	assert_string_equal(crypto_base64(ctx, STR("foob")).p, "Zm9vYg==");
	assert_string_equal(crypto_base64url(ctx, STR("\xfb\xff\xfe")).p, "-__-");
	assert_string_equal(crypto_base64(ctx, STR("\xfb\xff\xfe")).p, "+//+");
	assert_true(crypto_unbase64(ctx, STR("-__-"), &bytes) && bytes.n == 3);
	assert_true(crypto_unbase64(ctx, STR("+//+"), &bytes) && bytes.n == 3);
	assert_true(crypto_unbase64(ctx, STR("Zm9vYg"), &bytes) && str_eq(bytes, STR("foob")));
	assert_true(crypto_unbase64(ctx, STR("Zm9vYg=="), &bytes) && str_eq(bytes, STR("foob")));
	assert_true(crypto_unbase64(ctx, STR(""), &bytes) && bytes.n == 0);
	assert_false(crypto_unbase64(ctx, STR("Zm9vY"), &bytes));
	assert_false(crypto_unbase64(ctx, STR("Zm9v Yg=="), &bytes));
	assert_false(crypto_unbase64(ctx, STR("Zm9vYh"), &bytes)); /* stray bits */
	assert_false(crypto_unbase64(ctx, STR("Z*9v"), &bytes));
	talloc_free(ctx);
}

static void test_keys_to_copy(void **state)
{
	void *ctx = talloc_new(NULL);
	struct str key = crypto_key_text(ctx, STR("bh_live_"));

	(void)state;
	assert_int_equal(key.n, 54);
	assert_true(crypto_key_is_sound(key, STR("bh_live_")));
	assert_false(crypto_key_is_sound(key, STR("bh_test_")));
	assert_false(crypto_key_is_sound(str_slice(key, 0, 53), STR("bh_live_")));
	assert_false(crypto_key_is_sound(crypto_key_text(ctx, STR("bh_live_x")), STR("bh_live_")));
	for (size_t i = 8; i < key.n; i++) {
		char *bent = str_dup(ctx, key);

		bent[i] = bent[i] == 'a' ? 'b' : 'a';
		assert_false(crypto_key_is_sound(str_of(bent), STR("bh_live_")));
	}
	assert_int_equal(crypto_token(ctx).n, TOKEN_TEXT_SIZE - 1);
	assert_false(str_eq(crypto_token(ctx), crypto_token(ctx)));
	assert_true(crypto_equal(STR("abc"), STR("abc")));
	assert_false(crypto_equal(STR("abc"), STR("abd")));
	assert_false(crypto_equal(STR("abc"), STR("ab")));
	talloc_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hashes),	     cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_ed25519),	     cmocka_unit_test(test_gcm),
		cmocka_unit_test(test_sealing),	     cmocka_unit_test(test_macs_by_purpose),
		cmocka_unit_test(test_jwt),	     cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_keys_to_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
