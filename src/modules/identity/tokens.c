/* tokens.c - refreshing access tokens, and the public key that checks them.
 *
 * A refresh token works once and brings its child. The child is a MAC of its
 * parent under the server's key: two tabs that refresh within ten seconds get
 * the same one, and nothing secret has to be stored for that. A spent token
 * shown later was stolen (or its child was): the whole session ends. */
#include "modules/identity/identity_internal.h"

#include "services/crypto/crypto.h"

static struct fault *bad_refresh(const void *ctx)
{
	return FAULT(ctx, FAULT_UNAUTHENTICATED, "invalid_refresh_token",
		     "The session has ended. Please sign in again.");
}

static struct str child_of(const struct request *rq, struct str parent)
{
	uint8_t mac[SHA256_BYTES];

	keys_mac(rq->app->keys, "refresh token", parent, mac);
	return crypto_base64url(rq->mem, (struct str){ (char *)mac, sizeof(mac) });
}

static struct fault *end_family(struct tx *tx, const struct refresh_lock_row *held)
{
	int64_t n;

	TRY(signin_end(tx, held->session_id, held->user_id, STR("refresh_reuse"), &n));
	TRY(audit_login(tx, held->user_id, STR("refresh_reuse"), STR("refused"),
			(struct str){ NULL, 0 }));
	TRY(tx_commit(tx));
	return bad_refresh(tx_mem(tx));
}

static struct fault *rotate(struct tx *tx, struct request *rq, struct str parent,
			    struct refresh_lock_row *held, struct str *ret_child)
{
	struct str hash = crypto_token_hash(rq->mem, parent);
	bool found;
	int64_t n;

	TRY(refresh_lock(tx, hash, held, &found));
	if (!found || !held->is_alive)
		return bad_refresh(rq->mem);
	if (held->is_spent && !held->is_in_grace)
		return end_family(tx, held);
	*ret_child = child_of(rq, parent);
	if (!held->is_spent) {
		TRY(refresh_spend(tx, hash, &n));
		TRY(refresh_insert(tx, crypto_token_hash(rq->mem, *ret_child), held->session_id,
				   REFRESH_TOKEN_S, &n));
		TRY(signin_prolong(tx, held->session_id, REFRESH_TOKEN_S, rq->http->peer, &n));
	}
	return tx_commit(tx);
}

static struct fault *refresh_do(struct request *rq)
{
	struct tx *tx = person_tx(rq, (struct uuid){ 0 }, (struct str){ NULL, 0 });
	struct refresh_lock_row held;
	struct str child;
	struct fault *f;
	struct json_out w;
	struct buf b;

	f = rotate(tx, rq, INPUT(rq, refresh_request)->refresh_token, &held, &child);
	tx_end(tx);
	if (f)
		return f;
	buf_init(&b, rq->mem, 8192);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "access_token");
	json_put_str(&w, access_token(rq->mem, rq->app, held.user_id, held.session_id));
	json_key(&w, "token_type");
	json_put_str(&w, STR("Bearer"));
	json_key(&w, "expires_in");
	json_put_int(&w, ACCESS_TOKEN_S);
	json_key(&w, "refresh_token");
	json_put_str(&w, child);
	json_close(&w, '}');
	reply_field(rq, "Cache-Control", STR("no-store"));
	return reply_json(rq, 200, buf_view(&b));
}

static struct fault *jwks_get(struct request *rq)
{
	reply_field(rq, "Cache-Control", STR("public, max-age=300"));
	return reply_json(rq, 200, keys_jwks(rq->mem, rq->app->keys));
}

const struct route token_routes[] = {
	{
		.method = HTTP_POST,
		.path = "/api/v1/auth/refresh",
		.handler = refresh_do,
		.permission = PUBLIC,
		.input = &refresh_request_shape,
		.output = &token_pair_shape,
		.limit = LIMIT_AUTH,
		.tx = ROUTE_TX_NONE,
		.audit = "session.refresh",
		.summary = "A new access token for a refresh token",
		.faults = (const char *const[]){ "invalid_refresh_token", NULL },
		.no_csrf = true,
		.no_session_token = true,
	},
	{
		.method = HTTP_GET,
		.path = "/.well-known/jwks.json",
		.handler = jwks_get,
		.permission = PUBLIC,
		.output = &jwks_shape,
		.tx = ROUTE_TX_NONE,
		.summary = "Public keys of access tokens",
		.no_session_token = true,
	},
	{ 0 },
};
