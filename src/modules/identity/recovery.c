/* recovery.c - forgotten passwords and proving an address.
 *
 * Asking for a link does the same for every address: it seals the address into
 * a job. Only the job looks whether there is an account, so neither the answer
 * nor its time can tell. Links work once and for half an hour (verification: a
 * day); a reset ends all sessions and signs nobody in. */
#include "modules/identity/identity_internal.h"

#include "services/crypto/crypto.h"
#include "services/jobs/jobs.h"

#define FORGOT_AAD STR("forgot")

static struct fault *bad_link(const void *ctx)
{
	return fault_invalid(ctx, "/token", "link_unusable",
			     "This link does not work. It may have been used or be too old.");
}

static struct fault *forgot_do(struct request *rq)
{
	struct str sealed =
		keys_encrypt(rq->mem, rq->app->keys, FORGOT_AAD, INPUT(rq, forgot_password)->email);
	struct json_out w;
	struct buf b;

	buf_init(&b, rq->mem, 4096);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "sealed");
	json_put_str(&w, sealed);
	json_close(&w, '}');
	TRY(job_enqueue(rq->tx, &forgot_job, buf_view(&b), NULL));
	return reply_json(rq, 202, STR("{}"));
}

static struct fault *forgot_send(struct tx *tx, struct app *app, struct str email)
{
	struct user_by_email_row user;
	bool found, is_enough;

	TRY(user_by_email(tx, email, &user, &found));
	if (!found || !user.is_active)
		return NULL;
	TRY(mail_is_enough(tx, user.id, "reset", &is_enough));
	if (is_enough)
		return NULL;
	TRY(mail_reset(tx, app, user.id, user.name, user.email));
	TRY(audit_login(tx, user.id, STR("forgot"), STR("ok"), (struct str){ NULL, 0 }));
	return tx_commit(tx);
}

static struct fault *forgot_run(const void *mem, struct app *app, const struct job *job)
{
	struct str email;
	struct json j;
	struct fault *f;
	struct tx *tx;

	TRY(json_parse(mem, job->payload, &json_default_limits, &j));
	TRY(keys_decrypt(mem, app->keys, FORGOT_AAD,
			 json_string(mem, &j, json_get(&j, json_root(&j), STR("sealed"))), &email));
	tx = job_tx(mem, app, job, TX_WRITE);
	f = forgot_send(tx, app, email);
	tx_end(tx);
	return f;
}

const struct job_type forgot_job = {
	.name = "identity.forgot",
	.queue = "email",
	.run = forgot_run,
};

/* The account of an open link, or the fault of an unusable one. */
static struct fault *reset_target(struct request *rq, struct mail_token_find_row *ret_target)
{
	struct str hash = crypto_token_hash(rq->mem, INPUT(rq, reset_password)->token);
	struct tx *tx = person_tx(rq, (struct uuid){ 0 }, (struct str){ NULL, 0 });
	bool found = false;
	struct fault *f = mail_token_find(tx, hash, STR("reset"), ret_target, &found);

	tx_end(tx);
	return f || found ? f : bad_link(rq->mem);
}

static struct fault *reset_apply(struct tx *tx, struct request *rq,
				 const struct mail_token_find_row *target, struct str password_hash)
{
	struct str hash = crypto_token_hash(rq->mem, INPUT(rq, reset_password)->token);
	struct uuid user = target->user_id;
	struct mail_token_take_row taken;
	struct attempt a;
	bool found;
	int64_t n;

	TRY(mail_token_take(tx, hash, STR("reset"), &taken, &found));
	if (!found)
		return bad_link(rq->mem);
	TRY(user_set_password(tx, user, password_hash, &n));
	TRY(user_verify(tx, user, taken.email_key, &n));
	TRY(mail_token_drop(tx, user, STR("reset"), &n));
	TRY(attempt_name(tx, rq, target->email, &a));
	TRY(attempt_forgive(tx, &a));
	TRY(signin_end_all(tx, user, NULL, STR("password_reset"), &n));
	TRY(audit_login(tx, user, STR("password_reset"), STR("ok"), (struct str){ NULL, 0 }));
	return tx_commit(tx);
}

