-- name: api_key_list(after json?, row_limit int, count bool)
--   -> one (items json, next json?, total int?)
with page as (
	select k.created_at, k.id, row_number() over (order by k.created_at desc, k.id desc) n,
		jsonb_build_object('id', k.id, 'name', k.name, 'prefix', k.prefix,
			'scopes', to_jsonb(k.scopes), 'project_id', k.project_id,
			'created_at', tenants.utc(k.created_at),
			'created_by', jsonb_build_object('id', k.created_by,
				'name', coalesce(u.name, 'Former member')),
			'expires_at', tenants.utc(k.expires_at),
			'last_used_at', tenants.utc(k.last_used_at),
			'revoked_at', tenants.utc(k.revoked_at)) item
	from tenants.api_keys k
	left join identity.users u on u.id = k.created_by
	where k.tenant_id = :tenant
		and (:after is null
			or (k.created_at, k.id) < ((:after ->> 0)::timestamptz, (:after ->> 1)::uuid))
	order by k.created_at desc, k.id desc
	limit :row_limit + 1
)
select coalesce(jsonb_agg(item order by n) filter (where n <= :row_limit), '[]'),
	case when count(*) > :row_limit
		then (select jsonb_build_array(created_at, id) from page where n = :row_limit) end,
	case when :count then (select count(*) from tenants.api_keys k where k.tenant_id = :tenant) end
from page;

-- name: api_key_insert(name text, environment text, prefix text, key_hash bytes, scopes text[],
--   project_id uuid?, expires_at time?, key text, creator text) -> one (id uuid, item json)
-- The key passes through into the answer; only its hash stays.
with fresh as (
	insert into tenants.api_keys (tenant_id, name, environment, prefix, key_hash, scopes,
		project_id, expires_at, created_by)
	values (:tenant, :name, :environment, :prefix, :key_hash, :scopes, :project_id, :expires_at,
		:user)
	returning *
)
select k.id, jsonb_build_object('id', k.id, 'name', k.name, 'prefix', k.prefix,
	'scopes', to_jsonb(k.scopes), 'project_id', k.project_id,
	'created_at', tenants.utc(k.created_at),
	'created_by', jsonb_build_object('id', k.created_by, 'name', :creator),
	'expires_at', tenants.utc(k.expires_at), 'last_used_at', null, 'revoked_at', null,
	'key', :key)
from fresh k;

-- name: api_key_revoke(id uuid) -> maybe (name text)
update tenants.api_keys set revoked_at = now()
where tenant_id = :tenant and id = :id and revoked_at is null
returning name;

-- name: api_key_exists(id uuid) -> one (name text)
select name from tenants.api_keys where tenant_id = :tenant and id = :id;

-- name: api_key_find(key_hash bytes) -> maybe (id uuid, name text, tenant_id uuid,
--   tenant_slug text, tenant_status text, scopes json,
--    project_id uuid?, expires_at time?, creator_role text?, key_stamp int, tenant_stamp int)
-- Runs as bulkhead_platform, for the authenticator.
select k.id, k.name, k.tenant_id, t.slug, t.status, to_jsonb(k.scopes), k.project_id, k.expires_at, m.role,
	core.stamp_of(k.id), core.stamp_of(t.id)
from tenants.api_keys k
join tenants.tenants t on t.id = k.tenant_id
left join tenants.members m on m.tenant_id = k.tenant_id and m.user_id = k.created_by
where k.key_hash = :key_hash and k.revoked_at is null
	and (k.expires_at is null or k.expires_at > now());

-- name: api_key_used(id uuid) -> exec
-- Travels with the commit of the authenticator.
update tenants.api_keys set last_used_at = now()
where id = :id and (last_used_at is null or last_used_at < now() - interval '1 minute');
