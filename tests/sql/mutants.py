"""mutants.py - ways to break the wall; the gate or the prover must see each one.

Every entry is one change of a migrated, seeded database, made by its owner or a
superuser and rolled back after the look. T is a table with a canonical wall."""

T = "core.idempotency"
CANON = "(tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid))"

MUTANTS = {
    "row security off": f"alter table {T} disable row level security",
    "row security not forced": f"alter table {T} no force row level security",
    "policy dropped": f"drop policy tenant_wall on {T}",
    "second policy for everybody": f"create policy extra on {T} using (true)",
    "second policy for the application": f"create policy extra on {T} to bulkhead_app using (true)",
    "policy only for reading open": f"create policy extra on {T} for select using (true)",
    "with check (true)": f"alter policy tenant_wall on {T} using {CANON} with check (true)",
    "no tenant shows all": f"alter policy tenant_wall on {T} using (tenant_id = coalesce("
                           "nullif(current_setting('app.tenant', true), '')::uuid, tenant_id))",
    "policy by a writable setting": f"alter policy tenant_wall on {T} using (tenant_id = "
                                    "nullif(current_setting('app.other', true), '')::uuid)",
    "policy turned round": f"alter policy tenant_wall on {T} using (not {CANON})",
    "platform's policy for the application":
        f"create policy extra on {T} for delete to bulkhead_app using (tenant_id is not null)",
    "tenant_id nullable": f"alter table {T} drop constraint idempotency_pkey; "
                          f"alter table {T} alter tenant_id drop not null",
    "unique key without the tenant": f"create unique index on {T} (key)",
    "no index led by the tenant": f"alter table {T} drop constraint idempotency_pkey; "
                                  "drop index core.idempotency_expiry",
    "truncate granted": f"grant truncate on {T} to bulkhead_app",
    "references granted": f"grant references on {T} to bulkhead_app",
    "granted to public": f"grant select on {T} to public",
    "role bypasses row security": "alter role bulkhead_app bypassrls",
    "role is superuser": "alter role bulkhead_platform superuser",
    "role inherits the owner": "grant bulkhead_owner to bulkhead_app",
    "application owns the table": f"alter table {T} owner to bulkhead_app",
    "new table without a tenant": "create table core.loose (id int); "
                                  "alter table core.loose owner to bulkhead_owner",
    "new table without a wall": "create table core.bare (tenant_id uuid not null); "
                                "alter table core.bare owner to bulkhead_owner; "
                                "grant select on core.bare to bulkhead_app",
    "foreign key across tenants":
        "create table core.parent (id uuid primary key, tenant_id uuid not null); "
        "create table core.child (id uuid primary key, tenant_id uuid not null, "
        "parent_id uuid references core.parent (id)); "
        "alter table core.parent owner to bulkhead_owner; "
        "alter table core.child owner to bulkhead_owner; set role bulkhead_owner; "
        "select core.tenant_table('core.parent'); select core.tenant_table('core.child'); reset role",
    "view as its owner": f"create view core.seen as select * from {T}; "
                         "alter view core.seen owner to bulkhead_owner; "
                         "grant select on core.seen to bulkhead_app",
    "materialised view granted": f"create materialized view core.kept as select * from {T}; "
                                 "alter materialized view core.kept owner to bulkhead_owner; "
                                 "grant select on core.kept to bulkhead_app",
    "partition granted": "do $$ begin execute format('grant select on %s to bulkhead_app', "
                         "(select inhrelid::regclass from pg_inherits "
                         "where inhparent = 'core.audit'::regclass limit 1)); end $$",
    "definer function with a loose path":
        "create function core.peek() returns bigint language sql security definer as "
        f"'select count(*) from {T}'; revoke execute on function core.peek() from public",
    "definer function for everybody":
        "create function core.peek() returns bigint language sql security definer "
        f"set search_path = pg_catalog, pg_temp as 'select count(*) from {T}'",
    "audit list writable": "grant insert on core.audit to bulkhead_app",
    "audit list erasable": "grant delete on core.audit to bulkhead_platform",
    "platform reaches further": "grant select on core.masked_columns to bulkhead_platform",
    "application reads a global table": "grant select on core.cursors to bulkhead_app",
    "column of a global table granted":
        "grant select (consumer) on core.cursors to bulkhead_app",
    "audit trigger disabled":
        "create table core.watched (id uuid primary key, tenant_id uuid not null); "
        "alter table core.watched owner to bulkhead_owner; set role bulkhead_owner; "
        "select core.tenant_table('core.watched'); "
        "alter table core.watched disable trigger audit; reset role",
    "a secret column in the audit list":
        "create table core.watched (id uuid primary key, tenant_id uuid not null); "
        "alter table core.watched owner to bulkhead_owner; set role bulkhead_owner; "
        "select core.tenant_table('core.watched'); "
        "alter table core.watched add column door_secret text; reset role",
    "anybody may create in a schema": "grant create on schema core to bulkhead_app",
}

# Behaviour, not structure: the prover must see these without the gate's help.
PROVED = {"row security off", "second policy for everybody", "second policy for the application",
          "policy only for reading open", "with check (true)", "no tenant shows all",
          "policy turned round", "role bypasses row security", "new table without a wall",
          "materialised view granted"}
