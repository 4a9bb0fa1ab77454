-- gate.sql - the wall as a question to the catalogue: every row of the answer is
-- a hole. Exceptions stand in allowed.txt, each with its reason (loaded into
-- pg_temp.allowed by test_wall.py before this runs). After
-- reference/security-and-reliability.md 2.2, for several schemas and roles.
create or replace function pg_temp.gate() returns table (problem text, object text)
language sql as $gate$
with canon as (
	select $$(tenant_id = ( SELECT (NULLIF(current_setting('app.tenant'::text, true), ''::text))::uuid AS "nullif"))$$::text as expr
), serving as (
	select oid, rolname from pg_roles where rolname in ('bulkhead_app', 'bulkhead_platform')
), rel as (
	select c.oid, c.oid::regclass::text as name, c.relkind, c.relispartition as is_part,
		c.relrowsecurity and c.relforcerowsecurity as has_rls, c.relowner, c.reloptions,
		k.attnum as tenant, k.attnotnull as tenant_not_null, n.nspname
	from pg_class c
	join pg_namespace n on n.oid = c.relnamespace
	left join pg_attribute k on k.attrelid = c.oid and k.attname = 'tenant_id'
		and not k.attisdropped
	where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
		and c.relkind in ('r', 'p', 'v', 'm', 'f')
), tab as (
	select * from rel where relkind in ('r', 'p', 'f')
), walled as (
	select * from tab where tenant is not null and not is_part
), policy as (
	select p.*, w.name, pg_get_expr(p.polqual, p.polrelid) as qual,
		pg_get_expr(p.polwithcheck, p.polrelid) as wcheck,
		exists (select from serving s where s.rolname = 'bulkhead_app' and (0 = any (p.polroles)
			or exists (select from unnest(p.polroles) r (oid)
				where r.oid <> 0 and pg_has_role(s.oid, r.oid, 'member')))) as for_app
	from pg_policy p join tab w on w.oid = p.polrelid
), verb as (
	select unnest('{select,insert,update,delete}'::text[]) as v
)
select 'row security is not on and forced', name from walled where not has_rls
union all
select 'no policy for the application', name from walled
where not exists (select from policy p where p.polrelid = walled.oid and p.for_app)
union all
select 'policy ' || polname || ' is not the canonical one', name from policy, canon
where polpermissive and for_app
	and (coalesce(qual, expr) <> expr or coalesce(wcheck, expr) <> expr
		or (qual is null and wcheck is null))
	and not exists (select from pg_temp.allowed a where a.kind = 'policy' and a.object = name || '.' || polname)
union all
select 'policy ' || polname || ' opens the table to everybody', name from policy
where polpermissive and qual = 'true' and (0 = any (polroles))
union all
select 'tenant_id may be null', name from walled where not tenant_not_null
	and not exists (select from pg_temp.allowed a where a.kind = 'nullable' and a.object = name)
union all
select 'table without tenant_id', name from tab where tenant is null and not is_part
	and not exists (select from pg_temp.allowed a where a.kind = 'global' and a.object = name)
union all
select 'bulkhead_app may ' || v || ' a table without tenant_id', name from tab, verb
where tenant is null and not is_part and (case when v = 'delete'
		then has_table_privilege('bulkhead_app', oid, v)
		else has_any_column_privilege('bulkhead_app', oid, v) end)
	and not exists (select from pg_temp.allowed a
		where a.kind = 'global' and a.object = name and v = any (string_to_array(a.detail, ',')))
union all
select 'bulkhead_platform may use it, undeclared: ' || v, name from tab, verb
where not is_part and (case when v = 'delete' then has_table_privilege('bulkhead_platform', oid, v)
		else has_any_column_privilege('bulkhead_platform', oid, v) end)
	and not exists (select from pg_temp.allowed a
		where a.kind = 'platform' and a.object = name and v = any (string_to_array(a.detail, ',')))
union all
select 'partition granted to ' || rolname, name from tab, serving
where is_part and has_any_column_privilege(serving.oid, tab.oid, 'select,insert,update')
	or is_part and has_table_privilege(serving.oid, tab.oid, 'delete')
