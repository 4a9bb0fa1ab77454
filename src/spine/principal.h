/* principal.h - who is asking, as the authenticators found out.
 *
 * The pipeline keeps principals in a cache by credential hash and tenant; their
 * stamps travel with every transaction (db.h), so a cached one never outlives a
 * revocation by even one request. Modules register authenticators. */
#pragma once

#include "db/db.h"

struct app;

enum principal_kind { WHO_ANONYMOUS, WHO_USER, WHO_API_KEY };

struct principal {
	enum principal_kind kind;
	struct uuid user;	/* nil for keys */
	struct uuid credential; /* session or key */
	struct str name;
	struct str email;
	bool email_verified;
	bool is_operator;
	bool by_cookie;	       /* CSRF applies */
	struct str csrf_token; /* expected in X-CSRF-Token when by_cookie */
	/* inside a tenant (tenant nil: none asked or none found) */
	struct uuid tenant;
	struct str tenant_slug;
	struct str role;
	int rank;
	const char *const *permissions; /* NULL-ended, sorted */
	size_t permission_count;
	struct uuid project; /* a key bound to one project; nil: all */
	struct access_stamp stamps[4];
	size_t stamp_count;
	int64_t valid_until_us; /* wall; never cached beyond */
};

bool principal_may(const struct principal *who, const char *permission);

/* What an authenticator is given: raw credential and where from. */
struct credential {
	struct str cookie; /* session cookie value, absent if none */
	struct str bearer; /* Authorization: Bearer, absent if none */
	struct str basic;  /* Authorization: Basic, undecoded, absent if none */
	struct str tenant; /* {tenant} of the path (slug or id), absent if none */
	struct str ip;
	struct str user_agent;
};

/* Finds out who it is; tx is DB_PLATFORM. Leaves ret_who at kind ANONYMOUS when
 * the credential is not of this authenticator's form; FAULT_UNAUTHENTICATED
 * when it is but is bad. When cred->tenant is given and the person is a
 * member, tenant, role and permissions are filled; else tenant stays nil (the
 * pipeline answers 404). */
typedef struct fault *authenticate_fn(struct tx *tx, struct app *app, const struct credential *cred,
				      struct principal *ret_who);
