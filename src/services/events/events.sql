-- name: outbox_put(type text, subject text, rooms text?, payload text) -> exec
-- Tenant, actor, request and time are column defaults, read from the transaction's scope.
insert into core.outbox (type, subject, rooms, payload)
values (:type, :subject, :rooms::json, :payload::json);

-- name: outbox_seal(most int, everything bool) -> exec
select core.seal_events(:most::integer, :everything);

-- name: events_after(seq int, most int) -> many (seq int, tenant_id uuid, type text,
--   subject text, rooms text?, payload text, actor text?, request_id text?, at time)
select seq, tenant_id, type, subject, rooms, payload, actor, request_id, at
from core.events_after(:seq, :most::integer);

-- name: events_of_tenant_after(tenant_id uuid, seq int, most int) -> many (seq int, tenant_id uuid,
--   type text, subject text, rooms text?, payload text, actor text?, request_id text?, at time)
select seq, tenant_id, type, subject, rooms, payload, actor, request_id, at
from core.events_of_tenant_after(:tenant_id, :seq, :most::integer);

-- name: events_bounds() -> one (head int, oldest int)
-- The newest number given, and the oldest event still kept (head + 1: none).
select s.head, coalesce((select min(seq) from core.events), s.head + 1) as oldest
from (select coalesce(max(head), 0) as head from core.seals where log = 'events') as s;

-- name: partitions_lock() -> exec
-- Two nodes that start at the same moment would make the same partition.
select pg_advisory_xact_lock(722014, 3);

-- name: partitions_maintain() -> one (created int, dropped int)
select created, dropped from core.maintain_partitions();
