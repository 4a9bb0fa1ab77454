/* crypto.h - the few cryptographic verbs the product needs, over libsodium and
 * OpenSSL. Keys are derived from config.secret by purpose; nothing here
 * invents an algorithm. */
#pragma once

#include "base/buf.h"
#include "base/fault.h"
#include "base/json.h"
#include "spine/config.h"

#define SHA256_BYTES 32
#define TOKEN_TEXT_SIZE 44 /* 256 random bits in base64url, with NUL */

struct keys;
struct hasher;

struct fault *keys_new(const void *ctx, const struct config *config, struct keys **ret_keys);

void crypto_random(void *bytes, size_t n);
void crypto_sha256(struct str data, uint8_t ret_hash[SHA256_BYTES]);
void crypto_sha1(struct str data, uint8_t ret_hash[20]); /* WebSocket accept only (RFC 6455) */
bool crypto_equal(struct str a, struct str b);		 /* constant time for equal lengths */
struct str crypto_base64(const void *ctx, struct str bytes);
struct str crypto_base64url(const void *ctx, struct str bytes);		       /* no padding */
bool crypto_unbase64(const void *ctx, struct str text, struct str *ret_bytes); /* both alphabets */
struct str crypto_hex(const void *ctx, struct str bytes);
/* A fresh 256-bit secret as base64url text. */
struct str crypto_token(const void *ctx);
/* SHA-256 of a token, as stored; owned by ctx. */
struct str crypto_token_hash(const void *ctx, struct str token);
/* A key for people to copy: prefix ("bh_live_"), random letters and digits,
 * check characters; NUL-terminated. */
struct str crypto_key_text(const void *ctx, struct str prefix);
/* Has text that prefix, the right length and a matching check? Says nothing
 * about whether the key was ever issued. */
bool crypto_key_is_sound(struct str text, struct str prefix);
/* HMAC-SHA-256 under the key of that purpose ("cursor", "csrf", …). */
void keys_mac(const struct keys *k, const char *purpose, struct str data,
	      uint8_t ret_mac[SHA256_BYTES]);
/* AES-256-GCM, text "v1:<kid>:<iv>:<tag>:<ct>" in base64url; aad binds the place. */
struct str keys_encrypt(const void *ctx, const struct keys *k, struct str aad, struct str plain);
struct fault *keys_decrypt(const void *ctx, const struct keys *k, struct str aad, struct str sealed,
			   struct str *ret_plain);
/* JWT, EdDSA (RFC 8037): claims is JSON object text. */
struct str keys_jwt_sign(const void *ctx, const struct keys *k, struct str claims);
/* Verifies signature, alg, kid, typ at+jwt; exp, nbf, iss, aud are the caller's. */
struct fault *keys_jwt_verify(const void *ctx, const struct keys *k, struct str token,
			      struct str *ret_claims);
struct str keys_jwks(const void *ctx, const struct keys *k);

/* argon2id, 64 MiB, in a bounded pool: at most cores - 1 at a time and 64
 * waiting, then FAULT_UNAVAILABLE. threads 0: cores - 1, at least one. */
struct fault *hasher_new(const void *ctx, int threads, struct hasher **ret_hasher);
struct fault *hasher_hash(const void *ctx, struct hasher *h, struct str password,
			  struct str *ret_hash);
/* stored absent: hashes against a dummy, takes as long, answers false. */
struct fault *hasher_verify(const void *ctx, struct hasher *h, struct str password,
			    struct str stored, bool *ret_matches, bool *ret_needs_rehash);
