-- name: invitation_list(status text?, after json?, row_limit int, count bool)
--   -> one (items json, next json?, total int?)
with matching as not materialized (
	select i.*, tenants.invitation_status(i) status
	from tenants.invitations i
	where i.tenant_id = :tenant
		and (:status is null or tenants.invitation_status(i) = :status)
),
page as (
	select i.created_at, i.id, row_number() over (order by i.created_at desc, i.id desc) n,
		jsonb_build_object('id', i.id, 'email', i.email, 'role', i.role, 'status', i.status,
			'invited_by', jsonb_build_object('id', i.invited_by,
				'name', coalesce(u.name, 'Former member')),
			'created_at', tenants.utc(i.created_at),
			'expires_at', tenants.utc(i.expires_at)) item
	from matching i
	left join identity.users u on u.id = i.invited_by
	where :after is null
		or (i.created_at, i.id) < ((:after ->> 0)::timestamptz, (:after ->> 1)::uuid)
	order by i.created_at desc, i.id desc
	limit :row_limit + 1
)
select coalesce(jsonb_agg(item order by n) filter (where n <= :row_limit), '[]'),
	case when count(*) > :row_limit
		then (select jsonb_build_array(created_at, id) from page where n = :row_limit) end,
	case when :count then (select count(*) from matching) end
from page;

-- name: invitation_get(id uuid) -> one (item json)
select jsonb_build_object('id', i.id, 'email', i.email, 'role', i.role,
	'status', tenants.invitation_status(i),
	'invited_by', jsonb_build_object('id', i.invited_by, 'name', coalesce(u.name, 'Former member')),
	'created_at', tenants.utc(i.created_at), 'expires_at', tenants.utc(i.expires_at))
from tenants.invitations i
left join identity.users u on u.id = i.invited_by
where i.tenant_id = :tenant and i.id = :id;

-- name: invitation_lock(id uuid) -> one (email text, role text, status text)
select i.email, i.role, tenants.invitation_status(i)
from tenants.invitations i
where i.tenant_id = :tenant and i.id = :id
for update;

-- name: member_has_email(email text) -> one (is_member bool)
select exists (select 1 from tenants.members m
	join identity.users u on u.id = m.user_id
	where m.tenant_id = :tenant and u.email_key = lower(normalize(:email, NFC)));

-- name: invitation_close_expired(email text) -> count
-- An expired invitation does not stand in the way of a new one.
update tenants.invitations set is_open = false
where tenant_id = :tenant and is_open and expires_at <= now()
	and email_key = lower(normalize(:email, NFC));

-- name: invitation_insert(email text, role text, token_hash bytes,
--   invited_by uuid) -> one (id uuid)
insert into tenants.invitations (tenant_id, email, role, token_hash, invited_by)
values (:tenant, :email, :role, :token_hash, :invited_by)
returning id;

-- name: invitation_revoke(id uuid) -> count
update tenants.invitations set revoked_at = now(), is_open = false
where tenant_id = :tenant and id = :id;

-- name: invitation_renew(id uuid, token_hash bytes) -> count
-- The old link dies; the week starts anew.
update tenants.invitations
set token_hash = :token_hash, expires_at = now() + interval '7 days', is_open = true,
	sent_count = sent_count + 1
where tenant_id = :tenant and id = :id;

-- name: invitation_by_token(token_hash bytes) -> maybe (id uuid, tenant_id uuid, email text,
--   email_key text, role text, invited_by uuid,
--    created_at time, expires_at time, inviter_name text?, tenant_name text, tenant_slug text,
--    account_exists bool)
-- Runs as bulkhead_platform. The lock makes accepting happen once.
select i.id, i.tenant_id, i.email, i.email_key, i.role, i.invited_by, i.created_at, i.expires_at,
	(select u.name from identity.users u where u.id = i.invited_by), t.name, t.slug,
	exists (select 1 from identity.users u where u.email_key = i.email_key)
from tenants.invitations i
join tenants.tenants t on t.id = i.tenant_id
where i.token_hash = :token_hash and i.is_open and i.expires_at > now() and t.status = 'active';

-- name: invitation_take(id uuid, user_id uuid) -> count
-- Runs as bulkhead_platform: once, whoever comes second finds no row.
update tenants.invitations
set accepted_at = now(), accepted_by = :user_id, is_open = false
where id = :id and is_open and expires_at > now();

-- name: same_email(a text, b text) -> one (is_same bool)
select lower(normalize(:a, NFC)) = lower(normalize(:b, NFC));
