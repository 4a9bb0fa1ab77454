/* authenticate.c - from a cookie or an access token to a person.
 *
 * Both lead to a row of identity.sessions, so a session that was ended is over
 * for access tokens too. The pipeline may keep the answer for a minute; stamps
 * of session, person and tenant end it earlier. */
#include "modules/identity/identity_internal.h"

#include "base/clock.h"
#include "modules/tenants/tenants.h"
#include "services/crypto/crypto.h"

#define LOOK_AGAIN_US 60000000
#define CLOCK_SKEW_S 60

static struct fault *bad_session(const void *ctx)
{
	return FAULT(ctx, FAULT_UNAUTHENTICATED, "session_ended",
		     "Your session has ended. Please sign in again.");
}

static bool claim_is(const void *ctx, const struct json *j, const char *name, struct str value)
{
	const struct json_node *n = json_get(j, json_root(j), str_of(name));

	return json_is(n, JSON_STRING) && str_eq(json_string(ctx, j, n), value);
}

static bool claim_uuid(const void *ctx, const struct json *j, const char *name, struct uuid *ret_id)
{
	const struct json_node *n = json_get(j, json_root(j), str_of(name));

	return json_is(n, JSON_STRING) && uuid_parse(json_string(ctx, j, n), ret_id);
}

struct token_claims {
	struct uuid user;
	struct uuid session;
	int64_t exp_s;
};

/* Ours, for us, of now: RFC 8725 sections 3.8 to 3.11. */
static struct fault *read_access_token(const void *ctx, const struct app *app, struct str token,
				       struct token_claims *ret_claims)
{
	int64_t now_s = clock_wall_us() / 1000000, iat;
	struct str claims;
	struct json j;

	TRY(keys_jwt_verify(ctx, app->keys, token, &claims));
	TRY(json_parse(ctx, claims, &json_default_limits, &j));
	if (!claim_is(ctx, &j, "iss", app->config->public_url) ||
	    !claim_is(ctx, &j, "aud", app->config->public_url) ||
	    !claim_uuid(ctx, &j, "sub", &ret_claims->user) ||
	    !claim_uuid(ctx, &j, "sid", &ret_claims->session) ||
	    !json_int(&j, json_get(&j, json_root(&j), STR("exp")), &ret_claims->exp_s) ||
	    !json_int(&j, json_get(&j, json_root(&j), STR("iat")), &iat) ||
	    iat > now_s + CLOCK_SKEW_S)
		return FAULT(ctx, FAULT_UNAUTHENTICATED, "invalid_token",
			     "The access token is not valid.");
	if (ret_claims->exp_s <= now_s)
		return FAULT(ctx, FAULT_UNAUTHENTICATED, "token_expired",
			     "The access token has ended. Refresh it.");
	return NULL;
}

static void fill(const void *mem, struct app *app, const struct signin_find_row *s, bool by_cookie,
		 struct principal *who)
{
	int64_t look_again = clock_wall_us() + LOOK_AGAIN_US;

	who->kind = WHO_USER;
	who->user = s->user_id;
	who->credential = s->id;
	who->name = s->name;
	who->email = s->email;
	who->email_verified = s->is_verified;
	who->by_cookie = by_cookie;
	if (by_cookie)
		who->csrf_token = csrf_token(mem, app->keys, s->id);
	who->stamps[0] = (struct access_stamp){ s->id, s->session_stamp };
	who->stamps[1] = (struct access_stamp){ s->user_id, s->user_stamp };
	who->stamp_count = 2;
	who->valid_until_us = s->ends_at < look_again ? s->ends_at : look_again;
}

static struct fault *find_session(struct tx *tx, struct app *app, const struct credential *cred,
				  struct signin_find_row *s, struct principal *who)
{
	const void *mem = tx_mem(tx);
	struct token_claims claims = { .exp_s = INT64_MAX / 1000000 };
	bool by_cookie = !str_is_null(cred->cookie), found;

	if (by_cookie) {
		TRY(signin_find(tx, crypto_token_hash(mem, cred->cookie), NULL, s, &found));
	} else {
		TRY(read_access_token(mem, app, cred->bearer, &claims));
		TRY(signin_find(tx, (struct str){ NULL, 0 }, &claims.session, s, &found));
		found = found && uuid_eq(s->user_id, claims.user);
	}
	if (!found)
		return bad_session(mem);
	fill(mem, app, s, by_cookie, who);
	if (claims.exp_s * 1000000 < who->valid_until_us)
		who->valid_until_us = claims.exp_s * 1000000;
	return NULL;
}

struct fault *session_authenticate(struct tx *tx, struct app *app, const struct credential *cred,
				   struct principal *ret_who)
{
	bool is_token = !str_is_null(cred->bearer) && !str_starts(cred->bearer, STR("bh_"));
	struct signin_find_row s;

	if (!is_token && str_is_null(cred->cookie))
		return NULL;
	TRY(find_session(tx, app, cred, &s, ret_who));
	if (s.is_seen_long_ago)
		TRY(signin_seen(tx, s.id, cred->ip));
	if (str_is_null(cred->tenant))
		return NULL;
	return membership_enter(tx, app->registry, cred->tenant, ret_who);
}
