/* signin_open.c - a new session: its secrets, its cookie, its answer.
 *
 * Cookie mode: 256 random bits in an HttpOnly cookie. Token mode: a signed
 * access token of 15 minutes and a refresh token of one use. The database has
 * hashes only. The CSRF token is a MAC of the session's id, so it needs no
 * storage and fits no other session. */
#include "modules/identity/identity_internal.h"

#include "base/clock.h"
#include "services/crypto/crypto.h"

#include <talloc.h>

struct lifetime {
	int64_t life_s;
	int64_t idle_s;
};

static struct lifetime lifetime_of(const struct sign_in_as *as)
{
	if (as->by_token)
		return (struct lifetime){ REFRESH_TOKEN_S, REFRESH_TOKEN_S };
	if (as->remembered)
		return (struct lifetime){ 30 * DAY_S, 30 * DAY_S };
	return (struct lifetime){ DAY_S, 6 * HOUR_S };
}

struct fault *signin_open(struct tx *tx, struct request *rq, const struct sign_in_as *as,
			  struct opened *ret_opened)
{
	struct str agent = http_field(rq->http, STR("User-Agent"));
	struct str secret = crypto_token(rq->mem), hash = crypto_token_hash(rq->mem, secret);
	struct lifetime l = lifetime_of(as);
	int64_t n;

	if (agent.n > 500)
		agent.n = 500;
	*ret_opened = (struct opened){ .session = uuid_new(), .remembered = as->remembered };
	TRY(signin_insert(
		tx, ret_opened->session, as->user, as->by_token ? STR("token") : STR("cookie"),
		as->by_token ? (struct str){ NULL, 0 } : hash, str_of(device_browser(agent)),
		str_of(device_os(agent)), rq->http->peer,
		str_is_utf8(agent) ? agent : (struct str){ NULL, 0 }, l.idle_s, l.life_s, &n));
	if (as->by_token) {
		TRY(refresh_insert(tx, hash, ret_opened->session, REFRESH_TOKEN_S, &n));
		ret_opened->refresh_token = secret;
	} else {
		ret_opened->cookie_token = secret;
	}
	TRY(signin_trim(tx, as->user, SESSIONS_MAX));
	return audit_login(tx, as->user, STR("login"), STR("ok"), (struct str){ NULL, 0 });
}

struct str csrf_token(const void *ctx, const struct keys *k, struct uuid session)
{
	char id[UUID_TEXT_SIZE];
	uint8_t mac[SHA256_BYTES];

	keys_mac(k, "csrf", str_of(uuid_format(session, id)), mac);
	return crypto_base64url(ctx, (struct str){ (char *)mac, sizeof(mac) });
}

struct str access_token(const void *ctx, const struct app *app, struct uuid user,
			struct uuid session)
{
	int64_t now_s = clock_wall_us() / 1000000;
	struct json_out w;
	struct buf b;

	buf_init(&b, ctx, 2048);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "iss");
	json_put_str(&w, app->config->public_url);
	json_key(&w, "aud");
	json_put_str(&w, app->config->public_url);
	json_key(&w, "sub");
	json_put_str(&w, uuid_str(ctx, user));
	json_key(&w, "sid");
	json_put_str(&w, uuid_str(ctx, session));
	json_key(&w, "jti");
	json_put_str(&w, uuid_str(ctx, uuid_new()));
	json_key(&w, "iat");
	json_put_int(&w, now_s);
	json_key(&w, "exp");
	json_put_int(&w, now_s + ACCESS_TOKEN_S);
	json_close(&w, '}');
	return keys_jwt_sign(ctx, app->keys, buf_view(&b));
}

void signin_cookie(struct request *rq, struct str value, bool remembered)
{
	bool https = rq->app->config->public_is_https;
	const char *age = str_is_null(value) ? "; Max-Age=0"
			  : remembered	     ? "; Max-Age=2592000"
					     : "";

	reply_field(rq, "Set-Cookie",
		    str_of(talloc_asprintf(rq->mem, "%s=%.*s; Path=/; HttpOnly; SameSite=Lax%s%s",
					   https ? "__Host-bulkhead" : "bulkhead", STR_ARG(value),
					   https ? "; Secure" : "", age)));
}

static void put_tokens(struct json_out *w, struct request *rq, const struct sign_in_as *as,
		       const struct opened *o)
{
	json_key(w, "access_token");
	json_put_str(w, access_token(rq->mem, rq->app, as->user, o->session));
	json_key(w, "token_type");
	json_put_str(w, STR("Bearer"));
	json_key(w, "expires_in");
	json_put_int(w, ACCESS_TOKEN_S);
	json_key(w, "refresh_token");
	json_put_str(w, o->refresh_token);
}

struct fault *signin_reply(struct request *rq, int status, const struct sign_in_as *as,
			   const struct opened *o, struct str user, struct str tenants)
{
	struct json_out w;
	struct buf b;

	buf_init(&b, rq->mem, 8 << 20);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "user");
	json_put_raw(&w, user);
	json_key(&w, "tenants");
	json_put_raw(&w, tenants);
	if (as->by_token) {
		put_tokens(&w, rq, as, o);
	} else {
		json_key(&w, "csrf_token");
		json_put_str(&w, csrf_token(rq->mem, rq->app->keys, o->session));
		signin_cookie(rq, o->cookie_token, o->remembered);
	}
	json_close(&w, '}');
	reply_field(rq, "Cache-Control", STR("no-store"));
	return reply_json(rq, status, buf_view(&b));
}
