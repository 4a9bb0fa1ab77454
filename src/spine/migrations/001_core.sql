-- 001_core.sql - what every module's migration stands on.
--
-- The wall between tenants (core.tenant_table), the scope of a transaction
-- (core.enter and the functions that read it), access stamps, answers kept for
-- Idempotency-Key, cursors of consumers, version 7 UUIDs and partitions.
-- The three roles exist already (src/db/bootstrap.c); the schema core and
-- core.migrations too (src/db/migrate.c). This runs as bulkhead_owner.

grant usage on schema core to bulkhead_app, bulkhead_platform;
grant select on core.migrations to bulkhead_app, bulkhead_platform;

create function core.module_schema(p_name name) returns void
language plpgsql as $$
begin
	execute format('create schema if not exists %I', p_name);
	execute format('grant usage on schema %I to bulkhead_app, bulkhead_platform', p_name);
end $$;
comment on function core.module_schema(name) is
	'First line of a module''s first migration: its schema, seen by the two serving roles.';

-- ---- the scope of a transaction --------------------------------------------

create function core.current_tenant() returns uuid
language sql stable parallel safe as
$$ select nullif(current_setting('app.tenant', true), '')::uuid $$;

create function core.current_user_id() returns uuid
language sql stable parallel safe as
$$ select nullif(current_setting('app.user', true), '')::uuid $$;

create function core.actor() returns jsonb
language sql stable parallel safe as
$$ select nullif(current_setting('app.actor', true), '')::jsonb $$;
comment on function core.actor() is
	'Who acts: {kind, id, name, on_behalf}; null when nobody has entered.';

create function core.request() returns jsonb
language sql stable parallel safe as
$$ select nullif(current_setting('app.request', true), '')::jsonb $$;
comment on function core.request() is 'Where from: {id, ip, user_agent}; null outside a request.';

-- A stamp changes when something that access was decided on changes: a session
-- is revoked, a role changes, a tenant is frozen. No row means stamp 0, so only
-- what was ever revoked takes room. Numbers come from a sequence and are never
-- used twice, so a row may be deleted once nobody can hold its old stamp.
create table core.access_stamps (
	id uuid primary key,
	stamp bigint not null
) with (fillfactor = 10); -- spread, so that the planner never prefers reading all of it
create sequence core.access_stamp_numbers;
grant select on core.access_stamps to bulkhead_app, bulkhead_platform;

create function core.bump_stamp(p_id uuid) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp as $$
	insert into core.access_stamps (id, stamp)
	values (p_id, nextval('core.access_stamp_numbers'))
	on conflict (id) do update set stamp = excluded.stamp
	returning stamp
$$;
revoke execute on function core.bump_stamp(uuid) from public;
grant execute on function core.bump_stamp(uuid) to bulkhead_app, bulkhead_platform;
comment on function core.bump_stamp(uuid) is
	'Revokes every cached principal that carries the stamp of this session, user, key or tenant, '
	'from the commit of this transaction on.';

create function core.stamp_of(p_id uuid) returns bigint
language sql stable as $$
	select coalesce((select s.stamp from core.access_stamps s where s.id = p_id), 0)
$$;
comment on function core.stamp_of(uuid) is
	'Authenticators read it in the same statement as the facts it stands for, or before them.';

create function core.stale_access() returns boolean
language plpgsql as $$
begin
	raise exception 'access was changed since it was decided' using errcode = 'BH001';
end $$;

-- The first statement of every transaction (src/db/tx.c says the same inline,
-- which is cheaper; this one is for people and tests).
create function core.enter(p_tenant uuid, p_user uuid, p_actor text, p_request text,
	p_ids uuid[] default '{}', p_stamps bigint[] default '{}') returns void
language plpgsql as $$
begin
	perform set_config('app.tenant', coalesce(p_tenant::text, ''), true),
		set_config('app.user', coalesce(p_user::text, ''), true),
		set_config('app.actor', coalesce(p_actor, ''), true),
		set_config('app.request', coalesce(p_request, ''), true);
	if exists (select 1 from core.access_stamps s
		where s.id = any (p_ids) and s.stamp <> p_stamps[array_position(p_ids, s.id)]) then
		perform core.stale_access();
	end if;
