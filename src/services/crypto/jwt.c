/* jwt.c - signed access tokens: JWT with EdDSA and nothing else.
 *
 * RFC 8725: the verifier fixes algorithm, key and type; the header only has to
 * agree. A key id is compared, never used to fetch something; headers that ask
 * for more (crit, jku, jwk, x5u) are refused. Claims are the caller's. */
#include "services/crypto/keys_internal.h"

#include <talloc.h>

#define JWT_MAX_BYTES 4096

static const struct json_limits jwt_limits = { .depth = 4, .nodes = 64 };

struct str keys_jwt_sign(const void *ctx, const struct keys *k, struct str claims)
{
	void *tmp = talloc_new(ctx);
	char *header = talloc_asprintf(tmp, "{\"alg\":\"EdDSA\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}",
				       k->sign_name);
	char *signed_part = talloc_asprintf(tmp, "%s.%s", crypto_base64url(tmp, str_of(header)).p,
					    crypto_base64url(tmp, claims).p);
	uint8_t signature[crypto_sign_BYTES];
	char *token;

	crypto_sign_detached(signature, NULL, (const unsigned char *)signed_part,
			     strlen(signed_part), k->sign_secret);
	token = talloc_asprintf(
		ctx, "%s.%s", signed_part,
		crypto_base64url(tmp, (struct str){ (char *)signature, sizeof(signature) }).p);
	talloc_free(tmp);
	return str_of(token);
}

/* Exactly alg, kid and typ, each with the one value we issue. */
static bool header_is_ours(const void *ctx, const struct keys *k, struct str header)
{
	struct json j;
	const struct json_node *root;

	if (json_parse(ctx, header, &jwt_limits, &j))
		return false;
	root = json_root(&j);
	return json_is(root, JSON_OBJECT) && root->count == 3 &&
	       str_is_null(json_duplicate_key(ctx, &j)) &&
	       str_eq(json_string(ctx, &j, json_get(&j, root, STR("alg"))), STR("EdDSA")) &&
	       str_eq(json_string(ctx, &j, json_get(&j, root, STR("typ"))), STR("at+jwt")) &&
	       str_eq(json_string(ctx, &j, json_get(&j, root, STR("kid"))), str_of(k->sign_name));
}

static bool claims_are_sound(const void *ctx, struct str claims)
{
	struct json j;

	return !json_parse(ctx, claims, &jwt_limits, &j) && json_is(json_root(&j), JSON_OBJECT) &&
	       str_is_null(json_duplicate_key(ctx, &j));
}

static bool jwt_open(const void *ctx, const struct keys *k, struct str token,
		     struct str *ret_claims)
{
	struct str rest = token, header, claims, signature;
	struct str header_text = str_cut(&rest, '.'), claims_text = str_cut(&rest, '.');
	size_t signed_bytes = header_text.n + 1 + claims_text.n;

	if (token.n > JWT_MAX_BYTES || str_is_null(rest) || str_find(rest, '.', 0) != SIZE_MAX)
		return false;
	if (!crypto_unbase64(ctx, header_text, &header) ||
	    !crypto_unbase64(ctx, claims_text, &claims) ||
	    !crypto_unbase64(ctx, rest, &signature) || signature.n != crypto_sign_BYTES)
		return false;
	if (!header_is_ours(ctx, k, header) ||
	    crypto_sign_verify_detached((const unsigned char *)signature.p,
					(const unsigned char *)token.p, signed_bytes,
					k->sign_public) != 0 ||
	    !claims_are_sound(ctx, claims))
		return false;
	*ret_claims = claims;
	return true;
}

struct fault *keys_jwt_verify(const void *ctx, const struct keys *k, struct str token,
			      struct str *ret_claims)
{
	if (!jwt_open(ctx, k, token, ret_claims))
		return FAULT(ctx, FAULT_UNAUTHENTICATED, "invalid_token",
			     "The access token is not valid.");
	return NULL;
}

struct str keys_jwks(const void *ctx, const struct keys *k)
{
	struct str x = crypto_base64url(
		ctx, (struct str){ (const char *)k->sign_public, sizeof(k->sign_public) });

	return str_of(talloc_asprintf(ctx,
				      "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
				      "\"use\":\"sig\",\"alg\":\"EdDSA\",\"kid\":\"%s\","
				      "\"x\":\"%s\"}]}",
				      k->sign_name, x.p));
}
