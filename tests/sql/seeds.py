"""seeds.py - two rows for each of two tenants in every table with tenant_id.

Generated from the catalogue: what is proved is the wall, not the content, so
values only have to fit their types. It runs as superuser with triggers and
foreign keys off and after dropping the CHECK constraints of the throw-away
database; keys of partitions that a time cannot fit stand in FITTING."""

TENANTS = ("aaaaaaaa-0000-7000-8000-00000000000a", "bbbbbbbb-0000-7000-8000-00000000000b")

# schema.table.column -> SQL expression ({n} is the row's number)
FITTING = {}

BY_TYPE = {
    "uuid": "gen_random_uuid()", "text": "md5(random()::text)",
    "character varying": "md5(random()::text)", "jsonb": "'{{}}'::jsonb", "json": "'{{}}'::json",
    "bigint": "(random() * 1000000)::bigint", "integer": "(random() * 1000000)::int",
    "smallint": "(random() * 30000)::smallint", "boolean": "false", "bytea": "decode(md5(random()::text), 'hex')",
    "timestamp with time zone": "now() + {n} * interval '1 microsecond'",
    "date": "current_date", "double precision": "random()", "real": "random()",
    "numeric": "random()", "inet": "'192.0.2.1'::inet", "xid8": "'1'::xid8",
    "interval": "interval '1 hour'", "tsvector": "''::tsvector",
}

TABLES = """
select c.oid::regclass::text, a.attname, format_type(a.atttypid, null)
from pg_class c
join pg_attribute k on k.attrelid = c.oid and k.attname = 'tenant_id' and not k.attisdropped
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_namespace n on n.oid = c.relnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind in ('r', 'p')
	and not c.relispartition and a.attgenerated = '' and a.attidentity <> 'a'
order by 1, a.attnum
"""

DROP_CHECKS = """
do $$ declare c record; begin
	for c in select conrelid::regclass as rel, conname from pg_constraint
		where contype = 'c' and conislocal and coninhcount = 0
		and connamespace::regnamespace::text !~ '^(pg_|information)' and conrelid <> 0
	loop execute format('alter table %s drop constraint %I', c.rel, c.conname); end loop;
end $$;
"""


def value(table, column, kind, tenant, n):
    own = FITTING.get(f"{table}.{column}")
    if own is not None:
        return own.format(n=n, tenant=tenant)
    if column == "tenant_id":
        return f"'{tenant}'"
    if column == "id" and "tenant_id" in FITTING.get(table, ()):
        return f"'{tenant}'"
    if kind.endswith("[]"):
        return "'{}'"
    if kind not in BY_TYPE:
        raise LookupError(f"{table}.{column}: no value for the type {kind}; add it to seeds.py")
    return BY_TYPE[kind].format(n=n)


def script(cluster):
    """The SQL that seeds a migrated database."""
    columns = {}
    for line in cluster.psql("SUPER", TABLES).stdout.splitlines():
        table, column, kind = line.split("|")
        columns.setdefault(table, []).append((column, kind))
    lines = [DROP_CHECKS, "set session_replication_role = replica;"]
    for table, fields in columns.items():
        generated = "tenant_id" not in [name for name, _ in fields]
        names = ", ".join(f'"{name}"' for name, _ in fields)
        for number, tenant in enumerate(TENANTS * 2):
            if generated and number >= len(TENANTS):
                continue  # tenant_id comes from id: one row a tenant
            row = ", ".join(f"'{tenant}'" if generated and name == "id"
                            else value(table, name, kind, tenant, number)
                            for name, kind in fields)
            lines.append(f"insert into {table} ({names}) values ({row});")
    return "\n".join(lines)
