/* membership.c - what a person is in an organisation: for authenticators and for
 * the list of one's own organisations. */
#include "modules/tenants/tenants_internal.h"

#include "base/clock.h"

#define MEMBERSHIPS_MAX_BYTES (4 << 20)
#define VISIT_EVERY_US 50000000

struct fault *membership_json(struct tx *tx, const struct registry *r, struct uuid user,
			      struct str *ret_json)
{
	struct membership_list_rows rows;
	struct json_out w;
	struct buf b;

	TRY(membership_list(tx, user, &rows));
	buf_init(&b, tx_mem(tx), MEMBERSHIPS_MAX_BYTES);
	json_out_init(&w, &b);
	json_open(&w, '[');
	for (size_t i = 0; i < rows.n; i++)
		membership_put(&w, tx_mem(tx), r, &rows.v[i]);
	json_close(&w, ']');
	*ret_json = buf_view(&b);
	return NULL;
}

struct fault *membership_enter(struct tx *tx, const struct registry *r, struct str tenant,
			       struct principal *who)
{
	struct membership_find_row m;
	const struct role_info *role;
	struct uuid id;
	bool is_id = uuid_parse(tenant, &id), found;

	TRY(membership_find(tx, who->user, is_id ? &id : NULL,
			    is_id ? (struct str){ NULL, 0 } : tenant, &m, &found));
	if (!found)
		return NULL;
	role = role_find(m.role);
	who->tenant = m.id;
	who->tenant_slug = m.slug;
	who->role = m.role;
	who->rank = role ? role->rank : 0;
	who->permissions =
		role_permissions(tx_mem(tx), r, m.role, m.status, &who->permission_count);
	who->stamps[who->stamp_count++] = (struct access_stamp){ m.id, m.stamp };
	if (m.has_last_visit && m.last_visit > clock_wall_us() - VISIT_EVERY_US)
		return NULL;
	return member_visit(tx, m.id, who->user);
}
