/* me.c - what a person sees and changes of themselves. */
#include "modules/identity/identity_internal.h"

#include "modules/tenants/tenants.h"
#include "services/crypto/crypto.h"

static struct fault *me_reply(struct request *rq)
{
	struct user_json_row user;
	struct str tenants;
	struct json_out w;
	struct buf b;

	TRY(user_json(rq->tx, rq->who->user, &user));
	TRY(membership_json(rq->tx, rq->app->registry, rq->who->user, &tenants));
	buf_init(&b, rq->mem, 8 << 20);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "user");
	json_put_raw(&w, user.item);
	json_key(&w, "tenants");
	json_put_raw(&w, tenants);
	json_key(&w, "csrf_token");
	json_put_str(&w, rq->who->by_cookie ? rq->who->csrf_token : (struct str){ NULL, 0 });
	json_key(&w, "session_id");
	json_put_str(&w, uuid_str(rq->mem, rq->who->credential));
	json_close(&w, '}');
	reply_field(rq, "Cache-Control", STR("no-store"));
	return reply_json(rq, 200, buf_view(&b));
}

static struct fault *me_change(struct request *rq)
{
	const struct me_patch *in = INPUT(rq, me_patch);
	int64_t n;

	if (in->has_name)
		TRY(user_rename(rq->tx, rq->who->user, in->name, &n));
	return me_reply(rq);
}

static struct fault *password_set(struct tx *tx, struct request *rq, const struct attempt *a,
				  struct str hash)
{
	int64_t n;

	TRY(attempt_forgive(tx, a));
	TRY(user_set_password(tx, rq->who->user, hash, &n));
	TRY(signin_end_all(tx, rq->who->user, &rq->who->credential, STR("password_change"), &n));
	TRY(audit_login(tx, rq->who->user, STR("password_change"), STR("ok"),
			(struct str){ NULL, 0 }));
	return tx_commit(tx);
}

/* The present password is guessed at under the same limits as a sign-in. */
static struct fault *password_present(struct request *rq, struct str password,
				      struct attempt *ret_attempt)
{
	bool is_right, needs_rehash;

	TRY(attempt_open(rq, rq->who->email, ret_attempt));
	TRY(attempt_check(rq, ret_attempt, password, &is_right, &needs_rehash));
	if (is_right)
		return NULL;
	return fault_invalid(rq->mem, "/current_password", "wrong_password",
			     "This is not your present password.");
}

static struct fault *password_change_do(struct request *rq)
{
	const struct password_change *in = INPUT(rq, password_change);
	struct attempt a;
	struct str hash;
	struct fault *f;
	struct tx *tx;

	TRY(password_suits(rq->mem, in->password, rq->who->name, rq->who->email,
			   (struct str){ NULL, 0 }));
	TRY(password_present(rq, in->current_password, &a));
	TRY(hasher_hash(rq->mem, rq->app->hasher, in->password, &hash));
	tx = person_tx(rq, rq->who->user, rq->who->name);
	f = password_set(tx, rq, &a, hash);
	tx_end(tx);
	return f ? f : reply_empty(rq, 204);
}

const struct route me_routes[] = {
	{
		.method = HTTP_GET,
		.path = "/api/v1/me",
		.handler = me_reply,
		.permission = SIGNED_IN,
		.output = &me_shape,
		.summary = "Who am I, where, and what may I do there",
	},
	{
		.method = HTTP_PATCH,
		.path = "/api/v1/me",
		.handler = me_change,
		.permission = SIGNED_IN,
		.input = &me_patch_shape,
		.output = &me_shape,
		.audit = "user.update",
		.summary = "Change one's name",
	},
	{
		.method = HTTP_POST,
		.path = "/api/v1/me/password",
		.handler = password_change_do,
		.permission = SIGNED_IN,
		.input = &password_change_shape,
		.status = 204,
		.limit = LIMIT_AUTH,
		.lane = LANE_SLOW,
		.tx = ROUTE_TX_NONE,
		.audit = "user.password",
		.summary = "Choose another password; other sessions end",
		.faults = (const char *const[]){ "wrong_password", "weak_password", NULL },
	},
	{ 0 },
};
