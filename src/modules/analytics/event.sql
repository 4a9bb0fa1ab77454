-- event.sql - what the explorer, the debugger and the list of profiles read.

-- name: event_page(project uuid, type text?, name text?, who text?, key text?, value text?,
--   after_time time, before_time time, from_id uuid, before uuid?, rows int)
--   -> many (id uuid, item json)
-- Newest first by id, which ascends with the time of receipt; received_at bounds the
-- partitions, from_id the index.
select e.id, jsonb_build_object('id', e.id, 'message_id', e.message_id, 'type', e.type,
	'name', e.name, 'user_id', e.user_id, 'anonymous_id', e.anonymous_id,
	'timestamp', core.iso(e.occurred_at), 'received_at', core.iso(e.received_at),
	'properties', coalesce(e.properties, '{}'), 'context', coalesce(e.context, '{}'),
	'flags', analytics.flag_names(e.flags))
from analytics.events e
where e.tenant_id = :tenant and e.project_id = :project
	and e.received_at >= :after_time and e.received_at < :before_time
	and e.id >= :from_id
	and (:before is null or e.id < :before)
	and (:type is null or e.type = :type)
	and (:name is null or e.name = :name)
	and (:who is null or e.user_id = :who or e.anonymous_id = :who)
	and (:key is null or e.properties ->> :key = :value)
order by e.id desc
limit :rows;

-- name: event_detail(project uuid, id uuid, after_time time, before_time time) -> json
-- The id says when it was made: the window around it names the partition.
select jsonb_build_object('id', e.id, 'message_id', e.message_id, 'type', e.type,
	'name', e.name, 'user_id', e.user_id, 'anonymous_id', e.anonymous_id,
	'group_id', e.group_id, 'previous_id', e.previous_id,
	'timestamp', core.iso(e.occurred_at),
	'original_timestamp', e.original_timestamp,
	'received_at', core.iso(e.received_at),
	'properties', coalesce(e.properties, '{}'), 'traits', coalesce(e.traits, '{}'),
	'context', coalesce(e.context, '{}'), 'integrations', coalesce(e.integrations, '{}'),
	'flags', analytics.flag_names(e.flags),
	'enrichment', n.data || jsonb_build_object('session_id', n.session_id))
from analytics.events e
left join analytics.enrichments n on n.tenant_id = e.tenant_id and n.project_id = e.project_id
	and n.event_id = e.id and n.received_at = e.received_at
where e.tenant_id = :tenant and e.project_id = :project and e.id = :id
	and e.received_at >= :after_time and e.received_at < :before_time;

-- name: rejection_page(project uuid, code text?, before uuid?, rows int)
--   -> many (id uuid, item json)
select r.id, jsonb_build_object('id', r.id, 'at', core.iso(r.at), 'code', r.code, 'message', r.message,
	'message_id', r.message_id, 'payload', r.payload)
from analytics.rejections r
where r.tenant_id = :tenant and r.project_id = :project
	and (:code is null or r.code = :code)
	and (:before is null or r.id < :before)
order by r.id desc
limit :rows;

-- name: rejection_add(project uuid, ids uuid[], codes text[], messages text[],
--   message_ids text[], payloads text[]) -> exec
insert into analytics.rejections (tenant_id, project_id, id, at, code, message, message_id,
	payload)
select :tenant, :project, r.id, now(), r.code, r.message, r.message_id, r.payload
from unnest(:ids, :codes, :messages, :message_ids, :payloads)
	as r (id, code, message, message_id, payload);

-- name: profile_page(project uuid, q text?, before_time time?, before uuid?, rows int)
--   -> many (id uuid, last_seen time, item json)
select p.id, p.last_seen_at, jsonb_build_object('id', p.id, 'user_id', p.user_id,
	'anonymous_id', p.anonymous_id, 'traits', p.traits,
	'first_seen_at', core.iso(p.first_seen_at), 'last_seen_at', core.iso(p.last_seen_at),
	'events', p.events)
from analytics.profiles p
where p.tenant_id = :tenant and p.project_id = :project
	and (:before_time is null or (p.last_seen_at, p.id) < (:before_time, :before))
	and (:q is null or starts_with(p.user_id, :q) or starts_with(p.anonymous_id, :q)
		or exists (select 1 from jsonb_each_text(p.traits) t
			where strpos(lower(t.value), lower(:q)) > 0))
order by p.last_seen_at desc, p.id desc
limit :rows;

-- name: project_check(id uuid) -> one (id uuid)
-- 404 before an empty list of a project that is not there.
select id from analytics.projects where tenant_id = :tenant and id = :id;
