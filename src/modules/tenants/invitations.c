/* invitations.c - inviting people: list, invite, withdraw, send again.
 *
 * The secret is in the mail only; here is its hash. A new mail brings a new
 * secret, so only the last link works. */
#include "modules/tenants/tenants_internal.h"

#include "services/crypto/crypto.h"
#include "services/events/events.h"
#include "services/mail/mail.h"

#include <talloc.h>

static struct fault *invitation_page(struct request *rq)
{
	const struct invitation_query *q = QUERY(rq, invitation_query);
	struct invitation_list_row page;
	struct str after;

	TRY(tenants_page_after(rq, q->has_cursor, q->cursor, &after));
	TRY(invitation_list(rq->tx, q->has_status ? q->status : (struct str){ NULL, 0 }, after,
			    q->limit, q->count, &page));
	return tenants_page_reply(rq, page.items, page.next, page.has_total ? page.total : -1);
}

struct str invitation_payload(const void *ctx, struct uuid id, struct str email, struct str role)
{
	struct json_out w;
	struct buf b;

	buf_init(&b, ctx, 4096);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "id");
	json_put_str(&w, uuid_str(ctx, id));
	json_key(&w, "email");
	json_put_str(&w, email);
	json_key(&w, "role");
	json_put_str(&w, role);
	json_close(&w, '}');
	return buf_view(&b);
}

static struct fault *invitation_mail(struct request *rq, struct str email, struct str role,
				     struct str token)
{
	struct tenant_name_get_row tenant;
	struct json_out w;
	struct buf b;

	TRY(tenant_name_get(rq->tx, &tenant));
	buf_init(&b, rq->mem, 8192);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "inviter");
	json_put_str(&w, rq->who->name);
	json_key(&w, "organization");
	json_put_str(&w, tenant.name);
	json_key(&w, "role");
	json_put_str(&w, str_of(role_find(role) ? role_find(role)->title : "Member"));
	json_key(&w, "link");
	json_put_str(&w,
		     str_of(talloc_asprintf(rq->mem, "%.*s/invite/%.*s",
					    STR_ARG(rq->app->config->public_url), STR_ARG(token))));
	json_close(&w, '}');
	return mail_send(rq->tx, rq->app, &tenants_mail_invitation, email, buf_view(&b));
}

static struct fault *may_invite(const struct request *rq)
{
	if (rq->who->kind != WHO_USER)
		return FAULT(rq->mem, FAULT_FORBIDDEN, "person_required",
			     "Only a person can invite, not a key.");
	if (!rq->who->email_verified)
		return FAULT(rq->mem, FAULT_FORBIDDEN, "email_unverified",
			     "Confirm your own e-mail address before you invite others.");
	return NULL;
}

static struct fault *invitation_create(struct request *rq)
{
	const struct invitation_create *in = INPUT(rq, invitation_create);
	struct str token = crypto_token(rq->mem);
	struct member_has_email_row known;
	struct invitation_insert_row made;
	struct invitation_get_row invitation;
	int64_t n;

	TRY(may_invite(rq));
	TRY(role_grantable(rq, in->role));
	TRY(member_has_email(rq->tx, in->email, &known));
	if (known.is_member)
		return fault_conflict(rq, "already_member", "This person is a member already.");
	TRY(invitation_close_expired(rq->tx, in->email, &n));
	TRY(invitation_insert(rq->tx, in->email, in->role, crypto_token_hash(rq->mem, token),
			      rq->who->user, &made));
	TRY(invitation_mail(rq, in->email, in->role, token));
	TRY(event_emit(rq->tx, &invitation_created, made.id,
		       invitation_payload(rq->mem, made.id, in->email, in->role)));
	TRY(invitation_get(rq->tx, made.id, &invitation));
	return reply_created(rq, made.id, invitation.item);
}

/* Locks an invitation that can still be accepted (or has only expired). */
static struct fault *invitation_hold(struct request *rq, struct invitation_lock_row *ret_held)
{
	TRY(invitation_lock(rq->tx, rq->id, ret_held));
	if (str_eq(ret_held->status, STR("accepted")) || str_eq(ret_held->status, STR("revoked")))
		return fault_conflict(rq, "invitation_closed",
				      "This invitation has been accepted or withdrawn.");
	return NULL;
}

static struct fault *invitation_withdraw(struct request *rq)
{
	struct invitation_lock_row held;
	int64_t n;

	TRY(invitation_hold(rq, &held));
	TRY(audit_as(rq->tx, STR("revoke")));
	TRY(invitation_revoke(rq->tx, rq->id, &n));
	TRY(event_emit(rq->tx, &invitation_revoked, rq->id,
		       invitation_payload(rq->mem, rq->id, held.email, held.role)));
	return reply_empty(rq, 204);
}

static struct fault *invitation_resend(struct request *rq)
{
	struct str token = crypto_token(rq->mem);
	struct invitation_lock_row held;
	struct invitation_get_row invitation;
	int64_t n;

	TRY(may_invite(rq));
	TRY(invitation_hold(rq, &held));
	TRY(role_grantable(rq, held.role));
	TRY(audit_as(rq->tx, STR("resend")));
	TRY(invitation_renew(rq->tx, rq->id, crypto_token_hash(rq->mem, token), &n));
	TRY(invitation_mail(rq, held.email, held.role, token));
	TRY(event_emit(rq->tx, &invitation_resent, rq->id,
		       invitation_payload(rq->mem, rq->id, held.email, held.role)));
	TRY(invitation_get(rq->tx, rq->id, &invitation));
	return reply_json(rq, 200, invitation.item);
}

const struct route invitation_routes[] = {
	{
		.method = HTTP_GET,
		.path = "/api/v1/t/{tenant}/invitations",
		.handler = invitation_page,
		.permission = "invitation.read",
		.query = &invitation_query_shape,
		.output = &invitation_shape,
		.output_is_list = true,
		.summary = "Invitations, newest first",
	},
	{
		.method = HTTP_POST,
		.path = "/api/v1/t/{tenant}/invitations",
		.handler = invitation_create,
		.permission = "invitation.create",
		.input = &invitation_create_shape,
		.output = &invitation_shape,
		.status = 201,
		.audit = "invitation.create",
		.summary = "Invite somebody by mail",
		.faults = (const char *const[]){ "already_member", "already_invited",
						 "above_your_rank", "email_unverified",
						 "person_required", NULL },
	},
	{
		.method = HTTP_DELETE,
		.path = "/api/v1/t/{tenant}/invitations/{id}",
		.handler = invitation_withdraw,
		.permission = "invitation.revoke",
		.status = 204,
		.audit = "invitation.revoke",
		.summary = "Withdraw an invitation",
		.faults = (const char *const[]){ "invitation_closed", NULL },
	},
	{
		.method = HTTP_POST,
		.path = "/api/v1/t/{tenant}/invitations/{id}/resend",
		.handler = invitation_resend,
		.permission = "invitation.create",
		.output = &invitation_shape,
		.audit = "invitation.resend",
		.summary = "Send it again with a new link and a new week",
		.faults = (const char *const[]){ "invitation_closed", "above_your_rank",
						 "email_unverified", "person_required", NULL },
	},
	{ 0 },
};
