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
	changes jsonb not null default '{}', -- {field: {old, new}}
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
-- A trigger compiles them into core.is_masked, which sits in every audited write.
create table core.masked_columns (
	pattern text primary key,
	why text not null constraint masked_why check (why in ('secret', 'personal'))
);

create function core.compile_masked_columns() returns trigger
language plpgsql as $$
declare
	pattern text;
begin
	select string_agg('^' || replace(regexp_replace(m.pattern, '([.$^+*?()\[\]{}|\\])', '\\\1', 'g'),
		'%', '.*') || '$', '|') into pattern from core.masked_columns m;
	execute format('create or replace function core.is_masked(p_path text) returns boolean '
		'language sql immutable parallel safe as $f$ select p_path ~ %L $f$',
		coalesce(pattern, '^$'));
	return null;
end $$;
create trigger compile after insert or update or delete on core.masked_columns
	for each statement execute function core.compile_masked_columns();

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

-- A value as the audit list shows it: masked, or cut when it is long.
create function core.audit_value(p_path text, p_value jsonb) returns jsonb
language sql immutable as $$
	select case
		when p_value = 'null' then p_value
		when core.is_masked(p_path) then '"[masked]"'
		when pg_column_size(p_value) > 2048 then to_jsonb(left(p_value #>> '{}', 500) || '…')
		else p_value end
$$;

-- Arguments: noun, name of the id column, columns that do not count.
create function core.audit_row() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
	path text := tg_table_schema || '.' || tg_table_name || '.';
	skip text[] := tg_argv[2];
	actor jsonb := nullif(current_setting('app.actor', true), '');
	request jsonb := nullif(current_setting('app.request', true), '');
	old_row jsonb;
	new_row jsonb;
	whole jsonb;
	diff jsonb;
begin
	if tg_op = 'UPDATE' then
		old_row := to_jsonb(old);
		new_row := to_jsonb(new);
		whole := new_row;
		select jsonb_object_agg(n.key, jsonb_build_object(
			'old', core.audit_value(path || n.key, old_row -> n.key),
			'new', core.audit_value(path || n.key, n.value)))
		into diff from jsonb_each(new_row) n
		where n.value is distinct from old_row -> n.key and n.key <> all (skip);
		if diff is null then
			return null;
		end if;
	elsif tg_op = 'INSERT' then
		whole := to_jsonb(new);
		select jsonb_object_agg(n.key,
			jsonb_build_object('new', core.audit_value(path || n.key, n.value)))
		into diff from jsonb_each(whole) n
		where n.value <> 'null' and n.key <> all (skip);
	else
		whole := to_jsonb(old);
		select jsonb_object_agg(o.key,
			jsonb_build_object('old', core.audit_value(path || o.key, o.value)))
		into diff from jsonb_each(whole) o
		where o.value <> 'null' and o.key <> all (skip);
	end if;
	insert into core.audit (tenant_id, actor_kind, actor_id, actor_name, on_behalf,
		action, noun, object_id, changes, request_id, ip, user_agent)
	values (
		coalesce((whole ->> 'tenant_id')::uuid,
			nullif(current_setting('app.tenant', true), '')::uuid),
		coalesce(actor ->> 'kind', 'system'), actor ->> 'id', actor ->> 'name',
		actor ->> 'on_behalf',
		coalesce(nullif(current_setting('app.audit_action', true), ''),
			case tg_op when 'INSERT' then 'create' when 'UPDATE' then 'update' else 'delete' end),
		tg_argv[0], whole ->> tg_argv[1], coalesce(diff, '{}'),
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
