-- 001_identity.sql - people, how they prove who they are, and their sessions.
--
-- Nothing here belongs to a tenant: bulkhead_platform works with it. Inside a
-- tenant (bulkhead_app) only id, name and address of that tenant's members can
-- be seen. Every secret is stored as its SHA-256 (passwords: argon2id).

select core.module_schema('identity');

create function identity.email_key(p_email text) returns text
language sql immutable parallel safe as
$$ select lower(normalize(p_email, NFC)) $$;
comment on function identity.email_key(text) is 'What makes two addresses the same account.';

create table identity.users (
	id uuid primary key default core.uuid_v7(),
	name text not null constraint users_name_length check (length(name) between 1 and 100),
	email text not null constraint users_email_length check (octet_length(email) <= 254),
	email_key text not null generated always as (lower(normalize(email, NFC))) stored,
	email_verified_at timestamptz,
	password_hash text,
	password_changed_at timestamptz not null default now(),
	status text not null default 'active'
		constraint users_status check (status in ('active', 'disabled'))
);
create unique index users_email_key on identity.users (email_key);
alter table identity.users enable row level security;
alter table identity.users force row level security;
select core.versioned('identity.users');
select core.audited('identity.users', 'user',
	ignore => '{email_key,password_changed_at}');
select core.platform_table('identity.users', 'select, insert, update');
create policy members_of_my_tenant on identity.users for select to bulkhead_app
	using (id in (select m.user_id from tenants.members m
		where m.tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid)));
grant select (id, name, email, email_key) on identity.users to bulkhead_app;
comment on column identity.users.password_hash is 'Null: signs in some other way.';

create function identity.user_changed() returns trigger
language plpgsql as $$
begin
	perform core.bump_stamp(new.id);
	return null;
end $$;
create trigger revoke_access
	after update of name, email, email_verified_at, status on identity.users
	for each row execute function identity.user_changed();

alter table tenants.members
	add constraint members_user foreign key (user_id) references identity.users (id);
alter table tenants.api_keys
	add constraint api_keys_created_by foreign key (created_by) references identity.users (id);
alter table tenants.invitations
	add constraint invitations_invited_by foreign key (invited_by) references identity.users (id);

-- ---- sessions ---------------------------------------------------------------

create table identity.sessions (
	id uuid primary key default core.uuid_v7(),
	user_id uuid not null references identity.users (id),
	mode text not null constraint sessions_mode check (mode in ('cookie', 'token')),
	token_hash bytea constraint sessions_token unique,
	browser text not null,
	os text not null,
	ip text,
	user_agent text,
	created_at timestamptz not null default now(),
	last_seen_at timestamptz not null default now(),
	idle interval not null,
	expires_at timestamptz not null,
	revoked_at timestamptz,
	revoked_why text,
	constraint sessions_cookie_has_token check ((mode = 'cookie') = (token_hash is not null))
);
create index sessions_by_user on identity.sessions (user_id, created_at);
create index sessions_by_end on identity.sessions (expires_at);
select core.platform_table('identity.sessions', 'select, insert, update, delete');
comment on column identity.sessions.idle is
	'Ends after so long without a request; last_seen_at moves at most once a minute.';

create function identity.session_ended() returns trigger
language plpgsql as $$
begin
	perform core.bump_stamp(old.id);
	return null;
end $$;
create trigger revoke_access after update of revoked_at or delete on identity.sessions
	for each row execute function identity.session_ended();

create function identity.is_alive(s identity.sessions) returns boolean
language sql stable as $$
	select s.revoked_at is null and s.expires_at > now() and s.last_seen_at + s.idle > now()
$$;

-- One row a link of the chain; the session is the family. A child is derived
-- from its parent by the server's key (refresh.c), so it is stored nowhere.
create table identity.refresh_tokens (
	token_hash bytea primary key,
	session_id uuid not null references identity.sessions (id) on delete cascade,
	created_at timestamptz not null default now(),
	expires_at timestamptz not null,
	spent_at timestamptz
);
create index refresh_tokens_by_session on identity.refresh_tokens (session_id);
select core.platform_table('identity.refresh_tokens', 'select, insert, update, delete');

-- ---- links in mails ---------------------------------------------------------

create table identity.mail_tokens (
	token_hash bytea primary key,
	user_id uuid not null references identity.users (id) on delete cascade,
	purpose text not null constraint mail_tokens_purpose check (purpose in ('verify', 'reset')),
	email_key text not null,
	created_at timestamptz not null default now(),
	expires_at timestamptz not null,
	used_at timestamptz
);
create index mail_tokens_by_user on identity.mail_tokens (user_id, purpose, created_at);
select core.platform_table('identity.mail_tokens', 'select, insert, update, delete');
comment on column identity.mail_tokens.email_key is
	'The address it was sent to: it proves that one and no later one.';

-- ---- failed attempts --------------------------------------------------------

-- key: HMAC of the account or of the address, so the table is no list of them.
create table identity.login_attempts (
	key bytea primary key,
	failures int not null,
	last_at timestamptz not null default now(),
	blocked_until timestamptz
);
create index login_attempts_by_age on identity.login_attempts (last_at);
select core.platform_table('identity.login_attempts', 'select, insert, update, delete');

-- Counts one attempt as failed before its password is looked at (so a burst in
-- parallel gains nothing) and says whether it may be looked at. Five are free;
-- then each waits twice as long as the last, from 30 s to 15 min. What comes
-- while waiting is not counted: it cannot lengthen the wait.
create function identity.attempt_begin(p_key bytea) returns boolean
language plpgsql as $$
declare
	row identity.login_attempts;
begin
	insert into identity.login_attempts (key, failures) values (p_key, 0)
	on conflict (key) do nothing;
	select * into row from identity.login_attempts a where a.key = p_key for update;
	if row.blocked_until > now() then
		return false;
	end if;
	if row.last_at < now() - interval '1 hour' then
		row.failures := 0;
	end if;
	row.failures := row.failures + 1;
	update identity.login_attempts a set failures = row.failures, last_at = now(),
		blocked_until = case when row.failures >= 5
			then now() + least(interval '15 minutes',
				interval '30 seconds' * power(2, least(row.failures - 5, 10))) end
	where a.key = p_key;
	return true;
end $$;

-- It succeeded after all. An account starts anew; an address only takes back
-- this one attempt, lest one good account pays for guessing at others.
create function identity.attempt_succeeded(p_key bytea, p_forget boolean) returns void
language sql as $$
	update identity.login_attempts a
	set failures = case when p_forget then 0 else greatest(a.failures - 1, 0) end,
		blocked_until = null
	where a.key = p_key
$$;
