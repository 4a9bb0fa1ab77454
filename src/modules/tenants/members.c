/* members.c - who belongs to the organisation: list, other role, out.
 *
 * Two rules hold whatever happens at the same time: there is always an owner,
 * and nobody touches somebody above their own rank. All owners are locked
 * first, in one order, so of two who remove each other the second is refused. */
#include "modules/tenants/tenants_internal.h"

#include "services/events/events.h"

struct fault *tenants_page_after(const struct request *rq, bool has_cursor, struct str cursor,
				 struct str *ret_after)
{
	*ret_after = (struct str){ NULL, 0 };
	return has_cursor ? cursor_open(rq, cursor, ret_after) : NULL;
}

struct fault *tenants_page_reply(struct request *rq, struct str items, struct str next,
				 int64_t total)
{
	return reply_list_total(rq, items, str_is_null(next) ? next : cursor_seal(rq, next), total);
}

struct str member_payload(const void *ctx, struct uuid user, struct str name, struct str role)
{
	struct json_out w;
	struct buf b;

	buf_init(&b, ctx, 4096);
	json_out_init(&w, &b);
	json_open(&w, '{');
	json_key(&w, "id");
	json_put_str(&w, uuid_str(ctx, user));
	if (!str_is_null(name)) {
		json_key(&w, "name");
		json_put_str(&w, name);
	}
	if (!str_is_null(role)) {
		json_key(&w, "role");
		json_put_str(&w, role);
	}
	json_close(&w, '}');
	return buf_view(&b);
}

static struct fault *member_page(struct request *rq)
{
	const struct member_query *q = QUERY(rq, member_query);
	const struct str none = { NULL, 0 };
	struct member_list_row page;
	struct str after;

	TRY(tenants_page_after(rq, q->has_cursor, q->cursor, &after));
	TRY(member_list(rq->tx, q->has_q ? q->q : none, q->has_role ? q->role : none, after,
			q->limit, q->count, &page));
	return tenants_page_reply(rq, page.items, page.next, page.has_total ? page.total : -1);
}

/* Locks the member and says no when they stand above the caller, or are the
 * last owner and would cease to be one. */
static struct fault *member_hold(struct request *rq, struct uuid user, bool stays_owner,
				 struct member_lock_row *ret_member)
{
	const struct role_info *role;
	struct owners_lock_rows owners;
	bool is_self = uuid_eq(user, rq->who->user);

	TRY(owners_lock(rq->tx, &owners));
	TRY(member_lock(rq->tx, user, ret_member));
	role = role_find(ret_member->role);
	if (!is_self && role && role->rank > rq->who->rank)
		return FAULT(rq->mem, FAULT_FORBIDDEN, "above_your_rank",
			     "This person's role is above your own.");
	if (str_eq(ret_member->role, STR("owner")) && !stays_owner && owners.n <= 1)
		return fault_conflict(
			rq, "last_owner",
			"An organisation needs an owner. Make somebody else one first.");
	return NULL;
}

static struct fault *member_patch_role(struct request *rq)
{
	struct str role = INPUT(rq, member_patch)->role;
	struct member_lock_row held;
	struct member_get_row member;
	struct uuid user;
	int64_t n;

	TRY(request_path_uuid(rq, "user_id", &user));
	TRY(role_grantable(rq, role));
	TRY(member_hold(rq, user, str_eq(role, STR("owner")), &held));
	TRY(request_check_version(rq, held.version));
	if (!str_eq(held.role, role)) {
		TRY(member_set_role(rq->tx, user, role, &n));
		TRY(event_emit(rq->tx, &member_updated, user,
			       member_payload(rq->mem, user, held.name, role)));
	}
	TRY(member_get(rq->tx, user, &member));
	reply_etag(rq, member.version);
	return reply_json(rq, 200, member.item);
}

/* Everybody may leave; others are put out by who has the permission. */
static struct fault *member_remove(struct request *rq)
{
	struct member_lock_row held;
	struct uuid user;
	int64_t n;

	TRY(request_path_uuid(rq, "user_id", &user));
	if (!uuid_eq(user, rq->who->user) && !request_may(rq, "member.remove"))
		return FAULT(rq->mem, FAULT_FORBIDDEN, "forbidden",
			     "You are not allowed to do this.");
	TRY(member_hold(rq, user, false, &held));
	TRY(event_emit(rq->tx, &member_removed, user,
		       member_payload(rq->mem, user, held.name, (struct str){ NULL, 0 })));
	TRY(member_delete(rq->tx, user, &n));
	return reply_empty(rq, 204);
}

const struct route member_routes[] = {
	{
		.method = HTTP_GET,
		.path = "/api/v1/t/{tenant}/members",
		.handler = member_page,
		.permission = "member.read",
		.query = &member_query_shape,
		.output = &member_shape,
		.output_is_list = true,
		.summary = "Who belongs to the organisation",
	},
	{
		.method = HTTP_PATCH,
		.path = "/api/v1/t/{tenant}/members/{user_id}",
		.handler = member_patch_role,
		.permission = "member.update",
		.input = &member_patch_shape,
		.output = &member_shape,
		.audit = "member.update",
		.summary = "Give a member another role",
		.faults = (const char *const[]){ "last_owner", "above_your_rank", NULL },
	},
	{
		.method = HTTP_DELETE,
		.path = "/api/v1/t/{tenant}/members/{user_id}",
		.handler = member_remove,
		.permission = MEMBER,
		.status = 204,
		.audit = "member.remove",
		.summary = "Take a member out, or leave",
		.faults = (const char *const[]){ "last_owner", "above_your_rank", NULL },
	},
	{ 0 },
};
