-- All of this runs as bulkhead_platform.

-- name: signin_insert(id uuid, user_id uuid, mode text, token_hash bytes?, browser text, os text,
--   ip text?, user_agent text?, idle_s int, life_s int) -> count
insert into identity.sessions (id, user_id, mode, token_hash, browser, os, ip, user_agent, idle,
	expires_at)
values (:id, :user_id, :mode, :token_hash, :browser, :os, :ip, :user_agent,
	make_interval(secs => :idle_s), now() + make_interval(secs => :life_s));

-- name: signin_trim(user_id uuid, keep int) -> exec
-- Nobody has more than so many sessions: the ones longest unused end.
update identity.sessions set revoked_at = now(), revoked_why = 'too_many'
where id in (select s.id from identity.sessions s
	where s.user_id = :user_id and s.revoked_at is null and s.expires_at > now()
	order by s.last_seen_at desc, s.id desc
	offset :keep);

-- name: signin_find(token_hash bytes?, id uuid?) -> maybe (id uuid, user_id uuid, name text,
--   email text, is_verified bool, ends_at time, is_seen_long_ago bool, session_stamp int,
--   user_stamp int)
-- A live session of an active person, by its secret (cookie) or by its id (access token).
select s.id, u.id, u.name, u.email, u.email_verified_at is not null,
	least(s.expires_at, s.last_seen_at + s.idle), s.last_seen_at < now() - interval '50 seconds',
	core.stamp_of(s.id), core.stamp_of(u.id)
from identity.sessions s
join identity.users u on u.id = s.user_id
where (s.token_hash = :token_hash or (s.mode = 'token' and s.id = :id))
	and identity.is_alive(s) and u.status = 'active';

-- name: signin_seen(id uuid, ip text?) -> exec
-- Travels with the commit of the authenticator.
update identity.sessions set last_seen_at = now(), ip = coalesce(:ip, ip)
where id = :id and last_seen_at < now() - interval '50 seconds';

-- name: signin_list(current uuid?, after json?, row_limit int, count bool)
--   -> one (items json, next json?, total int?)
with page as (
	select s.last_seen_at, s.id, row_number() over (order by s.last_seen_at desc, s.id desc) n,
		jsonb_build_object('id', s.id, 'device', s.browser || ' on ' || s.os,
			'browser', s.browser, 'os', s.os, 'ip', s.ip, 'mode', s.mode,
			'created_at', tenants.utc(s.created_at),
			'last_seen_at', tenants.utc(s.last_seen_at),
			'expires_at', tenants.utc(least(s.expires_at, s.last_seen_at + s.idle)),
			'current', s.id is not distinct from :current) item
	from identity.sessions s
	where s.user_id = :user and identity.is_alive(s)
		and (:after is null or (s.last_seen_at, s.id)
			< ((:after ->> 0)::timestamptz, (:after ->> 1)::uuid))
	order by s.last_seen_at desc, s.id desc
	limit :row_limit + 1
)
select coalesce(jsonb_agg(item order by n) filter (where n <= :row_limit), '[]'),
	case when count(*) > :row_limit
		then (select jsonb_build_array(last_seen_at, id) from page where n = :row_limit) end,
	case when :count then (select count(*) from identity.sessions s
		where s.user_id = :user and identity.is_alive(s)) end
from page;

-- name: signin_end(id uuid, user_id uuid, why text) -> count
update identity.sessions set revoked_at = now(), revoked_why = :why
where id = :id and user_id = :user_id and revoked_at is null;

-- name: signin_end_all(user_id uuid, keep uuid?, why text) -> count
update identity.sessions set revoked_at = now(), revoked_why = :why
where user_id = :user_id and revoked_at is null and id is distinct from :keep;

-- name: refresh_insert(token_hash bytes, session_id uuid, life_s int) -> count
insert into identity.refresh_tokens (token_hash, session_id, expires_at)
values (:token_hash, :session_id, now() + make_interval(secs => :life_s))
on conflict (token_hash) do nothing;

-- name: refresh_lock(token_hash bytes) -> maybe (session_id uuid, user_id uuid, is_alive bool,
--   is_spent bool, is_in_grace bool)
-- The lock makes two tabs come one after the other.
select r.session_id, s.user_id,
	identity.is_alive(s) and r.expires_at > now() and u.status = 'active',
	r.spent_at is not null, coalesce(r.spent_at > now() - interval '10 seconds', false)
from identity.refresh_tokens r
join identity.sessions s on s.id = r.session_id
join identity.users u on u.id = s.user_id
where r.token_hash = :token_hash
for update of r;

-- name: refresh_spend(token_hash bytes) -> count
update identity.refresh_tokens set spent_at = clock_timestamp() where token_hash = :token_hash;

-- name: signin_prolong(id uuid, life_s int, ip text?) -> count
-- A refresh keeps a token session going: 30 days from its last use.
update identity.sessions
set last_seen_at = now(), expires_at = now() + make_interval(secs => :life_s),
	ip = coalesce(:ip, ip)
where id = :id;
