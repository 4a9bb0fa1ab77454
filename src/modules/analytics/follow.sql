-- follow.sql - how the enricher reads what was committed and writes what it found.

-- name: follow_waiting() -> many (tenant uuid, project uuid)
-- As bulkhead_platform: every project with batches that nobody has followed.
select distinct l.tenant_id, l.project_id
from analytics.lanes l
left join analytics.follower_cursors c on c.tenant_id = l.tenant_id
	and c.project_id = l.project_id and c.lane = l.lane
where l.batch_no > coalesce(c.no, 0);

-- name: follow_recent(since time) -> many (tenant uuid, project uuid)
-- As bulkhead_platform: the projects of the last batches; cheap, and enough most of the time.
select distinct b.tenant_id, b.project_id from analytics.batches b where b.at >= :since;

-- name: follow_lock(name text) -> one (mine bool)
-- One follower a project, whichever node it is on, until the end of the transaction.
select pg_try_advisory_xact_lock(hashtextextended(:name, 0));

-- name: follow_batches(project uuid, rows int)
--   -> many (lane int, no int, at time, events int, first_id uuid?, last_id uuid?)
-- The next batches of each lane, in the order in which they took their lane.
select b.lane, b.no, b.at, b.events, b.first_id, b.last_id
from analytics.lanes l
left join analytics.follower_cursors c on c.tenant_id = l.tenant_id
	and c.project_id = l.project_id and c.lane = l.lane
cross join lateral (
	select * from analytics.batches b
	where b.tenant_id = l.tenant_id and b.project_id = l.project_id and b.lane = l.lane
		and b.no > coalesce(c.no, 0)
	order by b.no
	limit :rows) b
where l.tenant_id = :tenant and l.project_id = :project and l.batch_no > coalesce(c.no, 0)
order by b.at, b.lane, b.no;