union all
select 'truncate, references or trigger granted to ' || rolname, name from tab, serving
where has_table_privilege(serving.oid, tab.oid, 'truncate,references,trigger')
union all
select 'granted to public', name from rel
where exists (select from pg_class c, aclexplode(c.relacl) x where c.oid = rel.oid and x.grantee = 0)
union all
select 'foreign key ' || conname || ' leaves the tenant', a.name from pg_constraint f
join walled a on a.oid = f.conrelid join walled b on b.oid = f.confrelid
-- tenants.tenants: its id is its tenant_id
where contype = 'f' and not exists (select from unnest(conkey, confkey) u (x, y)
		where x = a.tenant and (y = b.tenant or b.name = 'tenants.tenants' and y = (select attnum
			from pg_attribute where attrelid = b.oid and attname = 'id')))
	and not exists (select from pg_temp.allowed e where e.kind = 'fk' and e.object = a.name || '.' || conname)
union all
-- where bulkhead_app writes; a server-made uuid as the only column of a key tells
-- nobody anything
select 'unique without tenant: ' || i.indexrelid::regclass, name from walled
join pg_index i on i.indrelid = walled.oid
where i.indisunique and not (tenant = any (i.indkey))
	and has_any_column_privilege('bulkhead_app', walled.oid, 'insert,update')
	and not (i.indnkeyatts = 1 and exists (select from pg_attribute a
		where a.attrelid = i.indrelid and a.attnum = i.indkey[0] and a.attname = 'id'
			and a.atttypid = 'uuid'::regtype))
	and not exists (select from pg_temp.allowed e
		where e.kind = 'unique' and e.object = i.indexrelid::regclass::text)
union all
select 'no index led by tenant_id', name from walled
where has_any_column_privilege('bulkhead_app', walled.oid, 'select')
	and not exists (select from pg_index i where i.indrelid = walled.oid and i.indkey[0] = tenant)
	and not exists (select from pg_temp.allowed e where e.kind = 'noindex' and e.object = name)
union all
select 'changes leave no audit entry', name from walled
where not exists (select from pg_trigger t join pg_proc f on f.oid = t.tgfoid
		where t.tgrelid = walled.oid and f.oid = 'core.audit_row'::regproc and t.tgenabled = 'O'
			and t.tgtype & 1 = 1 and t.tgtype & 4 = 4 and t.tgtype & 8 = 8 and t.tgtype & 16 = 16)
	and not exists (select from pg_temp.allowed e where e.kind = 'unaudited' and e.object = name)
union all
select 'the audit list would show a masked column', g.tgrelid::regclass::text from pg_trigger g
where g.tgfoid = 'core.audit_row'::regproc and g.tgparentid = 0
	and (string_to_array(encode(g.tgargs, 'escape'), '\000'))[4]::text[]
		<> core.masked_columns_of(g.tgrelid)
union all
select 'the audit list can be rewritten by ' || rolname, 'core.audit' from serving
where has_any_column_privilege(serving.oid, 'core.audit'::regclass, 'insert,update')
	or has_table_privilege(serving.oid, 'core.audit'::regclass, 'delete')
union all
select 'view without security_invoker', name from rel
where relkind = 'v' and not coalesce(reloptions::text ~* 'security_invoker=(true|on|1)', false)
union all
select 'materialised view granted to ' || rolname, name from rel, serving
where relkind = 'm' and has_any_column_privilege(serving.oid, rel.oid, 'select')
union all
select 'definer function without a pinned search_path ending in pg_temp', p.oid::regprocedure::text
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where prosecdef and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
	and not exists (select from unnest(proconfig) c where c ~ '^search_path=.*\mpg_temp"?$')
union all
select 'definer function open to public', p.oid::regprocedure::text
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where prosecdef and n.nspname !~ '^pg_' and has_function_privilege('public', p.oid, 'execute')
union all
select 'not owned by bulkhead_owner', name from rel where relowner <> 'bulkhead_owner'::regrole
union all
select 'schema open to ' || g.rolname, n.nspname from pg_namespace n,
	(select oid, rolname from serving union all select 0, 'public') g
where n.nspname !~ '^pg_' and n.nspname not in ('information_schema')
	and (g.oid <> 0 and has_schema_privilege(g.oid, n.oid, 'create')
		or g.oid = 0 and exists (select from aclexplode(n.nspacl) x
			where x.grantee = 0 and x.privilege_type = 'CREATE'))
union all
select 'role is too strong', rolname from pg_roles
where rolname like 'bulkhead\_%'
	and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)
union all
select 'role is a member of ' || m.roleid::regrole, s.rolname from pg_auth_members m
join serving s on s.oid = m.member
$gate$;
