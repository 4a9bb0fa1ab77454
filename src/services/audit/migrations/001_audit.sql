-- 001_audit.sql - the audit list, written by the database itself.
--
-- Every change of an audited table leaves an entry in the transaction of the
-- change; logins and refusals come through core.audit_note. The serving roles
-- have no right to insert, change or delete entries: only the two functions
-- below write, as the owner. Retention is dropping a month.

create table core.audit (
	id uuid not null default gen_random_uuid(),
	tenant_id uuid, -- null: nobody's (sign-in of a person, operator's work)
	at timestamptz not null default clock_timestamp(),
	actor_kind text not null,
	actor_id text,
	actor_name text,
	on_behalf text,
	action text not null,
	noun text not null,
	object_id text,
	old_values jsonb, -- of an update only the fields that changed
	new_values jsonb,
	outcome text not null default 'ok'
		constraint audit_outcome check (outcome in ('ok', 'refused', 'failed')),
	detail jsonb,
	request_id text,
	ip text,
	user_agent text
) partition by range (at);
create index audit_by_tenant on core.audit (tenant_id, at, id);
create index audit_by_object on core.audit (tenant_id, object_id, at);
select core.partitioned('core.audit', 'month', 2);

alter table core.audit enable row level security;
alter table core.audit force row level security;
create policy tenant_wall on core.audit for select
	using (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid));
create policy platform_select on core.audit for select to bulkhead_platform using (true);
create policy written_by_trigger on core.audit for insert to bulkhead_owner with check (true);
grant select on core.audit to bulkhead_app, bulkhead_platform;

-- Which columns never show their values: patterns over schema.table.column, % is any text.
create table core.masked_columns (
	pattern text primary key,
	why text not null constraint masked_why check (why in ('secret', 'personal'))
);

create function core.masked_columns_of(p_table regclass) returns text[]
language sql stable as $$
	select coalesce(array_agg(a.attname::text order by a.attnum), '{}')
	from pg_attribute a
	join pg_class c on c.oid = a.attrelid
	join pg_namespace n on n.oid = c.relnamespace
	where a.attrelid = p_table and a.attnum > 0 and not a.attisdropped
		and exists (select 1 from core.masked_columns m
			where format('%s.%s.%s', n.nspname, c.relname, a.attname)
				like replace(m.pattern, '_', '\_'))
$$;

insert into core.masked_columns (pattern, why) values
	('%password%', 'secret'),
	('%secret%', 'secret'),
	('%token%', 'secret'),
	('%_hash', 'secret'),
	('%.hash', 'secret'),
	('%private_key%', 'secret'),
	('%.csrf%', 'secret'),
	('%cookie%', 'secret'),
	('%.phone%', 'personal'),
	('%_phone', 'personal'),
	('%birth%', 'personal'),
	('%iban%', 'personal'),
	('%.ip', 'personal'),
	('%_ip', 'personal');

-- Attaches the trigger to a table with or without a tenant (core.tenant_table
-- does it). Changes that touch only the ignored columns leave no entry.
create function core.audited(p_table regclass, noun text default null, id_column name default 'id',
	ignore text[] default '{}') returns void
language plpgsql as $$
declare
	name name := (select relname from pg_class where oid = p_table);
begin
	execute format('create or replace trigger audit after insert or update or delete on %s '
		'for each row execute function core.audit_row(%L, %L, %L, %L)',
		p_table, coalesce(noun, core.singular(name)), id_column,
		ignore || '{id,tenant_id,created_at,updated_at,version}'::text[],
		core.masked_columns_of(p_table));
end $$;

-- Looks again which columns are masked: db_migrate calls it last, for columns
-- and patterns that came after the trigger.
create function core.refresh_audit() returns int
language plpgsql as $$
declare
	t record;
	n int := 0;
begin
	for t in
		select g.tgrelid::regclass as rel, string_to_array(encode(g.tgargs, 'escape'), '\000') as args
		from pg_trigger g where g.tgfoid = 'core.audit_row'::regproc and g.tgparentid = 0
	loop
		continue when t.args[4]::text[] = core.masked_columns_of(t.rel);
		execute format('create or replace trigger audit after insert or update or delete on %s '
			'for each row execute function core.audit_row(%L, %L, %L, %L)',
			t.rel, t.args[1], t.args[2], t.args[3], core.masked_columns_of(t.rel));
		n := n + 1;
	end loop;
	return n;
end $$;

