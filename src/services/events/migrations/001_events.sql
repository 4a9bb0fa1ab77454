-- The event log: written beside the change (outbox), read in one order (events).
--
-- Numbers drawn by writers are not in commit order, so writers draw none that
-- a reader relies on. core.seal_events(), one at a time over all nodes, moves
-- what has become visible and gives it dense numbers (docs/adr/0004).

create table core.outbox (
	id bigint not null generated always as identity,
	xact xid8 not null default pg_current_xact_id(),
	tenant_id uuid not null
		default coalesce(core.current_tenant(), '00000000-0000-0000-0000-000000000000'),
	type text not null,
	subject text not null,
	rooms json,
	payload json not null,
	actor json default nullif(current_setting('app.actor', true), '')::json,
	request_id text default nullif(current_setting('app.request', true), '')::json ->> 'id',
	at timestamptz not null default clock_timestamp(),
	constraint outbox_pk primary key (xact, id)
);
comment on table core.outbox is 'Events on their way into core.events; rows live for milliseconds.';
alter table core.outbox set (
	autovacuum_vacuum_scale_factor = 0.0,
	autovacuum_vacuum_threshold = 5000,
	autovacuum_vacuum_cost_delay = 0
);
alter table core.outbox enable row level security;
alter table core.outbox force row level security;
create policy tenant_wall on core.outbox for insert
	with check (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid));
grant insert on core.outbox to bulkhead_app;
select core.platform_table('core.outbox', 'select,insert,delete');

create table core.events (
	seq bigint not null,
	tenant_id uuid not null,
	type text not null,
	subject text not null,
	rooms json,
	payload json not null,
	actor json,
	request_id text,
	at timestamptz not null,
	sealed_at timestamptz not null,
	constraint events_pk primary key (seq, sealed_at)
) partition by range (sealed_at);
comment on table core.events is 'What happened, in one order; a partition a day, seven days.';
create index events_of_tenant on core.events (tenant_id, seq);
alter table core.events enable row level security;
alter table core.events force row level security;
create policy tenant_wall on core.events for select
	using (tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid));
grant select on core.events to bulkhead_app;
select core.platform_table('core.events', 'select,insert');
select core.partitioned('core.events', 'day', 3, interval '7 days');

-- How far a log has been sealed. Only appended to: the newest row of a log
-- counts, so a forgotten open transaction cannot slow the look-up. Everything
-- above the floor, and what the pending transactions wrote, is still to come.
create table core.seals (
	log text not null,
	head bigint not null,
	floor_xact xid8 not null,
	floor_id bigint not null,
	pending xid8[] not null,
	sealed_at timestamptz not null default clock_timestamp(),
	constraint seals_pk primary key (log, head)
);
alter table core.seals enable row level security;
alter table core.seals force row level security;
select core.platform_table('core.seals', 'select,insert,delete');

-- What is still running below a new floor: transactions of this statement's snapshot.
create function core.seal_pending(p_floor xid8, p_kept xid8[]) returns xid8[]
language sql stable
begin atomic
	select coalesce(array_agg(distinct x), '{}')
	from (
		select x from pg_snapshot_xip(pg_current_snapshot()) as s (x) where x < p_floor
		union all
		select x from unnest(p_kept) as k (x)
	) as u;
end;

-- Moves at most p_limit rows (and as many late ones) from the outbox into the
-- log; returns how many. p_everything looks below the floor too: what a
-- restored backup or a fault of this function left behind is found again.
create function core.seal_events(p_limit integer, p_everything boolean) returns integer
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
	s core.seals;
	sealed integer;
begin
	perform pg_advisory_xact_lock(722014, 1);
	select * into s from core.seals where log = 'events' order by head desc limit 1;
	if not found then
		s := row('events', 0, '0', 0, '{}', null);
	end if;
	if p_everything then
		s.floor_xact := '0';
		s.floor_id := 0;
	end if;

	with late as materialized (
		select ctid as place from core.outbox where xact = any (s.pending) limit p_limit
	),
	fresh as materialized (
		select ctid as place, xact, id
		from core.outbox
		where (xact, id) > (s.floor_xact, s.floor_id)
		order by xact, id
		limit p_limit
	),
	taken as (
		delete from core.outbox
		where ctid = any (array(select place from late union select place from fresh))
		returning *
	),
	stored as (
		insert into core.events
			(seq, tenant_id, type, subject, rooms, payload, actor, request_id, at, sealed_at)
		select s.head + row_number() over (order by id), tenant_id, type, subject, rooms,
			payload, actor, request_id, at, now()
		from taken
		returning 1
	),
	counted as (
		select (select count(*) from stored) as n,
			(select count(*) from late) >= p_limit as is_late_full,
			(select count(*) from fresh) >= p_limit as is_full
	),
	floors as (
		select n, is_late_full, f.xact as floor_xact, f.id as floor_id
		from counted
		cross join lateral (
			select xact, id from fresh where is_full
			union all
			select pg_snapshot_xmax(pg_current_snapshot()), 0 where not is_full
			order by xact desc, id desc
			limit 1
		) as f
	)
	insert into core.seals (log, head, floor_xact, floor_id, pending)
	select 'events', s.head + n, floor_xact, floor_id,
		core.seal_pending(floor_xact, case when is_late_full then s.pending else '{}' end)
	from floors
	where n > 0
	returning head - s.head into sealed;

	if p_everything then
		delete from core.seals where log = 'events' and head < s.head;
	end if;
	return coalesce(sealed, 0);
end
$$;

-- The log after a number, oldest first: an index walk over the day partitions,
-- whatever the statistics say.
create function core.events_after(p_seq bigint, p_limit integer) returns setof core.events
language plpgsql stable
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
	return query
		select * from core.events where seq > p_seq order by seq limit p_limit;
end
$$;

create function core.events_of_tenant_after(p_tenant uuid, p_seq bigint, p_limit integer)
returns setof core.events
language plpgsql stable
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
	return query
		select * from core.events
		where tenant_id = p_tenant and seq > p_seq
		order by seq
		limit p_limit;
end
$$;

revoke execute on function core.seal_pending(xid8, xid8[]) from public;
revoke execute on function core.seal_events(integer, boolean) from public;
revoke execute on function core.events_after(bigint, integer) from public;
revoke execute on function core.events_of_tenant_after(uuid, bigint, integer) from public;
grant execute on function core.seal_pending(xid8, xid8[]) to bulkhead_platform;
grant execute on function core.seal_events(integer, boolean) to bulkhead_platform;
grant execute on function core.events_after(bigint, integer) to bulkhead_platform;
grant execute on function core.events_of_tenant_after(uuid, bigint, integer) to bulkhead_platform;