static struct fault *reset_do(struct request *rq)
{
	const struct reset_password *in = INPUT(rq, reset_password);
	struct mail_token_find_row target;
	struct str hash;
	struct fault *f;
	struct tx *tx;

	TRY(reset_target(rq, &target));
	TRY(password_suits(rq->mem, in->password, target.name, target.email,
			   (struct str){ NULL, 0 }));
	TRY(hasher_hash(rq->mem, rq->app->hasher, in->password, &hash));
	tx = person_tx(rq, target.user_id, target.name);
	f = reset_apply(tx, rq, &target, hash);
	tx_end(tx);
	return f ? f : reply_empty(rq, 204);
}

static struct fault *verify_do(struct request *rq)
{
	struct str hash = crypto_token_hash(rq->mem, INPUT(rq, verify_email)->token);
	struct mail_token_take_row taken;
	struct user_by_id_row user;
	bool found;
	int64_t n;

	TRY(mail_token_take(rq->tx, hash, STR("verify"), &taken, &found));
	if (!found)
		return bad_link(rq->mem);
	TRY(user_verify(rq->tx, taken.user_id, taken.email_key, &n));
	TRY(user_by_id(rq->tx, taken.user_id, &user));
	if (n > 0)
		TRY(mail_welcome(rq->tx, rq->app, user.name, user.email));
	TRY(mail_token_drop(rq->tx, taken.user_id, STR("verify"), &n));
	return reply_empty(rq, 204);
}

static struct fault *verification_resend(struct request *rq)
{
	bool is_enough;

	if (!rq->who->email_verified) {
		TRY(mail_is_enough(rq->tx, rq->who->user, "verify", &is_enough));
		if (!is_enough)
			TRY(mail_verification(rq->tx, rq->app, rq->who->user, rq->who->name,
					      rq->who->email));
	}
	return reply_json(rq, 202, STR("{}"));
}

const struct route recovery_routes[] = {
	{
		.method = HTTP_POST,
		.path = "/api/v1/auth/forgot",
		.handler = forgot_do,
		.permission = PUBLIC,
		.input = &forgot_password_shape,
		.output = &nothing_said_shape,
		.status = 202,
		.limit = LIMIT_AUTH,
		.audit = "user.forgot",
		.summary = "Ask for a mail that lets one choose a new password",
		.no_csrf = true,
		.no_session_token = true,
	},
	{
		.method = HTTP_POST,
		.path = "/api/v1/auth/reset",
		.handler = reset_do,
		.permission = PUBLIC,
		.input = &reset_password_shape,
		.status = 204,
		.limit = LIMIT_AUTH,
		.lane = LANE_SLOW,
		.tx = ROUTE_TX_NONE,
		.audit = "user.reset",
		.summary = "Choose a new password with the link of the mail",
		.faults = (const char *const[]){ "link_unusable", "weak_password", NULL },
		.no_csrf = true,
		.no_session_token = true,
	},
	{
		.method = HTTP_POST,
		.path = "/api/v1/auth/verify",
		.handler = verify_do,
		.permission = PUBLIC,
		.input = &verify_email_shape,
		.status = 204,
		.limit = LIMIT_AUTH,
		.audit = "user.verify",
		.summary = "Prove an e-mail address with the link of the mail",
		.faults = (const char *const[]){ "link_unusable", NULL },
		.no_csrf = true,
		.no_session_token = true,
	},
	{
		.method = HTTP_POST,
		.path = "/api/v1/me/verification",
		.handler = verification_resend,
		.permission = SIGNED_IN,
		.output = &nothing_said_shape,
		.status = 202,
		.audit = "user.verification",
		.summary = "Send the verification mail again",
	},
	{ 0 },
};