-- name: follow_events(project uuid, first_id uuid, last_id uuid, from_time time, to_time time)
--   -> many (lane int, no int, id uuid, received_at time, occurred_at time, type text, name text?,
--   user_id text?, anonymous_id text?, previous_id text?, ip text?, user_agent text?, url text?,
--   referrer text?, campaign json?, traits json?)
-- One range of ids holds the chunk's batches (their requests were read one after the other) and
-- little else; which rows belong to it is decided by lane and number in follow.c.
select e.lane, e.batch_no, e.id, e.received_at, e.occurred_at, e.type, e.name, e.user_id,
	e.anonymous_id, e.previous_id, coalesce(e.context ->> 'ip', host(e.ip)),
	e.context ->> 'userAgent', coalesce(e.context #>> '{page,url}', e.properties ->> 'url'),
	coalesce(e.context #>> '{page,referrer}', e.properties ->> 'referrer'),
	case when jsonb_typeof(e.context -> 'campaign') = 'object' then e.context -> 'campaign' end,
	case when e.type = 'identify' then e.traits end
from analytics.events e
where e.tenant_id = :tenant and e.project_id = :project
	and e.id between :first_id and :last_id
	and e.received_at >= :from_time and e.received_at <= :to_time
order by e.id;

-- name: follow_done(project uuid, lanes int[], nos int[]) -> exec
insert into analytics.follower_cursors as c (tenant_id, project_id, lane, no)
select :tenant, :project, b.lane::smallint, b.no
from unnest(:lanes, :nos) as b (lane, no)
on conflict (tenant_id, project_id, lane) do update set no = excluded.no;

-- name: enrichment_add(project uuid, ids uuid[], received time[], sessions text[], data json[])
--   -> exec
insert into analytics.enrichments (tenant_id, project_id, event_id, received_at, session_id, data)
select :tenant, :project, e.id, e.received, e.session::uuid, e.data
from unnest(:ids, :received, :sessions, :data) as e (id, received, session, data);

-- name: rollup_add(project uuid, grains text[], dimensions text[], ats time[], names text[],
--   counts int[]) -> exec
insert into analytics.rollups as r (tenant_id, project_id, grain, dimension, at, value, events)
select :tenant, :project, v.grain, v.dimension, v.at, v.name, v.count
from unnest(:grains, :dimensions, :ats, :names, :counts) as v (grain, dimension, at, name, count)
on conflict (tenant_id, project_id, grain, dimension, at, value) do update
set events = r.events + excluded.events;

-- name: session_latest(project uuid, actors text[])
--   -> many (id uuid, actor text, started_at time, ended_at time)
select s.id, s.actor, s.started_at, s.ended_at
from unnest(:actors) as a (actor)
cross join lateral (
	select * from analytics.sessions s
	where s.tenant_id = :tenant and s.project_id = :project and s.actor = a.actor
	order by s.ended_at desc
	limit 1) s;

-- name: session_put(project uuid, ids uuid[], actors text[], starts time[], ends time[],
--   counts int[]) -> exec
insert into analytics.sessions as s (tenant_id, id, project_id, actor, started_at, ended_at, events)
select :tenant, v.id, :project, v.actor, v.started, v.ended, v.count
from unnest(:ids, :actors, :starts, :ends, :counts) as v (id, actor, started, ended, count)
on conflict (tenant_id, id) do update
set started_at = least(s.started_at, excluded.started_at),
	ended_at = greatest(s.ended_at, excluded.ended_at),
	events = s.events + excluded.events;

-- name: alias_find(project uuid, ids text[]) -> many (previous_id text, user_id text)
select a.previous_id, a.user_id from analytics.aliases a
where a.tenant_id = :tenant and a.project_id = :project and a.previous_id = any (:ids);

-- name: profile_put_users(project uuid, user_ids text[], anonymous_ids text[], traits json[],
--   firsts time[], lasts time[], counts int[]) -> exec
-- traits: a list of objects, later ones win.
insert into analytics.profiles as p (tenant_id, project_id, user_id, anonymous_id, traits,
	first_seen_at, last_seen_at, events)
select :tenant, :project, v.user_id, v.anonymous_id,
	case when v.traits = '[]' then '{}' else analytics.merge_objects(v.traits) end, v.first,
	v.last, v.count
from unnest(:user_ids, :anonymous_ids, :traits, :firsts, :lasts, :counts)
	as v (user_id, anonymous_id, traits, first, last, count)
on conflict (tenant_id, project_id, user_id) where user_id is not null do update
set traits = p.traits || excluded.traits,
	anonymous_id = coalesce(excluded.anonymous_id, p.anonymous_id),
	first_seen_at = least(p.first_seen_at, excluded.first_seen_at),
	last_seen_at = greatest(p.last_seen_at, excluded.last_seen_at),
	events = p.events + excluded.events;

-- name: profile_put_anonymous(project uuid, anonymous_ids text[], traits json[], firsts time[],
--   lasts time[], counts int[]) -> exec
insert into analytics.profiles as p (tenant_id, project_id, anonymous_id, traits, first_seen_at,
	last_seen_at, events)
select :tenant, :project, v.anonymous_id,
	case when v.traits = '[]' then '{}' else analytics.merge_objects(v.traits) end, v.first,
	v.last, v.count
from unnest(:anonymous_ids, :traits, :firsts, :lasts, :counts)
	as v (anonymous_id, traits, first, last, count)
on conflict (tenant_id, project_id, anonymous_id) where user_id is null do update
set traits = p.traits || excluded.traits,
	first_seen_at = least(p.first_seen_at, excluded.first_seen_at),
	last_seen_at = greatest(p.last_seen_at, excluded.last_seen_at),
	events = p.events + excluded.events;

-- name: alias_put(project uuid, previous text, who text) -> exec
-- Who was known under the new id's earlier names moves along.
with moved as (
	update analytics.aliases set user_id = :who
	where tenant_id = :tenant and project_id = :project and user_id = :previous
		and previous_id <> :who
)
insert into analytics.aliases as a (tenant_id, project_id, previous_id, user_id, at)
values (:tenant, :project, :previous, :who, now())
on conflict (tenant_id, project_id, previous_id) do update
set user_id = excluded.user_id, at = excluded.at;

-- name: profile_merge(project uuid, previous text, who text) -> exec
-- The earlier profile's figures and traits go over to the one that stays.
with gone as (
	delete from analytics.profiles p
	where p.tenant_id = :tenant and p.project_id = :project
		and (p.user_id = :previous or (p.user_id is null and p.anonymous_id = :previous))
		and p.user_id is distinct from :who
	returning p.traits, p.first_seen_at, p.last_seen_at, p.events, p.anonymous_id
), sum as (
	select analytics.merge_objects(jsonb_agg(traits order by last_seen_at)) as traits,
		min(first_seen_at) as first, max(last_seen_at) as last, sum(events)::bigint as events,
		max(anonymous_id) as anonymous_id
	from gone
)
update analytics.profiles p
set traits = sum.traits || p.traits,
	anonymous_id = coalesce(p.anonymous_id, sum.anonymous_id),
	first_seen_at = least(p.first_seen_at, sum.first),
	last_seen_at = greatest(p.last_seen_at, sum.last),
	events = p.events + sum.events
from sum
where sum.events is not null and p.tenant_id = :tenant and p.project_id = :project
	and p.user_id = :who;

-- name: dead_letter_add(project uuid, event uuid, received time, step text, reason text) -> exec
insert into analytics.dead_letters (tenant_id, project_id, event_id, received_at, step, reason)
values (:tenant, :project, :event, :received, :step, :reason)
on conflict do nothing;

-- name: live_batches(since time, node uuid)
--   -> many (tenant uuid, project uuid, lane int, no int, at time, first_id uuid?, last_id uuid?)
-- As bulkhead_platform: what other nodes have just committed.
select b.tenant_id, b.project_id, b.lane, b.no, b.at, b.first_id, b.last_id
from analytics.batches b
where b.at >= :since and b.node <> :node and b.events > 0
order by b.at
limit 500;

-- name: live_events(project uuid, lane int, no int, first_id uuid, last_id uuid, from_time time,
--   to_time time)
--   -> many (id uuid, type text, name text?, user_id text?, anonymous_id text?,
--   occurred_at time, received_at time, properties json?)
select e.id, e.type, e.name, e.user_id, e.anonymous_id, e.occurred_at, e.received_at, e.properties
from analytics.events e
where e.tenant_id = :tenant and e.project_id = :project and e.id between :first_id and :last_id
	and e.lane = :lane::smallint and e.batch_no = :no
	and e.received_at >= :from_time and e.received_at <= :to_time
order by e.id
limit 100;

-- name: database_now() -> one (now time)
select clock_timestamp();