end $$;

-- ---- the wall ---------------------------------------------------------------

create function core.touch() returns trigger
language plpgsql as $$
begin
	new.created_at := old.created_at;
	new.updated_at := now();
	new.version := old.version + 1;
	return new;
end $$;
comment on function core.touch() is 'Before each update of a versioned table: the ETag moves on.';

-- "projects" -> "project", "categories" -> "category"
create function core.singular(p_table name) returns text
language sql immutable as $$
	select case
		when p_table like '%ies' then left(p_table, -3) || 'y'
		when p_table like '%ses' or p_table like '%xes' then left(p_table, -2)
		when p_table like '%s' then left(p_table, -1)
		else p_table::text end
$$;

create function core.has_column(p_table regclass, p_column name) returns boolean
language sql stable as $$
	select exists (select 1 from pg_catalog.pg_attribute
		where attrelid = p_table and attname = p_column and not attisdropped)
$$;

create function core.versioned(p_table regclass) returns void
language plpgsql as $$
begin
	execute format('alter table %s '
		'add column if not exists created_at timestamptz not null default now(), '
		'add column if not exists updated_at timestamptz not null default now(), '
		'add column if not exists version bigint not null default 1', p_table);
	execute format('create trigger touch before update on %s '
		'for each row execute function core.touch()', p_table);
end $$;
comment on function core.versioned(regclass) is
	'created_at, updated_at and version, kept by a trigger; tenant_table does it for its tables.';

create function core.has_index_led_by_tenant(p_table regclass) returns boolean
language sql stable as $$
	select exists (select 1 from pg_catalog.pg_index i
		join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
		where i.indrelid = p_table and i.indpred is null and a.attname = 'tenant_id')
$$;

create function core.has_tenant_key(p_table regclass) returns boolean
language sql stable as $$
	select exists (select 1 from pg_catalog.pg_index i
		where i.indrelid = p_table and i.indisunique and i.indpred is null and i.indnkeyatts = 2
		and (select array_agg(a.attname::text order by a.attname)
			from pg_catalog.pg_attribute a
			where a.attrelid = p_table and a.attnum = any (i.indkey::int2[]))
			= '{id,tenant_id}')
$$;

-- The wall of one table in one line of a migration, after its create table:
--   select core.tenant_table('analytics.projects');
-- noun: the word in the audit list; audit, versioned: off for very high volume;
-- grants: what bulkhead_app may do (at most these four words).
create function core.tenant_table(p_table regclass, noun text default null,
	audit boolean default true, versioned boolean default true, id_column name default 'id',
	ignore text[] default '{}', grants text default 'select, insert, update, delete')
returns void language plpgsql as $$
declare
	is_partitioned boolean := (select relkind = 'p' from pg_catalog.pg_class where oid = p_table);
