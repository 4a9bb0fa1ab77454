/* tenants.c - the module: organisations, members, invitations, roles, API keys. */
#include "modules/tenants/tenants_internal.h"

#define ADMINS LIST(char *, "owner", "admin")
#define EVERYBODY LIST(char *, "owner", "admin", "member", "viewer")

static const struct permission permissions[] = {
	{ "tenant.read", "See the organisation", EVERYBODY },
	{ "tenant.update", "Change the organisation", ADMINS },
	{ "member.read", "See who belongs to it", EVERYBODY },
	{ "member.update", "Change roles of members", ADMINS },
	{ "member.remove", "Take members out", ADMINS },
	{ "invitation.read", "See invitations", ADMINS },
	{ "invitation.create", "Invite people", ADMINS },
	{ "invitation.revoke", "Withdraw invitations", ADMINS },
	{ "role.read", "See roles and what they may do", EVERYBODY },
	{ "api_key.read", "See API keys", ADMINS },
	{ "api_key.create", "Make API keys", ADMINS },
	{ "api_key.revoke", "Revoke API keys", ADMINS },
	{ 0 },
};

static const struct db_constraint constraints[] = {
	{ "tenants_slug_unique", "/organization/slug", "slug_taken",
	  "Another organisation has this short name." },
	{ "tenants_name_form", "/name", "unreadable_name",
	  "A name needs something to see and no control characters." },
	{ "api_keys_name_form", "/name", "unreadable_name",
	  "A name needs something to see and no control characters." },
	{ "tenants_locale_form", "/locale", "unknown_locale",
	  "A language is named like en, de or en-GB." },
	{ "invitations_one_open", "/email", "already_invited",
	  "This person has an open invitation. Send it again instead." },
	{ 0 },
};

const struct module tenants_module = {
	.name = "tenants",
	.needs = LIST(char *, "audit", "events", "mail"),
	.migrations = tenants_migrations,
	.queries = tenants_queries,
	.shapes = tenants_shapes,
	.routes = LIST(struct route *, organization_routes, member_routes, invitation_routes,
		       joining_routes, role_routes, api_key_routes),
	.permissions = permissions,
	.events = tenants_events,
	.constraints = constraints,
	.authenticators = (authenticate_fn *const[]){ api_key_authenticate, NULL },
};