-- What differs between two rows: {field: {old, new}}; nulls of a new or a deleted
-- row are left out.
create function core.audit_changes(p_old jsonb, p_new jsonb) returns jsonb
language sql immutable parallel safe as $$
	select coalesce(jsonb_object_agg(key, case
		when p_old is null then jsonb_build_object('new', p_new -> key)
		when p_new is null then jsonb_build_object('old', p_old -> key)
		else jsonb_build_object('old', p_old -> key, 'new', p_new -> key) end), '{}')
	from jsonb_object_keys(coalesce(p_new, p_old)) key
	where p_old is not null and p_new is not null or coalesce(p_new, p_old) -> key <> 'null'
$$;

-- Masked values and long ones, as the list shows them.
create function core.audit_shown(p_values jsonb, p_masked text[]) returns jsonb
language sql immutable as $$
	select jsonb_object_agg(key, case
		when value = 'null' then value
		when key = any (p_masked) then '"[masked]"'
		when pg_column_size(value) > 2048 then to_jsonb(left(value #>> '{}', 500) || '…')
		else value end)
	from jsonb_each(p_values)
$$;

-- Arguments: noun, name of the id column, columns that do not count, columns to mask.
-- It sits in every write: docs/adr/0012-audit-by-trigger.md has what each line costs.
create function core.audit_row() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
	actor jsonb := nullif(current_setting('app.actor', true), '');
	request jsonb := nullif(current_setting('app.request', true), '');
	whole jsonb;
	before jsonb;
	after jsonb;
begin
	if tg_op = 'INSERT' then
		whole := to_jsonb(new);
		after := whole - tg_argv[2]::text[];
	elsif tg_op = 'DELETE' then
		whole := to_jsonb(old);
		before := whole - tg_argv[2]::text[];
	else
		whole := to_jsonb(new);
		before := to_jsonb(old);
		select jsonb_object_agg(n.key, before -> n.key), jsonb_object_agg(n.key, n.value)
		into before, after
		from jsonb_each(whole - tg_argv[2]::text[]) n
		where n.value is distinct from before -> n.key;
		if after is null then
			return null;
		end if;
	end if;
	if tg_argv[3] <> '{}' or pg_column_size(after) > 4096 or pg_column_size(before) > 4096 then
		before := core.audit_shown(before, tg_argv[3]::text[]);
		after := core.audit_shown(after, tg_argv[3]::text[]);
	end if;
	insert into core.audit (tenant_id, actor_kind, actor_id, actor_name, on_behalf,
		action, noun, object_id, old_values, new_values, request_id, ip, user_agent)
	values (
		coalesce((whole ->> 'tenant_id')::uuid,
			nullif(current_setting('app.tenant', true), '')::uuid),
		coalesce(actor ->> 'kind', 'system'), actor ->> 'id', actor ->> 'name',
		actor ->> 'on_behalf',
		coalesce(nullif(current_setting('app.audit_action', true), ''),
			case tg_op when 'INSERT' then 'create' when 'UPDATE' then 'update' else 'delete' end),
		tg_argv[0], whole ->> tg_argv[1], before, after,
		request ->> 'id', request ->> 'ip', request ->> 'user_agent');
	return null;
end $$;
revoke execute on function core.audit_row() from public;

create function core.audit_as(p_action text) returns void
language sql as $$ select set_config('app.audit_action', p_action, true) $$;
comment on function core.audit_as(text) is
	'From here to the end of the transaction (or to audit_as('''')) changes are entered as this '
	'action: archive, restore, revoke, accept, … instead of update.';

-- What is no change of a row: a login, its failure, a refusal, an export.
create function core.audit_note(p_action text, p_noun text, p_object_id text,
	p_outcome text default 'ok', p_detail jsonb default null, p_tenant uuid default null)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
	actor jsonb := nullif(current_setting('app.actor', true), '');
	request jsonb := nullif(current_setting('app.request', true), '');
	tenant uuid := nullif(current_setting('app.tenant', true), '');
begin
	if p_tenant is distinct from tenant and p_tenant is not null then
		if session_user = 'bulkhead_app' then
			raise exception 'core.audit_note: another tenant' using errcode = '42501';
		end if;
		tenant := p_tenant;
	end if;
	insert into core.audit (tenant_id, actor_kind, actor_id, actor_name, on_behalf,
		action, noun, object_id, outcome, detail, request_id, ip, user_agent)
	values (tenant, coalesce(actor ->> 'kind', 'system'), actor ->> 'id', actor ->> 'name',
		actor ->> 'on_behalf', p_action, p_noun, p_object_id, p_outcome, p_detail,
		request ->> 'id', request ->> 'ip', request ->> 'user_agent');
end $$;
revoke execute on function core.audit_note(text, text, text, text, jsonb, uuid) from public;
grant execute on function core.audit_note(text, text, text, text, jsonb, uuid)
	to bulkhead_app, bulkhead_platform;
