/* keys_internal.h - the inside of struct keys, for keys.c, jwt.c and the unit
 * tests. Nobody else looks in. */
#pragma once

#include "services/crypto/crypto.h"

#include <sodium.h>

#define KEY_NAME_SIZE 17 /* 8 bytes in hex, with NUL */

struct keys {
	uint8_t root[SHA256_BYTES];
	uint8_t encrypt[32];
	uint8_t sign_public[crypto_sign_PUBLICKEYBYTES];
	uint8_t sign_secret[crypto_sign_SECRETKEYBYTES];
	char encrypt_name[KEY_NAME_SIZE];
	char sign_name[KEY_NAME_SIZE];
};

/* AES-256-GCM with a given IV, for known answers only; callers use keys_encrypt. */
bool keys_gcm_seal(const uint8_t key[32], const uint8_t iv[12], struct str aad, struct str plain,
		   uint8_t *ret_text, uint8_t ret_tag[16]);
