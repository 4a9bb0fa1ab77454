-- All of this runs as bulkhead_platform.

-- name: user_by_email(email text) -> maybe (id uuid, name text, email text, password_hash text?,
--   is_active bool, is_verified bool)
select u.id, u.name, u.email, u.password_hash, u.status = 'active', u.email_verified_at is not null
from identity.users u
where u.email_key = identity.email_key(:email);

-- name: user_by_id(id uuid) -> one (name text, email text, password_hash text?, is_verified bool)
select u.name, u.email, u.password_hash, u.email_verified_at is not null
from identity.users u
where u.id = :id and u.status = 'active';

-- name: user_insert(id uuid, name text, email text, password_hash text) -> count
-- No row: the address has an account.
insert into identity.users (id, name, email, password_hash)
values (:id, :name, :email, :password_hash)
on conflict (email_key) do nothing;

-- name: user_json(id uuid) -> one (item json)
select jsonb_build_object('id', u.id, 'name', u.name, 'email', u.email,
	'email_verified', u.email_verified_at is not null, 'created_at', tenants.utc(u.created_at))
from identity.users u
where u.id = :id;

-- name: user_rename(id uuid, name text) -> count
update identity.users set name = :name where id = :id and name <> :name;

-- name: user_set_password(id uuid, password_hash text) -> count
update identity.users set password_hash = :password_hash, password_changed_at = now()
where id = :id;

-- name: user_rehash(id uuid, old_hash text, password_hash text) -> count
-- The same password under newer parameters; nothing for the audit list to say.
update identity.users set password_hash = :password_hash
where id = :id and password_hash = :old_hash;

-- name: user_verify(id uuid, email_key text) -> count
-- Only the address the link was sent to is proven by it.
update identity.users u set email_verified_at = now()
where u.id = :id and u.email_key = :email_key and u.email_verified_at is null;

-- name: user_verify_own(id uuid) -> count
-- For who came through a link in a mail to this very address.
update identity.users u set email_verified_at = now()
where u.id = :id and u.email_verified_at is null;
