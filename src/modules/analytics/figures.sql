-- figures.sql - ledger, usage, series and overview.

-- name: ledger_read(project uuid) -> json
select jsonb_build_object(
	'received', coalesce(sum(l.received), 0), 'accepted', coalesce(sum(l.accepted), 0),
	'duplicates', coalesce(sum(l.duplicates), 0),
	'rejected', (select coalesce(jsonb_object_agg(r.code, r.events), '{}')
		from (select code, sum(events) as events from analytics.ledger_rejections
			where tenant_id = :tenant and project_id = :project group by code) r),
	'over_quota', coalesce(sum(l.over_quota), 0))
from analytics.ledger l
where l.tenant_id = :tenant and l.project_id = :project;

-- name: usage_this_month() -> one (used int, period text)
select coalesce((select sum(u.events) from analytics.usage u
		where u.tenant_id = :tenant
			and u.day >= date_trunc('month', now() at time zone 'UTC')::date), 0)::bigint,
	to_char(now() at time zone 'UTC', 'YYYY-MM');

-- name: usage_days(project uuid) -> json
select coalesce(jsonb_agg(jsonb_build_object('day', d.day, 'count', d.events) order by d.day),
	'[]')
from (select u.day, sum(u.events)::bigint as events from analytics.usage u
	where u.tenant_id = :tenant and u.project_id = :project
		and u.day >= date_trunc('month', now() at time zone 'UTC')::date
	group by u.day) d;

-- name: complete_until(project uuid) -> one (at time)
-- The oldest batch whose effects are not in the roll-ups yet, or now.
select coalesce(min(first.at), clock_timestamp())
from analytics.lanes l
left join analytics.follower_cursors c on c.tenant_id = l.tenant_id
	and c.project_id = l.project_id and c.lane = l.lane
cross join lateral (select b.at from analytics.batches b
	where b.tenant_id = l.tenant_id and b.project_id = l.project_id and b.lane = l.lane
		and b.no = coalesce(c.no, 0) + 1) first
where l.tenant_id = :tenant and l.project_id = :project and l.batch_no > coalesce(c.no, 0);

-- name: series_read(project uuid, grain text, name text?, from_time time, to_time time) -> json
-- The ten names with most events, the rest as (other).
with rows as (
	select r.at, r.value, r.events from analytics.rollups r
	where r.tenant_id = :tenant and r.project_id = :project and r.grain = :grain
		and r.dimension = 'name' and r.at >= :from_time and r.at < :to_time
		and (:name is null or r.value = :name)
), top as (
	select value, sum(events) as events from rows group by value
	order by events desc, value limit 10
), points as (
	select r.at, coalesce(t.value, '(other)') as name, sum(r.events)::bigint as events
	from rows r left join top t on t.value = r.value
	group by 1, 2
)
select jsonb_build_object(
	'names', (select coalesce(jsonb_agg(value order by events desc, value), '[]') from top),
	'points', (select coalesce(jsonb_agg(jsonb_build_object('at', core.iso(at), 'name', name,
		'count', events) order by at, name), '[]') from points));

-- name: overview_read() -> json
select jsonb_build_object(
	'events_today', coalesce((select sum(u.events) from analytics.usage u
		where u.tenant_id = :tenant and u.day = (now() at time zone 'UTC')::date), 0),
	'events_last_minute', coalesce((select sum(b.events) from analytics.batches b
		where b.tenant_id = :tenant and b.at > now() - interval '1 minute'), 0),
	'projects', (select count(*) from analytics.projects p
		where p.tenant_id = :tenant and p.status = 'active'),
	'members', (select count(*) from tenants.members m where m.tenant_id = :tenant),
	'series', (select jsonb_agg(jsonb_build_object('at', core.iso(h.at), 'count', coalesce(r.events, 0))
			order by h.at)
		from generate_series(date_trunc('hour', now()) - interval '23 hours',
			date_trunc('hour', now()), interval '1 hour') as h (at)
		left join (select at, sum(events)::bigint as events from analytics.rollups
			where tenant_id = :tenant and grain = 'hour' and dimension = 'type'
				and at >= date_trunc('hour', now()) - interval '23 hours'
			group by at) r on r.at = h.at));

-- name: quota_notice(period text, state text) -> count
insert into analytics.quota_notices (tenant_id, period, state)
values (:tenant, :period, :state)
on conflict do nothing;
