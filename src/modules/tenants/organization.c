/* organization.c - an organisation itself: founding it, reading and changing it,
 * and what happened in it lately.
 *
 * Its slug is a word in addresses, so words the interface and the API use
 * themselves are not given away. */
#include "modules/tenants/tenants_internal.h"

#include "base/vec.h"
#include "services/crypto/crypto.h"
#include "services/events/events.h"

#include <talloc.h>

#define SLUG_FROM_NAME_MAX 40
#define SLUG_TRIES 8

/* First words of our own addresses, and some that would mislead. */
static const char *const reserved_slugs[] = {
	"about",       "abuse",	   "account",  "accounts",     "admin",	    "administrator",
	"api",	       "app",	   "apps",     "assets",       "auth",	    "billing",
	"blog",	       "bulkhead", "cdn",      "contact",      "dashboard", "dev",
	"docs",	       "download", "events",   "favicon",      "forgot",    "healthz",
	"help",	       "home",	   "imprint",  "internal",     "invite",    "invitation",
	"invitations", "join",	   "legal",    "livez",	       "login",	    "logout",
	"mail",	       "me",	   "metrics",  "new",	       "no-access", "oauth",
	"offline",     "openapi",  "operator", "organization", "owner",	    "postmaster",
	"pricing",     "privacy",  "profile",  "public",       "readyz",    "register",
	"reset",       "root",	   "sdk",      "security",     "settings",  "signin",
	"signup",      "socket",   "sso",      "static",       "status",    "support",
	"system",      "team",	   "tenant",   "tenants",      "terms",	    "user",
	"users",       "v1",	   "v2",       "verify",       "webhooks",  "www",
};

static bool slug_is_reserved(struct str slug)
{
	for (size_t i = 0; i < sizeof(reserved_slugs) / sizeof(reserved_slugs[0]); i++)
		if (str_eq(slug, str_of(reserved_slugs[i])))
			return true;
	return false;
}

/* "Harbour & Sons GmbH" becomes "harbour-sons-gmbh". */
static char *slug_from_name(const void *ctx, struct str name)
{
	struct str low = str_lower(ctx, name);
	char *slug = talloc_zero_size(ctx, SLUG_FROM_NAME_MAX + 1);
	size_t n = 0;

	for (size_t i = 0; i < low.n && n < SLUG_FROM_NAME_MAX; i++) {
		char c = low.p[i];
		bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (fits)
			slug[n++] = c;
		else if (n > 0 && slug[n - 1] != '-')
			slug[n++] = '-';
	}
	while (n > 0 && slug[n - 1] == '-')
		n--;
	slug[n] = 0;
	return n >= 2 ? slug : talloc_strdup(ctx, "organization");
}

/* The name itself, -2 … -7, and one with a random end that is hardly taken. */
static void slug_candidates(const void *ctx, struct str name, struct str ret_list[SLUG_TRIES])
{
	char *base = slug_from_name(ctx, name);
	uint32_t random;

	ret_list[0] = str_of(base);
	for (int i = 1; i < SLUG_TRIES - 1; i++)
		ret_list[i] = str_of(talloc_asprintf(ctx, "%s-%d", base, i + 1));
	crypto_random(&random, sizeof(random));
	ret_list[SLUG_TRIES - 1] = str_of(talloc_asprintf(ctx, "%s-%08x", base, random));
}

static struct fault *slug_choose(struct tx *tx, struct str name, struct str *ret_slug)
{
	struct str list[SLUG_TRIES];
	struct tenant_slug_taken_rows taken;

	slug_candidates(tx_mem(tx), name, list);
	TRY(tenant_slug_taken(tx, list, SLUG_TRIES, &taken));
	for (size_t i = 0; i < SLUG_TRIES; i++) {
		bool is_free = !slug_is_reserved(list[i]);

		for (size_t k = 0; k < taken.n && is_free; k++)
			is_free = !str_eq(list[i], taken.v[k].slug);
		if (is_free) {
			*ret_slug = list[i];
			return NULL;
		}
	}
	return FAULT(tx_mem(tx), FAULT_CONFLICT, "slug_taken",
		     "Please choose a short name for addresses.");
}

struct fault *tenant_found(struct tx *tx, struct str name, struct str slug, struct uuid owner,
			   struct uuid *ret_id)
{
	struct tenant_insert_row made;
	int64_t n;

	if (str_is_null(slug))
		TRY(slug_choose(tx, name, &slug));
	else if (slug_is_reserved(slug))
		return fault_invalid(tx_mem(tx), "/organization/slug", "reserved",
				     "This short name is reserved.");
	TRY(tenant_insert(tx, slug, name, &made));
	TRY(tenant_enter(tx, made.id));
	TRY(member_insert(tx, made.id, owner, STR("owner"), NULL, NULL, &n));
	*ret_id = made.id;
	return event_emit(tx, &tenant_created, made.id,
			  member_payload(tx_mem(tx), made.id, name, (struct str){ NULL, 0 }));
}

