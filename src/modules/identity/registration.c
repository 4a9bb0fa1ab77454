/* registration.c - a person signs up, with an organisation of their own or
 * through an invitation.
 *
 * One transaction: person, organisation or membership, mail, session, audit,
 * event. That an address is taken has to be said here, because whoever
 * registers is signed in at once; the limit on failures makes asking slow
 * (docs/adr/0301-what-sign-in-tells.md). */
#include "modules/identity/identity_internal.h"

#include "modules/tenants/tenants.h"
#include "services/crypto/crypto.h"
#include "services/crypto/password.h"

struct newcomer {
	const struct sign_up *in;
	struct uuid id;
	struct str password_hash;
	struct sign_in_as as;
	struct opened opened;
	struct user_json_row user;
	struct str tenants;
	struct attempt attempt;
};

static struct fault *may_register(const struct request *rq, const struct sign_up *in)
{
	if (in->has_invitation_token)
		return NULL;
	if (!rq->app->config->registration_open)
		return FAULT(rq->mem, FAULT_FORBIDDEN, "registration_closed",
			     "Registration is by invitation only.");
	if (!in->has_organization)
		return fault_invalid(rq->mem, "/organization", "required",
				     "Name your organisation.");
	return NULL;
}

struct fault *password_suits(const void *ctx, struct str password, struct str name,
			     struct str email, struct str organization)
{
	struct str rest = email;
	const struct str context[] = { name, str_cut(&rest, '@'), email, organization };

	return password_check(ctx, "/password", password, context,
			      sizeof(context) / sizeof(context[0]));
}

static struct fault *join(struct tx *tx, struct request *rq, const struct newcomer *who)
{
	const struct sign_up *in = who->in;
	struct invitee invitee = { .user = who->id, .name = in->name, .email = in->email };
	struct uuid tenant;
	bool proves_address;
	int64_t n;

	if (in->has_invitation_token) {
		TRY(invitation_use(tx, in->invitation_token, &invitee, &tenant, &proves_address));
		TRY(user_verify_own(tx, who->id, &n));
		return mail_welcome(tx, rq->app, in->name, in->email);
	}
	TRY(tenant_found(tx, in->organization.name,
			 in->organization.has_slug ? in->organization.slug
						   : (struct str){ NULL, 0 },
			 who->id, &tenant));
	return mail_verification(tx, rq->app, who->id, in->name, in->email);
}

static struct fault *email_taken(const void *ctx)
{
	return fault_field(FAULT(ctx, FAULT_CONFLICT, "email_taken",
				 "This address has an account. Sign in instead."),
			   "/email", "email_taken", "This address has an account.");
}

/* Asking whether addresses have accounts counts like guessing passwords. */
static struct fault *address_is_free(struct request *rq, struct newcomer *who)
{
	struct fault *f;

	TRY(attempt_open(rq, who->in->email, &who->attempt));
	if (who->attempt.is_allowed)
		return who->attempt.found ? email_taken(rq->mem) : NULL;
	f = FAULT(rq->mem, FAULT_LIMITED, "too_many_requests",
		  "Too many tries from here or with this address. Wait a little.");
	f->retry_after_s = 60;
	return f;
}

static struct fault *admit(struct tx *tx, struct request *rq, struct newcomer *who)
{
	const struct sign_up *in = who->in;
	int64_t n;

	TRY(user_insert(tx, who->id, in->name, in->email, who->password_hash, &n));
	if (n == 0)
		return email_taken(rq->mem);
	TRY(attempt_forgive(tx, &who->attempt));
	TRY(join(tx, rq, who));
	TRY(signin_open(tx, rq, &who->as, &who->opened));
	TRY(user_json(tx, who->id, &who->user));
	TRY(membership_json(tx, rq->app->registry, who->id, &who->tenants));
	return tx_commit(tx);
}

static struct fault *sign_up_do(struct request *rq)
{
	const struct sign_up *in = INPUT(rq, sign_up);
	struct newcomer who = { .in = in, .id = uuid_new() };
	struct fault *f;
	struct tx *tx;

	TRY(may_register(rq, in));
	TRY(password_suits(rq->mem, in->password, in->name, in->email,
			   in->has_organization ? in->organization.name : (struct str){ NULL, 0 }));
	TRY(address_is_free(rq, &who));
	TRY(hasher_hash(rq->mem, rq->app->hasher, in->password, &who.password_hash));
	who.as = (struct sign_in_as){ .user = who.id, .by_token = str_eq(in->mode, STR("token")) };
	tx = person_tx(rq, who.id, in->name);
	f = admit(tx, rq, &who);
	tx_end(tx);
	if (f)
		return f;
	reply_field(rq, "Location", STR("/api/v1/me"));
	return signin_reply(rq, 201, &who.as, &who.opened, who.user.item, who.tenants);
}

struct fault *person_seed(struct tx *tx, struct app *app, struct str name, struct str email,
			  struct str password, struct uuid *ret_id)
{
	struct user_by_email_row known;
	struct str hash;
	bool found;
	int64_t n;

	TRY(user_by_email(tx, email, &known, &found));
	if (found) {
		*ret_id = known.id;
		return NULL;
	}
	*ret_id = uuid_new();
	TRY(hasher_hash(tx_mem(tx), app->hasher, password, &hash));
	TRY(user_insert(tx, *ret_id, name, email, hash, &n));
	return user_verify_own(tx, *ret_id, &n);
}

const struct route registration_routes[] = {
	{
		.method = HTTP_POST,
		.path = "/api/v1/auth/register",
		.handler = sign_up_do,
		.permission = PUBLIC,
		.input = &sign_up_shape,
		.output = &session_opened_shape,
		.status = 201,
		.limit = LIMIT_AUTH,
		.lane = LANE_SLOW,
		.tx = ROUTE_TX_NONE,
		.audit = "user.register",
		.summary = "Sign up with an organisation, or through an invitation",
		.faults = (const char *const[]){ "email_taken", "too_many_requests", "slug_taken",
						 "weak_password", "registration_closed",
						 "invitation_unusable", "other_address", NULL },
		.no_csrf = true,
		.no_session_token = true,
	},
	{ 0 },
};
