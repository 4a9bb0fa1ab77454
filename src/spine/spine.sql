-- name: idempotency_lookup(tenant uuid, actor uuid, key text, body_hash text) -> one (
--   state text, status int?, headers json?, body text?)
-- First query of a POST with Idempotency-Key; holds the key until the end.
select b.state, b.status, b.headers, b.body
from core.idempotency_begin(:tenant, :actor, :key, :body_hash) b;

-- name: idempotency_keep(tenant uuid, actor uuid, key text, body_hash text,
--   status int, headers json, body text) -> exec
-- Travels with the commit of the effect it stands for.
insert into core.idempotency (tenant_id, actor_id, key, body_hash, status, headers, body)
values (:tenant, :actor, :key, :body_hash, :status, :headers, :body);

-- name: refusal_note(action text, noun text, object_id text?, detail json?) -> exec
select core.audit_note(:action, :noun, :object_id, 'refused', :detail);

-- name: access_probe() -> one (is_current bool)
-- Its transaction compares the stamps; nothing else is asked.
select true;

-- name: idempotency_forget() -> exec
-- Once an hour, as bulkhead_platform (services/jobs).
delete from core.idempotency where expires_at < now();
