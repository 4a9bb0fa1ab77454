/* sign_in.c - in and out with a password.
 *
 * Two short transactions with the hash between them, so that a slow hash holds
 * no connection. Every sign-in makes a new session; an old cookie is never
 * made valid again. */
#include "modules/identity/identity_internal.h"

#include "modules/tenants/tenants.h"
#include "services/crypto/crypto.h"

struct arrival {
	struct sign_in_as as;
	struct opened opened;
	struct user_json_row user;
	struct str tenants;
	struct str fresh_hash; /* absent unless the parameters have moved on */
};

static struct fault *arrive(struct tx *tx, struct request *rq, const struct attempt *a,
			    struct arrival *who)
{
	int64_t n;

	TRY(attempt_forgive(tx, a));
	if (!str_is_null(who->fresh_hash))
		TRY(user_rehash(tx, a->user.id, a->user.password_hash, who->fresh_hash, &n));
	TRY(signin_open(tx, rq, &who->as, &who->opened));
	TRY(user_json(tx, a->user.id, &who->user));
	TRY(membership_json(tx, rq->app->registry, a->user.id, &who->tenants));
	return tx_commit(tx);
}

static struct fault *sign_in_do(struct request *rq)
{
	const struct sign_in *in = INPUT(rq, sign_in);
	struct arrival who = { 0 };
	struct attempt a;
	bool is_right, needs_rehash;
	struct fault *f;
	struct tx *tx;

	TRY(attempt_open(rq, in->email, &a));
	TRY(attempt_check(rq, &a, in->password, &is_right, &needs_rehash));
	if (!is_right)
		return attempt_refuse(rq, &a);
	if (needs_rehash)
		TRY(hasher_hash(rq->mem, rq->app->hasher, in->password, &who.fresh_hash));
	who.as = (struct sign_in_as){ .user = a.user.id,
				      .by_token = str_eq(in->mode, STR("token")),
				      .remembered = in->remember };
	tx = person_tx(rq, a.user.id, a.user.name);
	f = arrive(tx, rq, &a, &who);
	tx_end(tx);
	if (f)
		return f;
	return signin_reply(rq, 200, &who.as, &who.opened, who.user.item, who.tenants);
}

static struct fault *sign_out_do(struct request *rq)
{
	int64_t n;

	TRY(signin_end(rq->tx, rq->who->credential, rq->who->user, STR("logout"), &n));
	TRY(audit_login(rq->tx, rq->who->user, STR("logout"), STR("ok"), (struct str){ NULL, 0 }));
	if (rq->who->by_cookie) {
		signin_cookie(rq, (struct str){ NULL, 0 }, false);
		reply_field(rq, "Clear-Site-Data", STR("\"cache\", \"cookies\", \"storage\""));
	}
	return reply_empty(rq, 204);
}

const struct route sign_in_routes[] = {
	{
		.method = HTTP_POST,
		.path = "/api/v1/auth/login",
		.handler = sign_in_do,
		.permission = PUBLIC,
		.input = &sign_in_shape,
		.output = &session_opened_shape,
		.limit = LIMIT_AUTH,
		.lane = LANE_SLOW,
		.tx = ROUTE_TX_NONE,
		.audit = "session.login",
		.summary = "Sign in with a cookie or with tokens",
		.faults = (const char *const[]){ "invalid_credentials", "sign_in_busy", NULL },
		.no_csrf = true,
		.no_session_token = true,
	},
	{
		.method = HTTP_POST,
		.path = "/api/v1/auth/logout",
		.handler = sign_out_do,
		.permission = SIGNED_IN,
		.status = 204,
		.audit = "session.logout",
		.summary = "End this session",
	},
	{ 0 },
};