struct fault *tenant_seed(struct tx *tx, struct str name, struct str slug, struct uuid owner,
			  struct uuid *ret_id)
{
	struct tenant_id_of_row known;
	bool found;

	TRY(tenant_id_of(tx, slug, &known, &found));
	if (!found)
		return tenant_found(tx, name, slug, owner, ret_id);
	*ret_id = known.id;
	return tenant_enter(tx, known.id);
}

struct fault *membership_seed(struct tx *tx, struct uuid tenant, struct uuid user, struct str role)
{
	int64_t n;

	return member_insert(tx, tenant, user, role, NULL, NULL, &n);
}

static struct fault *organization_get(struct request *rq)
{
	struct tenant_get_row t;

	TRY(tenant_get(rq->tx, &t));
	reply_etag(rq, t.version);
	return reply_json(rq, 200, t.tenant);
}

/* What the database would only answer with a fault of its own. */
static struct fault *patch_check(struct request *rq, const struct tenant_patch *in)
{
	struct time_zone_is_known_row zone = { .is_known = true };
	bool is_currency = true;
	struct fault *f;

	for (size_t i = 0; in->has_currency && i < in->currency.n; i++)
		is_currency = is_currency && in->currency.p[i] >= 'A' && in->currency.p[i] <= 'Z';
	if (in->has_time_zone)
		TRY(time_zone_is_known(rq->tx, in->time_zone, &zone));
	if (is_currency && zone.is_known)
		return NULL;
	f = FAULT(rq->mem, FAULT_INVALID, "invalid", "Some fields are not valid.");
	if (!is_currency)
		fault_field(f, "/currency", "unknown_currency",
			    "A currency is three capital letters, for example EUR.");
	if (!zone.is_known)
		fault_field(f, "/time_zone", "unknown_time_zone",
			    "A time zone is named like Europe/Berlin.");
	return f;
}

static struct fault *organization_patch(struct request *rq)
{
	const struct tenant_patch *in = INPUT(rq, tenant_patch);
	const struct str keep = { NULL, 0 };
	struct tenant_version_lock_row held;
	struct tenant_update_row t;

	TRY(patch_check(rq, in));
	TRY(tenant_version_lock(rq->tx, &held));
	TRY(request_check_version(rq, held.version));
	TRY(tenant_update(
		rq->tx, in->has_name ? in->name : keep, in->has_time_zone ? in->time_zone : keep,
		in->has_currency ? in->currency : keep, in->has_locale ? in->locale : keep, &t));
	TRY(event_emit(rq->tx, &tenant_updated, rq->tenant,
		       member_payload(rq->mem, rq->tenant, t.name, keep)));
	reply_etag(rq, t.version);
	return reply_json(rq, 200, t.tenant);
}

/* The types of events the caller may receive live may be read later, no others. */
static size_t readable_types(const struct request *rq, struct str **ret_types)
{
	VEC(struct str) types = { 0 };

	for (const struct module *const *m = registry_modules(rq->app->registry); *m; m++)
		for (const struct event_type *const *e = (*m)->events; e && *e; e++)
			if (request_may(rq, (*e)->permission))
				*VEC_ADD(&types, rq->mem) = str_of((*e)->name);
	*ret_types = types.v;
	return types.n;
}

static struct fault *organization_activity(struct request *rq)
{
	struct tenant_activity_row latest;
	struct str *types;
	size_t n = readable_types(rq, &types);

	TRY(tenant_activity(rq->tx, types, n, QUERY(rq, activity_query)->limit, &latest));
	return reply_list(rq, latest.items, (struct str){ NULL, 0 });
}

const struct route organization_routes[] = {
	{
		.method = HTTP_GET,
		.path = "/api/v1/t/{tenant}",
		.handler = organization_get,
		.permission = "tenant.read",
		.output = &tenant_shape,
		.summary = "The organisation",
	},
	{
		.method = HTTP_PATCH,
		.path = "/api/v1/t/{tenant}",
		.handler = organization_patch,
		.permission = "tenant.update",
		.input = &tenant_patch_shape,
		.output = &tenant_shape,
		.audit = "tenant.update",
		.summary = "Change name, time zone, currency or language",
	},
	{
		.method = HTTP_GET,
		.path = "/api/v1/t/{tenant}/activity",
		.handler = organization_activity,
		.permission = "tenant.read",
		.query = &activity_query_shape,
		.output = &activity_item_shape,
		.output_is_list = true,
		.summary = "What happened lately, newest first",
	},
	{ 0 },
};
