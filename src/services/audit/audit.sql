-- name: audit_page(actor text?, noun text?, action text?, object_id text?, from_at time?,
--   to_at time?, after json?, row_limit int, count bool) -> one (items json, next json?, total int?)
-- Newest first; the index on (tenant_id, at, id) gives the order.
with matching as not materialized (
	select *
	from core.audit a
	where a.tenant_id = :tenant
		and (:noun is null or a.noun = :noun)
		and (:action is null or a.action = :action)
		and (:object_id is null or a.object_id = :object_id)
		and (:from_at is null or a.at >= :from_at)
		and (:to_at is null or a.at < :to_at)
		and (:actor is null or a.actor_id = :actor
			or position(lower(:actor) in lower(a.actor_name)) > 0)
),
page as (
	select a.at, a.id, row_number() over (order by a.at desc, a.id desc) n,
		jsonb_build_object('id', a.id,
			'at', to_char(a.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
			'actor', jsonb_build_object('id', a.actor_id, 'name', a.actor_name,
				'kind', a.actor_kind),
			'on_behalf', a.on_behalf, 'action', a.action, 'noun', a.noun,
			'object_id', a.object_id,
			'changes', core.audit_changes(a.old_values, a.new_values), 'outcome', a.outcome,
			'detail', a.detail, 'ip', a.ip, 'user_agent', a.user_agent,
			'request_id', a.request_id) item
	from matching a
	where :after is null
		or (a.at, a.id) < ((:after ->> 0)::timestamptz, (:after ->> 1)::uuid)
	order by a.at desc, a.id desc
	limit :row_limit + 1
)
select coalesce(jsonb_agg(item order by n) filter (where n <= :row_limit), '[]'),
	case when count(*) > :row_limit
		then (select jsonb_build_array(at, id) from page where n = :row_limit) end,
	case when :count then (select count(*) from matching) end
from page;

-- name: audit_as(action text) -> exec
select core.audit_as(:action);
