-- name: member_list(q text?, role text?, after json?, row_limit int, count bool)
--   -> one (items json, next json?, total int?)
with matching as not materialized (
	select m.*, u.name, u.email, lower(u.name) sort
	from tenants.members m
	join identity.users u on u.id = m.user_id
	where m.tenant_id = :tenant
		and (:role is null or m.role = :role)
		and (:q is null or position(lower(:q) in lower(u.name)) > 0
			or position(lower(:q) in u.email_key) > 0)
),
page as (
	select m.sort, m.user_id, row_number() over (order by m.sort, m.user_id) n,
		jsonb_build_object('user_id', m.user_id, 'name', m.name, 'email', m.email,
			'role', m.role, 'joined_at', tenants.utc(m.joined_at),
			'last_active_at', tenants.utc(v.at),
			'invited_by', case when m.invited_by is null then null
				else jsonb_build_object('id', m.invited_by,
					'name', coalesce(i.name, 'Former member')) end) item
	from matching m
	left join tenants.member_visits v on v.tenant_id = m.tenant_id and v.user_id = m.user_id
	left join identity.users i on i.id = m.invited_by
	where :after is null or (m.sort, m.user_id) > (:after ->> 0, (:after ->> 1)::uuid)
	order by m.sort, m.user_id
	limit :row_limit + 1
)
select coalesce(jsonb_agg(item order by n) filter (where n <= :row_limit), '[]'),
	case when count(*) > :row_limit
		then (select jsonb_build_array(sort, user_id) from page where n = :row_limit) end,
	case when :count then (select count(*) from matching) end
from page;

-- name: member_get(user_id uuid) -> one (item json, version int)
select jsonb_build_object('user_id', m.user_id, 'name', u.name, 'email', u.email, 'role', m.role,
	'joined_at', tenants.utc(m.joined_at), 'last_active_at', tenants.utc(v.at),
	'invited_by', case when m.invited_by is null then null
		else jsonb_build_object('id', m.invited_by, 'name', coalesce(i.name, 'Former member')) end),
	m.version
from tenants.members m
join identity.users u on u.id = m.user_id
left join tenants.member_visits v on v.tenant_id = m.tenant_id and v.user_id = m.user_id
left join identity.users i on i.id = m.invited_by
where m.tenant_id = :tenant and m.user_id = :user_id;

-- name: member_lock(user_id uuid) -> one (role text, name text, version int)
select m.role, u.name, m.version
from tenants.members m
join identity.users u on u.id = m.user_id
where m.tenant_id = :tenant and m.user_id = :user_id
for update of m;

-- name: owners_lock() -> many (user_id uuid)
-- All owners in one order: of two browsers that each take away the other's
-- right, the second waits here and then sees one owner only.
select m.user_id
from tenants.members m
where m.tenant_id = :tenant and m.role = 'owner'
order by m.user_id
for update;

-- name: member_set_role(user_id uuid, role text) -> count
update tenants.members set role = :role
where tenant_id = :tenant and user_id = :user_id;

-- name: member_delete(user_id uuid) -> count
delete from tenants.members where tenant_id = :tenant and user_id = :user_id;

-- name: member_insert(tenant_id uuid, user_id uuid, role text, invited_by uuid?,
--   invited_at time?)
--   -> count
-- Runs as bulkhead_platform: whoever joins is not inside yet.
insert into tenants.members (tenant_id, user_id, role, invited_by, invited_at)
values (:tenant_id, :user_id, :role, :invited_by, :invited_at)
on conflict (tenant_id, user_id) do nothing;

-- name: membership_list(user_id uuid) -> many (id uuid, slug text, name text, status text,
--   role text, joined_at time)
-- Runs as bulkhead_platform: a person sees all their organisations at once.
select t.id, t.slug, t.name, t.status, m.role, m.joined_at
from tenants.members m
join tenants.tenants t on t.id = m.tenant_id
where m.user_id = :user_id
order by m.joined_at, t.id;

-- name: membership_find(user_id uuid, tenant_id uuid?, slug text?) -> maybe (id uuid,
--   slug text, status text, role text, stamp int, last_visit time?)
-- Runs as bulkhead_platform, for authenticators.
select t.id, t.slug, t.status, m.role, core.stamp_of(t.id), v.at
from tenants.tenants t
join tenants.members m on m.tenant_id = t.id
left join tenants.member_visits v on v.tenant_id = t.id and v.user_id = m.user_id
where m.user_id = :user_id and (t.id = :tenant_id or t.slug = :slug);

-- name: member_visit(tenant_id uuid, user_id uuid) -> exec
-- Travels with the commit of the authenticator.
insert into tenants.member_visits as v (tenant_id, user_id) values (:tenant_id, :user_id)
on conflict (tenant_id, user_id) do update set at = now()
where v.at < now() - interval '50 seconds';
