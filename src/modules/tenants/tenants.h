/* tenants.h - organisations and who belongs to them, for other modules.
 *
 * A person is an id here. The module identity calls these functions inside its
 * own transactions as bulkhead_platform; nobody else needs them. */
#pragma once

#include "spine/module.h"

extern const struct module tenants_module;

/* Founds an organisation with the person as its owner and enters it: what the
 * transaction does from here on belongs to it. slug absent: made from the
 * name. FAULT_INVALID with field /organization/slug when it is reserved,
 * FAULT_CONFLICT slug_taken when another has it. */
struct fault *tenant_found(struct tx *tx, struct str name, struct str slug, struct uuid owner,
			   struct uuid *ret_id);

/* For `bulkhead seed`: the organisation of that slug, founded if missing. Enters
 * it. tx is DB_PLATFORM. */
struct fault *tenant_seed(struct tx *tx, struct str name, struct str slug, struct uuid owner,
			  struct uuid *ret_id);
/* A member of the entered tenant, unless they are one already. */
struct fault *membership_seed(struct tx *tx, struct uuid tenant, struct uuid user, struct str role);

/* JSON array of the person's memberships, each with its permissions. */
struct fault *membership_json(struct tx *tx, const struct registry *r, struct uuid user,
			      struct str *ret_json);

/* Fills tenant, role, permissions and stamp of who if the person who->user is a
 * member of the tenant named by slug or id, and notes that they were here; else
 * leaves them empty. For authenticators. */
struct fault *membership_enter(struct tx *tx, const struct registry *r, struct str tenant,
			       struct principal *who);

struct invitee {
	struct uuid user;
	struct str name;
	struct str email;
	bool confirms_other_address;
};

/* Makes the person a member through the token of an invitation, once, and
 * enters the tenant. FAULT_NOT_FOUND invitation_unusable, FAULT_CONFLICT
 * other_address (not confirmed) or already_member. *ret_proves_address: the
 * link was sent to the person's own address. */
struct fault *invitation_use(struct tx *tx, struct str token, const struct invitee *who,
			     struct uuid *ret_tenant, bool *ret_proves_address);
