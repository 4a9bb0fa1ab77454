-- All of this runs as bulkhead_platform.

-- name: account_key(email text) -> one (key text)
-- By the rule that finds the account: no other spelling of an address has tries of its own.
select identity.email_key(:email);

-- name: attempt_begin(account bytes, address bytes) -> one (account_may bool, address_may bool)
-- Always in this order, so that two sign-ins cannot wait for each other.
with account as materialized (select identity.attempt_begin(:account) may),
	address as materialized (select identity.attempt_begin(:address) may from account)
select account.may, address.may from account, address;

-- name: attempt_succeeded(account bytes, address bytes) -> count
select identity.attempt_succeeded(:account, true), identity.attempt_succeeded(:address, false);

-- name: mail_token_insert(token_hash bytes, user_id uuid, purpose text, email text, life_s int)
--   -> count
insert into identity.mail_tokens (token_hash, user_id, purpose, email_key, expires_at)
values (:token_hash, :user_id, :purpose, identity.email_key(:email),
	now() + make_interval(secs => :life_s));

-- name: mail_token_count(user_id uuid, purpose text) -> one (recent int)
-- How many were sent in the last hour.
select count(*) from identity.mail_tokens
where user_id = :user_id and purpose = :purpose and created_at > now() - interval '1 hour';

-- name: mail_token_take(token_hash bytes, purpose text) -> maybe (user_id uuid, email_key text)
-- Once, and only before it ends.
update identity.mail_tokens t set used_at = now()
where t.token_hash = :token_hash and t.purpose = :purpose and t.used_at is null
	and t.expires_at > now()
returning t.user_id, t.email_key;

-- name: mail_token_find(token_hash bytes, purpose text) -> maybe (user_id uuid, name text,
--   email text)
select t.user_id, u.name, u.email
from identity.mail_tokens t
join identity.users u on u.id = t.user_id
where t.token_hash = :token_hash and t.purpose = :purpose and t.used_at is null
	and t.expires_at > now() and u.status = 'active' and u.email_key = t.email_key;

-- name: mail_token_drop(user_id uuid, purpose text) -> count
-- A used link takes the person's other open ones of its kind with it.
update identity.mail_tokens set used_at = now()
where user_id = :user_id and purpose = :purpose and used_at is null;

-- name: audit_login(user_id uuid, action text, outcome text, detail json?) -> exec
-- One entry in the list of every organisation the person belongs to, and one of
-- nobody when there is none.
select core.audit_note(:action, 'session', :user_id::text, :outcome, :detail, m.tenant_id)
from (select :user_id as user_id) u
left join tenants.members m on m.user_id = u.user_id;

-- name: audit_login_unknown(action text, detail json?) -> exec
select core.audit_note(:action, 'session', null, 'failed', :detail);

-- name: sweep_sessions() -> count
-- Sessions that ended more than 30 days ago, with their refresh tokens.
delete from identity.sessions
where least(coalesce(revoked_at, expires_at), expires_at) < now() - interval '30 days';

-- name: sweep_mail_tokens() -> count
delete from identity.mail_tokens where expires_at < now() - interval '7 days';

-- name: sweep_attempts() -> count
delete from identity.login_attempts where last_at < now() - interval '1 day';
