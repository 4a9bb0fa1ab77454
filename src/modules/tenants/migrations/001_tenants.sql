-- 001_tenants.sql - organisations, who belongs to them, who is invited, their keys.
--
-- A person is only an id here: the module identity stands above and adds the
-- foreign keys to identity.users. Times leave as RFC 3339 text (tenants.utc).

select core.module_schema('tenants');

create function tenants.utc(p_at timestamptz) returns text
language sql immutable parallel safe as
$$ select to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;

-- ---- organisations ----------------------------------------------------------

create table tenants.tenants (
	id uuid primary key default core.uuid_v7(),
	tenant_id uuid generated always as (id) stored,
	slug text not null
		constraint tenants_slug_unique unique
		constraint tenants_slug_form check (slug ~ '^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$'),
	name text not null constraint tenants_name_length check (length(name) between 1 and 100),
	status text not null default 'active'
		constraint tenants_status check (status in ('active', 'frozen', 'closing')),
	time_zone text not null default 'UTC',
	currency text not null default 'EUR'
		constraint tenants_currency_form check (currency ~ '^[A-Z]{3}$'),
	locale text not null default 'en'
		constraint tenants_locale_form check (locale ~ '^[a-z]{2,3}(-[A-Z]{2})?$')
);
select core.tenant_table('tenants.tenants', grants => 'select, update');
select core.platform_table('tenants.tenants', 'select, insert, update');

create view tenants.tenants_v with (security_invoker) as
select t.tenant_id, t.id, t.slug, t.name, t.status, t.time_zone, t.currency, t.locale,
	tenants.utc(t.created_at) as created_at, tenants.utc(t.updated_at) as updated_at, t.version
from tenants.tenants t;
grant select on tenants.tenants_v to bulkhead_app, bulkhead_platform;

create function tenants.tenant_changed() returns trigger
language plpgsql as $$
begin
	perform core.bump_stamp(new.id);
	return null;
end $$;
create trigger revoke_access after update of status, slug on tenants.tenants
	for each row when (old.status <> new.status or old.slug <> new.slug)
	execute function tenants.tenant_changed();

-- ---- members ----------------------------------------------------------------

create table tenants.members (
	id uuid primary key default core.uuid_v7(),
	tenant_id uuid not null references tenants.tenants (id),
	user_id uuid not null,
	role text not null constraint members_role_form check (role ~ '^[a-z][a-z_]{1,39}$'),
	invited_by uuid,
	invited_at timestamptz,
	joined_at timestamptz not null default now(),
	constraint members_once unique (tenant_id, user_id)
);
create index members_by_user on tenants.members (user_id);
select core.tenant_table('tenants.members', grants => 'select, update, delete', noun => 'member',
	id_column => 'user_id');
select core.platform_table('tenants.members', 'select, insert');
comment on column tenants.members.role is
	'A system role of today; custom roles of a tenant may come under other names.';

-- Whoever was let in, moved or put out is asked anew on the next request.
create function tenants.member_changed() returns trigger
language plpgsql as $$
begin
	perform core.bump_stamp(coalesce(new.user_id, old.user_id));
	return null;
end $$;
create trigger revoke_access after insert or delete or update of role on tenants.members
	for each row execute function tenants.member_changed();

-- When a member was last here. A table of its own: it moves once a minute and
-- is neither audited nor a new version of the member.
create table tenants.member_visits (
	tenant_id uuid not null,
	user_id uuid not null,
	at timestamptz not null default now(),
	constraint member_visits_pkey primary key (tenant_id, user_id),
	constraint member_visits_member foreign key (tenant_id, user_id)
		references tenants.members (tenant_id, user_id) on delete cascade
);
select core.tenant_table('tenants.member_visits', audit => false, versioned => false,
	grants => 'select, delete');
select core.platform_table('tenants.member_visits', 'select, insert, update');

-- ---- invitations ------------------------------------------------------------

create table tenants.invitations (
	id uuid primary key default core.uuid_v7(),
	tenant_id uuid not null references tenants.tenants (id),
	email text not null,
	email_key text not null generated always as (lower(normalize(email, NFC))) stored,
	role text not null constraint invitations_role_form check (role ~ '^[a-z][a-z_]{1,39}$'),
	token_hash bytea not null constraint invitations_token unique,
	invited_by uuid not null,
	expires_at timestamptz not null default now() + interval '7 days',
	is_open boolean not null default true,
	accepted_at timestamptz,
	accepted_by uuid,
	revoked_at timestamptz,
	sent_count int not null default 1
);
create unique index invitations_one_open on tenants.invitations (tenant_id, email_key)
	where is_open;
select core.tenant_table('tenants.invitations', grants => 'select, insert, update',
	ignore => '{email_key,is_open}');
select core.platform_table('tenants.invitations', 'select, update');

create function tenants.invitation_status(i tenants.invitations) returns text
language sql stable as $$
	select case
		when i.accepted_at is not null then 'accepted'
		when i.revoked_at is not null then 'revoked'
		when i.expires_at <= now() then 'expired'
		else 'pending' end
$$;

-- ---- API keys ---------------------------------------------------------------

create table tenants.api_keys (
	id uuid primary key default core.uuid_v7(),
	tenant_id uuid not null references tenants.tenants (id),
	name text not null constraint api_keys_name_length check (length(name) between 1 and 100),
	environment text not null
		constraint api_keys_environment check (environment in ('live', 'test')),
	prefix text not null,
	key_hash bytea not null constraint api_keys_hash unique,
	scopes text[] not null,
	project_id uuid,
	created_by uuid not null,
	expires_at timestamptz,
	last_used_at timestamptz,
	revoked_at timestamptz
);
select core.tenant_table('tenants.api_keys', grants => 'select, insert, update', noun => 'api_key',
	ignore => '{last_used_at}');
select core.platform_table('tenants.api_keys', 'select, update');

create function tenants.api_key_changed() returns trigger
language plpgsql as $$
begin
	perform core.bump_stamp(new.id);
	return null;
end $$;
create trigger revoke_access after update of revoked_at, expires_at, scopes on tenants.api_keys
	for each row execute function tenants.api_key_changed();