begin
	if not core.has_column(p_table, 'tenant_id') then
		raise exception 'core.tenant_table(%): no column tenant_id', p_table;
	end if;
	if grants !~ '^(select|insert|update|delete)(\s*,\s*(select|insert|update|delete))*$' then
		raise exception 'core.tenant_table(%): grants %', p_table, grants;
	end if;
	execute format('alter table %s alter column tenant_id set not null', p_table);
	if versioned then
		perform core.versioned(p_table);
	end if;
	-- what composite foreign keys of other tables point at; a partitioned
	-- table brings its own, with the partition key in it
	if core.has_column(p_table, 'id') and not is_partitioned
		and not core.has_tenant_key(p_table) then
		execute format('alter table %s add unique (tenant_id, id)', p_table);
	end if;
	if not core.has_index_led_by_tenant(p_table) then
		execute format('create index on %s (tenant_id)', p_table);
	end if;
	execute format('alter table %s enable row level security', p_table);
	execute format('alter table %s force row level security', p_table);
	execute format('create policy tenant_wall on %s using (tenant_id = '
		'(select nullif(current_setting(''app.tenant'', true), '''')::uuid))', p_table);
	execute format('grant %s on %s to bulkhead_app', grants, p_table);
	if audit then -- services/audit, whose migrations come before every table's
		perform core.audited(p_table, noun, id_column, ignore);
	end if;
end $$;

-- What bulkhead_platform may do with a table: the grants, and under row
-- security one policy for each of them. Also for tables without a tenant.
--   select core.platform_table('identity.users', 'select, insert, update');
create function core.platform_table(p_table regclass, verbs text) returns void
language plpgsql as $$
declare
	verb text;
	has_wall boolean := (select relrowsecurity from pg_catalog.pg_class where oid = p_table);
begin
	foreach verb in array regexp_split_to_array(lower(trim(verbs)), '\s*,\s*') loop
		if verb not in ('select', 'insert', 'update', 'delete') then
			raise exception 'core.platform_table(%): %', p_table, verb;
		end if;
		execute format('grant %s on %s to bulkhead_platform', verb, p_table);
		if has_wall then
			execute format('create policy platform_%s on %s for %s to bulkhead_platform %s %s',
				verb, p_table, verb,
				case when verb <> 'insert' then 'using (true)' else '' end,
				case when verb in ('insert', 'update') then 'with check (true)' else '' end);
		end if;
	end loop;
end $$;

-- ---- answers kept for Idempotency-Key ---------------------------------------

create table core.idempotency (
	tenant_id uuid not null default '00000000-0000-0000-0000-000000000000',
	actor_id uuid not null default '00000000-0000-0000-0000-000000000000',
	key text not null constraint idempotency_key_length check (length(key) between 1 and 255),
	body_hash text not null,
	status int not null,
	headers jsonb not null default '{}',
	body text not null default '',
	created_at timestamptz not null default now(),
	expires_at timestamptz not null default now() + interval '24 hours',
	constraint idempotency_pkey primary key (tenant_id, actor_id, key)
);
create index idempotency_expiry on core.idempotency (tenant_id, expires_at);
select core.tenant_table('core.idempotency', audit => false, versioned => false,
	grants => 'select, insert, update, delete');
select core.platform_table('core.idempotency', 'select, insert, update, delete');
comment on table core.idempotency is
	'One row an answered POST, written in the transaction of its write: no row without the '
	'effect, no effect without the row. There is no state "running": core.idempotency_begin '
	'holds an advisory lock until the end of the transaction, so a crash frees the key. '
	'tenant_id and actor_id are nil where there is none (then only bulkhead_platform sees it).';
comment on column core.idempotency.body_hash is
	'SHA-256 in hex over method, path and body: the same key with another request is refused.';

-- First query of a POST with Idempotency-Key. state: "new" (go on, insert the
-- answer before the commit), "running" (409), "other" (422: another body), "done"
-- (send the stored answer again).
create function core.idempotency_begin(p_tenant uuid, p_actor uuid, p_key text, p_body_hash text,
	out state text, out status int, out headers jsonb, out body text)
language plpgsql as $$
declare
	found_row core.idempotency;
begin
	if not pg_try_advisory_xact_lock(hashtextextended(
		format('idempotency %s %s %s', p_tenant, p_actor, p_key), 0)) then
		state := 'running';
		return;
	end if;
	-- a tenant sweeps its own past as it goes; nobody else may see it
	delete from core.idempotency i where i.ctid = any (array(
		select x.ctid from core.idempotency x
		where x.tenant_id = p_tenant and x.expires_at < now() limit 20 for update skip locked));
	select * into found_row from core.idempotency i
	where i.tenant_id = p_tenant and i.actor_id = p_actor and i.key = p_key;
	if not found then
		state := 'new';
	elsif found_row.expires_at < now() then
		delete from core.idempotency i
		where i.tenant_id = p_tenant and i.actor_id = p_actor and i.key = p_key;
		state := 'new';
	elsif found_row.body_hash <> p_body_hash then
		state := 'other';
	else
		state := 'done';
		status := found_row.status;
		headers := found_row.headers;
		body := found_row.body;
	end if;
end $$;

-- ---- consumers of ordered lists ----------------------------------------------

create table core.cursors (
	consumer text primary key,
	seq bigint not null default 0,
	updated_at timestamptz not null default now()
);
select core.platform_table('core.cursors', 'select, insert, update, delete');
comment on table core.cursors is
	'How far each consumer of the event log (or of another list) has come, '
	'moved in the transaction of its effects.';

-- ---- identifiers --------------------------------------------------------------

-- RFC 9562 section 5.7: 48 bits of milliseconds, version, random.
create function core.uuid_v7() returns uuid
language sql volatile parallel safe as $$
	select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
		placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
		from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;

-- ---- partitions ----------------------------------------------------------------

-- Tables partitioned by range of a timestamptz, one partition a UTC day or month,
-- named parent_20261121 or parent_202611. Serving roles have grants on parents
-- only: a partition does not apply the parent's policy.
create table core.partitioned_tables (
	name text primary key,
	step text not null check (step in ('day', 'month')),
	ahead int not null check (ahead between 1 and 60),
	keep interval
);
grant select on core.partitioned_tables to bulkhead_platform;

create function core.ensure_partitions(p_table text, p_step text, p_ahead int) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
	parent regclass := p_table::regclass;
	part_schema name;
	part_name name;
	starts timestamp;
	created int := 0;
begin
	if p_step not in ('day', 'month') then
		raise exception 'core.ensure_partitions: step %', p_step;
	end if;
	for i in 0 .. p_ahead loop
		starts := date_trunc(p_step, now() at time zone 'UTC') + i * ('1 ' || p_step)::interval;
		select n.nspname, c.relname || to_char(starts,
			case p_step when 'day' then '_YYYYMMDD' else '_YYYYMM' end)
		into part_schema, part_name
		from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = parent;
		continue when to_regclass(format('%I.%I', part_schema, part_name)) is not null;
		execute format('create table %I.%I partition of %s for values from (%L) to (%L)',
			part_schema, part_name, parent, starts || '+00',
			starts + ('1 ' || p_step)::interval || '+00');
		created := created + 1;
	end loop;
	return created;
end $$;
revoke execute on function core.ensure_partitions(text, text, int) from public;
grant execute on function core.ensure_partitions(text, text, int) to bulkhead_platform;

create function core.ensure_day_partitions(p_table text, p_ahead int default 7) returns int
language sql as $$ select core.ensure_partitions(p_table, 'day', p_ahead) $$;

create function core.partitioned(p_table text, p_step text, p_ahead int default 7,
	p_keep interval default null) returns void
language plpgsql as $$
begin
	insert into core.partitioned_tables (name, step, ahead, keep)
	values (p_table, p_step, p_ahead, p_keep);
	perform core.ensure_partitions(p_table, p_step, p_ahead);
end $$;
comment on function core.partitioned(text, text, int, interval) is
	'In a migration, after create table … partition by range (…): makes the first partitions and '
	'has core.maintain_partitions look after them. Older ones are dropped when p_keep is given.';

-- At start and once an hour: creates what will be needed, drops what has aged.
create function core.maintain_partitions(out created int, out dropped int)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
	t record;
	part record;
	last_day timestamp;
begin
	created := 0;
	dropped := 0;
	for t in select * from core.partitioned_tables order by name loop
		created := created + core.ensure_partitions(t.name, t.step, t.ahead);
		continue when t.keep is null;
		last_day := date_trunc(t.step, (now() - t.keep) at time zone 'UTC');
		for part in
			select c.oid::regclass as rel,
				to_date(substring(c.relname from '_(\d+)$'),
					case t.step when 'day' then 'YYYYMMDD' else 'YYYYMM' end) as starts
			from pg_inherits i join pg_class c on c.oid = i.inhrelid
			where i.inhparent = t.name::regclass
				and c.relname ~ case t.step when 'day' then '_\d{8}$' else '_\d{6}$' end
		loop
			continue when part.starts >= last_day;
			execute format('drop table %s', part.rel);
			dropped := dropped + 1;
		end loop;
	end loop;
end $$;
revoke execute on function core.maintain_partitions() from public;
grant execute on function core.maintain_partitions() to bulkhead_platform;
