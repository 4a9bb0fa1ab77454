/* api_key_auth.c - the authenticator of API keys (Authorization: Bearer bh_live_…).
 *
 * The check characters keep typos and guesses away from the database. A key
 * acts in its own tenant only; its rank is that of the person who made it, as
 * long as they are a member. */
#include "modules/tenants/tenants_internal.h"

#include "base/clock.h"
#include "services/crypto/crypto.h"

#include <talloc.h>

#define LOOK_AGAIN_US 60000000

static struct fault *bad_key(const void *ctx)
{
	return FAULT(ctx, FAULT_UNAUTHENTICATED, "invalid_api_key",
		     "The API key is not valid, has ended or was revoked.");
}

/* The scopes as the sorted list a principal has; a frozen tenant is read only. */
static const char *const *scopes_of(const void *ctx, struct str scopes, struct str tenant_status,
				    size_t *ret_count)
{
	bool only_reading = !str_eq(tenant_status, STR("active"));
	const struct json_node *list, *n;
	const char **names;
	struct json j;
	size_t count = 0;

	*ret_count = 0;
	if (json_parse(ctx, scopes, &json_default_limits, &j))
		return NULL;
	list = json_root(&j);
	names = talloc_zero_size(ctx, (list->count + 1) * sizeof(*names));
	for (n = json_first(&j, list); n; n = json_next(&j, list, n)) {
		struct str name = json_string(ctx, &j, n);

		if (!only_reading || str_ends(name, STR(".read")))
			names[count++] = str_dup(ctx, name);
	}
	*ret_count = count;
	return names;
}

static bool names_tenant(struct str tenant, const struct api_key_find_row *key)
{
	struct uuid id;

	return str_eq(tenant, key->tenant_slug) ||
	       (uuid_parse(tenant, &id) && uuid_eq(id, key->tenant_id));
}

static void fill(const void *mem, const struct api_key_find_row *key, struct principal *who)
{
	const struct role_info *role =
		str_is_null(key->creator_role) ? NULL : role_find(key->creator_role);
	int64_t look_again = clock_wall_us() + LOOK_AGAIN_US;

	who->kind = WHO_API_KEY;
	who->credential = key->id;
	who->name = key->name;
	who->tenant = key->tenant_id;
	who->tenant_slug = key->tenant_slug;
	who->rank = role ? role->rank : 0;
	who->permissions = scopes_of(mem, key->scopes, key->tenant_status, &who->permission_count);
	if (key->has_project_id)
		who->project = key->project_id;
	who->stamps[0] = (struct access_stamp){ key->id, key->key_stamp };
	who->stamps[1] = (struct access_stamp){ key->tenant_id, key->tenant_stamp };
	who->stamp_count = 2;
	who->valid_until_us =
		key->has_expires_at && key->expires_at < look_again ? key->expires_at : look_again;
}

struct fault *api_key_authenticate(struct tx *tx, struct app *app, const struct credential *cred,
				   struct principal *ret_who)
{
	(void)app;
	const void *mem = tx_mem(tx);
	struct api_key_find_row key;
	bool found;

	if (!str_starts(cred->bearer, STR("bh_live_")) &&
	    !str_starts(cred->bearer, STR("bh_test_")))
		return NULL;
	if (!crypto_key_is_sound(cred->bearer, str_slice(cred->bearer, 0, 8)))
		return bad_key(mem);
	TRY(api_key_find(tx, crypto_token_hash(mem, cred->bearer), &key, &found));
	if (!found)
		return bad_key(mem);
	fill(mem, &key, ret_who);
	if (!str_is_null(cred->tenant) && !names_tenant(cred->tenant, &key))
		ret_who->tenant = (struct uuid){ { 0 } }; /* the pipeline says no, and audits it */
	return api_key_used(tx, key.id);
}
