-- key.sql - write keys of a project, and the look-up of ingestion.

-- name: key_page(project uuid, before uuid?, rows int) -> many (id uuid, item json)
-- Newest first; ids ascend with time.
select id, jsonb_build_object('id', id, 'name', name, 'prefix', prefix,
	'created_at', core.iso(created_at), 'created_by', created_by,
	'last_used_at', core.iso(last_used_at), 'revoked_at', core.iso(revoked_at))
from analytics.write_keys_v k
where tenant_id = :tenant and project_id = :project
	and (:before is null or id < :before)
order by id desc
limit :rows;

-- name: key_insert(id uuid, project uuid, name text, prefix text, hash bytes) -> one (item json)
insert into analytics.write_keys (id, tenant_id, project_id, name, prefix, token_hash)
values (:id, :tenant, :project, :name, :prefix, :hash)
returning jsonb_build_object('id', id, 'name', name, 'prefix', prefix,
	'created_at', core.iso(created_at), 'created_by', created_by,
	'last_used_at', core.iso(last_used_at), 'revoked_at', core.iso(revoked_at));

-- name: key_revoke(project uuid, id uuid) -> maybe (id uuid)
-- Nothing when it is not there or was revoked before.
update analytics.write_keys
set revoked_at = now()
where tenant_id = :tenant and project_id = :project and id = :id and revoked_at is null
returning id;

-- name: key_exists(project uuid, id uuid) -> one (id uuid)
select id from analytics.write_keys
where tenant_id = :tenant and project_id = :project and id = :id;

-- name: key_used(ids uuid[]) -> exec
-- Once a minute a key at most; the batcher remembers.
update analytics.write_keys
set last_used_at = now()
where tenant_id = :tenant and id = any (:ids);

-- name: stamp_bump(id uuid) -> one (stamp int)
select core.bump_stamp(:id);

-- name: key_find(hash bytes) -> maybe (
--   id uuid, tenant uuid, project uuid, key_stamp int, tenant_stamp int, project_stamp int,
--   revoked bool, archived bool, frozen bool)
-- As bulkhead_platform: the tenant is what we want to know.
select k.id, k.tenant_id, k.project_id, core.stamp_of(k.id), core.stamp_of(k.tenant_id),
	core.stamp_of(k.project_id), k.revoked_at is not null, p.status <> 'active',
	t.status <> 'active'
from analytics.write_keys k
join analytics.projects p on p.tenant_id = k.tenant_id and p.id = k.project_id
join tenants.tenants t on t.id = k.tenant_id
where k.token_hash = :hash;

-- name: project_find(id uuid) -> maybe (archived bool)
select status <> 'active' from analytics.projects where tenant_id = :tenant and id = :id;

-- name: project_only() -> many (id uuid)
-- The projects a key without a project could mean; two are enough to be unsure.
select id from analytics.projects where tenant_id = :tenant and status = 'active' limit 2;

-- name: project_any() -> maybe (id uuid)
select id from analytics.projects where tenant_id = :tenant limit 1;

-- name: project_insert(name text, description text) -> one (id uuid)
-- For demo data; people create projects through the resource.
insert into analytics.projects (tenant_id, name, description)
values (:tenant, :name, :description)
returning id;
