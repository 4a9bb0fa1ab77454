-- name: tenant_get() -> one (tenant json, version int)
select to_jsonb(v) - 'tenant_id', v.version
from tenants.tenants_v v
where v.tenant_id = :tenant;

-- name: tenant_update(name text?, time_zone text?, currency text?, locale text?)
--   -> one (tenant json, version int, name text)
with changed as (
	update tenants.tenants
	set name = coalesce(:name, name), time_zone = coalesce(:time_zone, time_zone),
		currency = coalesce(:currency, currency), locale = coalesce(:locale, locale)
	where tenant_id = :tenant
	returning *
)
select jsonb_build_object('id', id, 'slug', slug, 'name', name, 'status', status,
	'time_zone', time_zone, 'currency', currency, 'locale', locale,
	'created_at', tenants.utc(created_at), 'updated_at', tenants.utc(updated_at),
	'version', version), version, name
from changed;

-- name: tenant_version_lock() -> one (version int)
select version from tenants.tenants where tenant_id = :tenant for update;

-- name: time_zone_is_known(name text) -> one (is_known bool)
select exists (select 1 from pg_timezone_names z where z.name = :name);

-- name: tenant_slug_taken(slugs text[]) -> many (slug text)
select slug from tenants.tenants where slug = any (:slugs);

-- name: tenant_insert(slug text, name text) -> one (id uuid)
-- Runs as bulkhead_platform, before there is a tenant.
insert into tenants.tenants (slug, name) values (:slug, :name) returning id;

-- name: tenant_id_of(slug text) -> maybe (id uuid)
select id from tenants.tenants where slug = :slug;

-- name: tenant_activity(types text[], row_limit int) -> one (items json)
-- The last of the event log; payloads carry no secrets by rule.
with latest as (
	select e.seq, e.type, e.at, e.actor, e.subject, e.payload
	from core.events e
	where e.tenant_id = :tenant and e.type = any (:types)
	order by e.seq desc
	limit :row_limit
)
select coalesce(jsonb_agg(jsonb_build_object('seq', seq, 'type', type, 'at', tenants.utc(at),
	'actor', case when actor is null then null
		else jsonb_build_object('id', actor ->> 'id', 'name', actor ->> 'name') end,
	'subject', subject, 'payload', payload) order by seq desc), '[]')
from latest;

-- name: tenant_enter(tenant_id uuid) -> exec
-- Registration and accepting an invitation start outside of any tenant; from
-- here on audit entries and events of the transaction belong to this one.
select set_config('app.tenant', :tenant_id::text, true);

-- name: tenant_name_get() -> one (name text)
select name from tenants.tenants where tenant_id = :tenant;
