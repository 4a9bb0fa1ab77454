/* tenants_internal.h - what the files of this module share. */
#pragma once

#include "modules/tenants/tenants.h"
#include "modules/tenants/tenants_gen.h"
#include "services/audit/audit.h"

extern const struct route organization_routes[];
extern const struct route member_routes[];
extern const struct route invitation_routes[];
extern const struct route joining_routes[];
extern const struct route role_routes[];
extern const struct route api_key_routes[];

authenticate_fn api_key_authenticate;

/* ---- roles (roles.c) ---- */

struct role_info {
	const char *name;
	const char *title;
	int rank; /* nobody grants or touches a role above their own */
};

/* NULL when there is no such role. */
const struct role_info *role_find(struct str name);
/* The permissions of a role from the catalogue: sorted, NULL-ended, owned by
 * ctx; only those that read when the tenant is not active. */
const char *const *role_permissions(const void *ctx, const struct registry *r, struct str role,
				    struct str tenant_status, size_t *ret_count);
/* FAULT_INVALID at /role for an unknown role, FAULT_FORBIDDEN for one above the
 * caller's rank. */
struct fault *role_grantable(const struct request *rq, struct str name);

/* One membership as JSON: {tenant, role, permissions, joined_at}. */
void membership_put(struct json_out *w, const void *ctx, const struct registry *r,
		    const struct membership_list_row *m);

/* Opens a list's cursor into *ret_after (absent without one). */
struct fault *tenants_page_after(const struct request *rq, bool has_cursor, struct str cursor,
				 struct str *ret_after);
/* Answers a page; next is the JSON array of the last row's sort values, or absent;
 * total below 0 was not asked for. */
struct fault *tenants_page_reply(struct request *rq, struct str items, struct str next,
				 int64_t total);

/* Payload {id, email, role} of an invitation's event. */
struct str invitation_payload(const void *ctx, struct uuid id, struct str email, struct str role);
/* Payload {id, name?, role?} of the other events. */
struct str member_payload(const void *ctx, struct uuid user, struct str name, struct str role);
