/* joining.c - the other end of an invitation: what a link shows, and accepting it.
 *
 * Whoever holds the link may see what it is about; nobody else learns whether
 * it, the organisation or the account exists. It works once: the row is taken
 * in the transaction that makes the member. */
#include "modules/tenants/tenants_internal.h"

#include "base/clock.h"
#include "services/crypto/crypto.h"
#include "services/events/events.h"

static struct fault *unusable(const void *ctx)
{
	return FAULT(ctx, FAULT_NOT_FOUND, "invitation_unusable",
		     "This invitation does not work. It may have been used, withdrawn or be too "
		     "old.");
}

static struct fault *find_by_token(struct tx *tx, struct str token,
				   struct invitation_by_token_row *ret_row)
{
	bool found;

	TRY(invitation_by_token(tx, crypto_token_hash(tx_mem(tx), token), ret_row, &found));
	return found ? NULL : unusable(tx_mem(tx));
}

static struct fault *invitation_show(struct request *rq)
{
	char until[CLOCK_TEXT_SIZE];
	struct invitation_by_token_row i;
	struct json_out w;
	struct buf b;

	TRY(find_by_token(rq->tx, request_path(rq, "token"), &i));
	buf_init(&b, rq->mem, 8192);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "email");
	json_put_str(&w, i.email);
	json_key(&w, "role");
	json_put_str(&w, i.role);
	json_key(&w, "tenant");
	json_open(&w, '{');
	json_key(&w, "name");
	json_put_str(&w, i.tenant_name);
	json_key(&w, "slug");
	json_put_str(&w, i.tenant_slug);
	json_close(&w, '}');
	json_key(&w, "inviter_name");
	json_put_str(&w, str_is_null(i.inviter_name) ? STR("") : i.inviter_name);
	json_key(&w, "account_exists");
	json_put_bool(&w, i.account_exists);
	json_key(&w, "expires_at");
	json_put_str(&w, str_of(clock_format(i.expires_at, until)));
	json_close(&w, '}');
	return reply_json(rq, 200, buf_view(&b));
}

struct fault *invitation_use(struct tx *tx, struct str token, const struct invitee *who,
			     struct uuid *ret_tenant, bool *ret_proves_address)
{
	const void *mem = tx_mem(tx);
	struct invitation_by_token_row i;
	struct same_email_row same;
	int64_t n;

	TRY(find_by_token(tx, token, &i));
	TRY(same_email(tx, i.email, who->email, &same));
	if (!same.is_same && !who->confirms_other_address)
		return FAULT(mem, FAULT_CONFLICT, "other_address",
			     "This invitation was sent to another e-mail address.");
	TRY(tenant_enter(tx, i.tenant_id));
	TRY(audit_as(tx, STR("accept")));
	TRY(invitation_take(tx, i.id, who->user, &n));
	if (n == 0)
		return unusable(mem);
	TRY(audit_as(tx, STR("")));
	TRY(member_insert(tx, i.tenant_id, who->user, i.role, &i.invited_by, &i.created_at, &n));
	if (n == 0)
		return FAULT(mem, FAULT_CONFLICT, "already_member",
			     "You are a member of this organisation already.");
	TRY(event_emit(tx, &member_joined, who->user,
		       member_payload(mem, who->user, who->name, i.role)));
	TRY(event_emit(tx, &invitation_accepted, i.id,
		       invitation_payload(mem, i.id, i.email, i.role)));
	*ret_tenant = i.tenant_id;
	*ret_proves_address = same.is_same;
	return NULL;
}

static struct fault *reply_membership(struct request *rq, struct uuid tenant)
{
	struct membership_list_rows rows;
	struct json_out w;
	struct buf b;

	TRY(membership_list(rq->tx, rq->who->user, &rows));
	buf_init(&b, rq->mem, 1 << 20);
	json_out_init(&w, &b);
	for (size_t i = 0; i < rows.n; i++)
		if (uuid_eq(rows.v[i].id, tenant))
			membership_put(&w, rq->mem, rq->app->registry, &rows.v[i]);
	return reply_json(rq, 200, buf_view(&b));
}

static struct fault *invitation_accept_own(struct request *rq)
{
	const struct invitation_accept *in = INPUT(rq, invitation_accept);
	struct invitee who = { .user = rq->who->user,
			       .name = rq->who->name,
			       .email = rq->who->email,
			       .confirms_other_address = in->confirm_other_address };
	struct uuid tenant;
	bool proves_address;

	TRY(invitation_use(rq->tx, in->token, &who, &tenant, &proves_address));
	return reply_membership(rq, tenant);
}

const struct route joining_routes[] = {
	{
		.method = HTTP_GET,
		.path = "/api/public/invitations/{token}",
		.handler = invitation_show,
		.permission = PUBLIC,
		.output = &invitation_preview_shape,
		.summary = "What an invitation is about, for the holder of its link",
		.faults = (const char *const[]){ "invitation_unusable", NULL },
	},
	{
		.method = HTTP_POST,
		.path = "/api/v1/invitations/accept",
		.handler = invitation_accept_own,
		.permission = SIGNED_IN,
		.input = &invitation_accept_shape,
		.output = &membership_shape,
		.audit = "invitation.accept",
		.summary = "Become a member through an invitation",
		.faults = (const char *const[]){ "invitation_unusable", "other_address",
						 "already_member", NULL },
	},
	{ 0 },
};
