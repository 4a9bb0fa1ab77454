-- prover.sql - tenant b attacks tenant a in every relation that has tenant_id,
-- as bulkhead_app, with the statements an injected query would use. Run as
-- superuser in a transaction that is rolled back; both tenants need rows in every
-- table. A refusal by row security or by grant (42501) is right; any other error
-- shows that something came before the wall. After
-- reference/security-and-reliability.md 2.3.
create or replace function pg_temp.enter_as(tenant text) returns void language sql as
$$ select set_config('app.tenant', tenant, true) $$;

create or replace function pg_temp.attack(what text, rel text, cols text, a uuid, b uuid, row_a text)
returns text language plpgsql as $f$
declare
	n bigint;
begin
	execute case what
		when 'UPDATE' then format('update %s set tenant_id = tenant_id where tenant_id = $1', rel)
		when 'DELETE' then format('delete from %s where tenant_id = $1', rel)
		when 'MOVE' then format('update %s set tenant_id = $1 where tenant_id = $2', rel)
		when 'LOCK' then format('select 1 from %s where tenant_id = $1 for update', rel)
		else format('insert into %1$s (%2$s) overriding system value '
			'select %2$s from (select ($3::%1$s).*) x', rel, cols) end
	using a, b, row_a;
	get diagnostics n = row_count;
	if n = 0 then
		return null;
	end if;
	raise exception 'hit % rows', n using errcode = 'ZZ001'; -- undoes it
exception
	when sqlstate 'ZZ001' then
		return what || ' ' || sqlerrm;
	when insufficient_privilege or generated_always or wrong_object_type then
		return null;
	when others then
		return what || ' reached ' || sqlstate || ' before the wall';
end $f$;

create or replace function pg_temp.prove_one(rel regclass, kind "char", a uuid, b uuid)
returns setof text language plpgsql as $f$
declare
	n bigint;
	m bigint;
	cols text;
	row_a text;
	what text;
	found text;
begin
	execute format('select count(*) filter (where tenant_id = $1), '
		'count(*) filter (where tenant_id = $2) from %s', rel) into n, m using a, b;
	if n = 0 or m = 0 then
		return next 'no rows of both tenants: nothing is proved';
		return;
	end if;
	select string_agg(quote_ident(attname), ', ') into cols from pg_attribute
	where attrelid = rel and attnum > 0 and not attisdropped and attgenerated = '';
	execute format('select t::text from %s t where tenant_id = $1 limit 1', rel) into row_a using a;
	perform pg_temp.enter_as(b::text);
	set local role bulkhead_app;
	begin
		execute format('select count(*) from %s where tenant_id is distinct from $1', rel)
		into n using b;
		if n <> 0 then
			return next 'SELECT sees ' || n || ' foreign rows';
		end if;
	exception when insufficient_privilege then null;
	end;
	foreach what in array array['UPDATE', 'DELETE', 'MOVE', 'INSERT', 'LOCK'] loop
		continue when kind in ('v', 'm');
		found := pg_temp.attack(what, rel::text, cols, a, b, row_a);
		if found is not null then
			return next found;
		end if;
	end loop;
	perform pg_temp.enter_as('');
	begin
		execute format('select count(*) from %s', rel) into n;
		if n <> 0 then
			return next 'without a tenant it shows ' || n || ' rows';
		end if;
	exception when insufficient_privilege then null;
	end;
	reset role;
end $f$;

create or replace function pg_temp.prove(a uuid, b uuid) returns table (problem text, object text)
language plpgsql as $f$
declare
	r record;
begin
	for r in select c.oid::regclass as rel, c.relkind from pg_class c
		join pg_attribute k on k.attrelid = c.oid and k.attname = 'tenant_id' and not k.attisdropped
		join pg_namespace n on n.oid = c.relnamespace
		where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
			and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition
		order by 1
	loop
		-- regclass prints without a schema once a role sees it in its path; keep it whole
		return query select p, r.rel::text from pg_temp.prove_one(r.rel, r.relkind, a, b) p;
	end loop;
end $f$;
