-- Background jobs: append-only lanes (docs/adr/0005).
--
-- A job walks inbox -> (deferred ->) ready -> receipt -> closure. Writers only
-- insert into the inbox and draw no number that anybody relies on;
-- core.sort_jobs(), one at a time over all nodes, gives what has become
-- visible its place (lane, seq). Ready rows, receipts and closures are never
-- changed; the one mutable row on the way is the lane's cursor.

-- Whose work a nil tenant is: the platform's.
create function core.tenant_or_nil() returns uuid
language sql stable parallel safe as $$
	select coalesce(nullif(current_setting('app.tenant', true), '')::uuid,
		'00000000-0000-0000-0000-000000000000')
$$;

create table core.job_inbox (
	id bigint not null generated always as identity,
	xact xid8 not null default pg_current_xact_id(),
	tenant_id uuid not null default core.tenant_or_nil(),
	queue text not null,
	type text not null,
	priority smallint not null default 0,
	attempts smallint not null,
	run_at timestamptz,
	unique_key text,
	payload json not null,
	request_id text default nullif(current_setting('app.request', true), '')::json ->> 'id',
	enqueued_at timestamptz not null default clock_timestamp(),
	constraint job_inbox_pk primary key (xact, id)
);
comment on table core.job_inbox is 'Jobs on their way into a lane; rows live for milliseconds.';
alter table core.job_inbox set (
	autovacuum_vacuum_scale_factor = 0.0,
	autovacuum_vacuum_threshold = 5000,
	autovacuum_vacuum_cost_delay = 0
);

-- At most one waiting job of a type and tenant with a key. The row goes when
-- the job is claimed.
create table core.job_unique (
	tenant_id uuid not null default core.tenant_or_nil(),
	type text not null,
	key text not null,
	constraint job_unique_pk primary key (tenant_id, type, key)
);

-- queue x priority x tenant. tail: seq of the newest job; head: of the last
-- claimed one; turn: when it was last served, for round-robin.
create table core.job_lanes (
	id integer not null generated always as identity,
	tenant_id uuid not null,
	queue text not null,
	priority smallint not null,
	tail bigint not null default 0,
	head bigint not null default 0,
	turn bigint not null default 0,
	constraint job_lanes_pk primary key (id),
	constraint job_lanes_place unique (tenant_id, queue, priority)
) with (
	fillfactor = 50,
	autovacuum_vacuum_scale_factor = 0.0,
	autovacuum_vacuum_threshold = 1000,
	autovacuum_vacuum_cost_delay = 0
);
create index job_lanes_waiting on core.job_lanes (queue, priority, turn) where tail > head;
create sequence core.job_turns;

-- One attempt of a job, immutable; dropped by day once everything is settled.
create table core.job_ready (
	lane integer not null,
	seq bigint not null,
	id bigint not null,
	tenant_id uuid not null,
	type text not null,
	attempt smallint not null,
	attempts smallint not null,
	losses smallint not null,
	unique_key text,
	payload json not null,
	request_id text,
	enqueued_at timestamptz not null,
	at timestamptz not null,
	constraint job_ready_pk primary key (lane, seq, at)
) partition by range (at);

-- Which jobs a worker took in one go.
create table core.job_receipts (
	id bigint not null,
	worker uuid not null,
	lanes integer[] not null,
	seqs bigint[] not null,
	at timestamptz not null,
	constraint job_receipts_pk primary key (worker, id, at)
) partition by range (at);
create sequence core.job_receipt_ids;

-- Which of them it has settled, and how (d done, r retry, x dead, b given back).
-- id: the worker's own count, so that a batch whose commit it did not hear of
-- can be told again.
create table core.job_closures (
	id bigint not null,
	worker uuid not null,
	lanes integer[] not null,
	seqs bigint[] not null,
	outcomes "char"[] not null,
	at timestamptz not null,
	constraint job_closures_pk primary key (worker, id, at)
) partition by range (at);

-- Delayed jobs and those to be tried again.
create table core.job_deferred (
	id bigint not null,
	run_at timestamptz not null,
	tenant_id uuid not null,
	queue text not null,
	type text not null,
	priority smallint not null,
	attempt smallint not null,
	attempts smallint not null,
	losses smallint not null,
	unique_key text,
	payload json not null,
	request_id text,
	enqueued_at timestamptz not null,
	error text,
	constraint job_deferred_pk primary key (run_at, id)
) with (
	autovacuum_vacuum_scale_factor = 0.0,
	autovacuum_vacuum_threshold = 5000,
	autovacuum_vacuum_cost_delay = 0
);

create table core.job_dead (
	id bigint not null,
	tenant_id uuid not null,
	queue text not null,
	type text not null,
	priority smallint not null,
	attempt smallint not null,
	attempts smallint not null,
	payload json not null,
	request_id text,
	enqueued_at timestamptz not null,
	error text not null,
	died_at timestamptz not null default clock_timestamp(),
	constraint job_dead_pk primary key (id)
);
create index job_dead_age on core.job_dead (died_at);

-- A process that runs jobs, alive until lease_until. Its receipts below
-- oldest_receipt are settled. No row: declared dead, its work is given away,
-- and whatever it still says is refused.
create table core.job_workers (
	id uuid not null,
	node text not null,
	started_at timestamptz not null default clock_timestamp(),
	lease_until timestamptz not null,
	oldest_receipt bigint not null default 0,
	constraint job_workers_pk primary key (id)
) with (
	fillfactor = 20,
	autovacuum_vacuum_scale_factor = 0.0,
	autovacuum_vacuum_threshold = 1000
);

-- A schedule fires once over all nodes: the row goes in with the job.
create table core.job_fires (
	schedule text not null,
	fire_time timestamptz not null,
	fired_at timestamptz not null default clock_timestamp(),
	constraint job_fires_pk primary key (schedule, fire_time)
);

select core.partitioned('core.job_ready', 'day', 3);
select core.partitioned('core.job_receipts', 'day', 3);
select core.partitioned('core.job_closures', 'day', 3);

-- ---- the wall: requests and jobs of a tenant only enqueue ------------------------

do $$
declare
	t text;
begin
	foreach t in array array['job_inbox', 'job_unique', 'job_lanes', 'job_ready', 'job_receipts',
		'job_closures', 'job_deferred', 'job_dead', 'job_workers', 'job_fires'] loop
		execute format('alter table core.%I enable row level security', t);
		execute format('alter table core.%I force row level security', t);
		perform core.platform_table('core.' || t, 'select,insert,update,delete');
	end loop;
	foreach t in array array['job_inbox', 'job_unique', 'job_lanes', 'job_ready', 'job_deferred',
		'job_dead'] loop
		execute format('create policy tenant_wall on core.%I using (tenant_id = '
			'(select nullif(current_setting(''app.tenant'', true), '''')::uuid))', t);
	end loop;
end $$;
grant insert on core.job_inbox to bulkhead_app;
grant select, insert, update on core.job_unique to bulkhead_app;
grant usage on sequence core.job_turns, core.job_receipt_ids to bulkhead_platform;

-- ---- enqueue ------------------------------------------------------------------------

-- Enqueues unless such a job is waiting. The one that waits is held until this
-- transaction ends, so that it runs after, and sees, what this one writes.
create function core.enqueue_unique_job(p_queue text, p_type text, p_priority smallint,
	p_attempts smallint, p_run_at timestamptz, p_key text, p_payload json) returns void
language plpgsql as $$
begin
	loop
		insert into core.job_unique (type, key) values (p_type, p_key) on conflict do nothing;
		if found then
			insert into core.job_inbox (queue, type, priority, attempts, run_at, unique_key, payload)
			values (p_queue, p_type, p_priority, p_attempts, p_run_at, p_key, p_payload);
			return;
		end if;
		perform 1 from core.job_unique
		where tenant_id = core.tenant_or_nil() and type = p_type and key = p_key
		for key share;
		if found then
			return;
		end if;
	end loop;
end $$;

-- ---- from the inbox to the lanes ---------------------------------------------------

-- Gives visible jobs of the inbox and due ones of the deferred their place.
-- Only core.claim_jobs calls it, under its lock. p_everything: see seal_events;
-- without it deferred rows that were due more than a minute ago are not
-- looked for, because a pinned snapshot would keep them in the index.
create function core.sort_jobs(p_limit integer, p_everything boolean) returns void
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
	s core.seals;
	moment timestamptz := clock_timestamp();
begin
	select * into s from core.seals where log = 'jobs' order by head desc limit 1;
	if not found then
		s := row('jobs', 0, '0', 0, '{}', null);
	end if;
	if p_everything then
		s.floor_xact := '0';
		s.floor_id := 0;
	end if;

	with late as materialized (
		select ctid as place from core.job_inbox where xact = any (s.pending) limit p_limit
	),
	fresh as materialized (
		select ctid as place, xact, id
		from core.job_inbox
		where (xact, id) > (s.floor_xact, s.floor_id)
		order by xact, id
		limit p_limit
	),
	taken as (
		delete from core.job_inbox
		where ctid = any (array(select place from late union select place from fresh))
		returning *
	),
	delayed as (
		insert into core.job_deferred (id, run_at, tenant_id, queue, type, priority, attempt,
			attempts, losses, unique_key, payload, request_id, enqueued_at)
		select id, run_at, tenant_id, queue, type, priority, 1,
			attempts, 0, unique_key, payload, request_id, enqueued_at
		from taken
		where run_at > moment
		returning 1
	),
	due as (
		delete from core.job_deferred
		where ctid = any (array(
			select ctid from core.job_deferred
			where run_at <= moment
				and run_at > case when p_everything then '-infinity'
					else moment - interval '1 minute' end
			order by run_at
			limit p_limit))
		returning *
	),
	placed as (
		select id, tenant_id, queue, type, priority, 1::smallint as attempt, attempts,
			0::smallint as losses, unique_key, payload, request_id, enqueued_at
		from taken
		where run_at is null or run_at <= moment
		union all
		select id, tenant_id, queue, type, priority, attempt, attempts,
			losses, unique_key, payload, request_id, enqueued_at
		from due
	),
	lanes as (
		insert into core.job_lanes (tenant_id, queue, priority, tail)
		select tenant_id, queue, priority, count(*) from placed group by 1, 2, 3
		on conflict (tenant_id, queue, priority)
			do update set tail = job_lanes.tail + excluded.tail
		returning id, tenant_id, queue, priority, tail
	),
	stored as (
		insert into core.job_ready (lane, seq, id, tenant_id, type, attempt, attempts, losses,
			unique_key, payload, request_id, enqueued_at, at)
		select l.id,
			l.tail + 1 - row_number() over (partition by l.id order by p.id desc),
			p.id, p.tenant_id, p.type, p.attempt, p.attempts, p.losses,
			p.unique_key, p.payload, p.request_id, p.enqueued_at, moment
		from placed p
		join lanes l using (tenant_id, queue, priority)
		returning 1
	),
	counted as (
		select (select count(*) from taken) as n,
			(select count(*) from late) >= p_limit as is_late_full,
			(select count(*) from fresh) >= p_limit as is_full,
			(select count(*) from stored) + (select count(*) from delayed) as moved
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
	select 'jobs', s.head + n, floor_xact, floor_id,
		core.seal_pending(floor_xact, case when is_late_full then s.pending else '{}' end)
	from floors
	where n > 0;

	if p_everything then
		delete from core.seals where log = 'jobs' and head < s.head;
	end if;
end $$;

-- ---- claim, settle ------------------------------------------------------------------

-- For workers without room: a crowd in the inbox must get its places, or it would
-- stand before everybody who comes after it.
create function core.sort_inbox(p_limit integer) returns void
language plpgsql as $$
begin
	perform pg_advisory_xact_lock(722014, 2);
	perform core.sort_jobs(p_limit, false);
end $$;

create function core.job_worker_check(p_worker uuid) returns void
language plpgsql as $$
begin
	perform 1 from core.job_workers where id = p_worker for share;
	if not found then
		raise exception 'worker % was declared dead', p_worker using errcode = 'BH002';
	end if;
end $$;

-- Takes up to p_wants[i] jobs of p_queues[i] for a worker: the best priority
-- first, its lanes served in turn with equal shares.
create function core.claim_jobs(p_worker uuid, p_queues text[], p_wants integer[],
	p_limit integer, p_everything boolean)
returns table (receipt bigint, lane integer, seq bigint, id bigint, queue integer, tenant_id uuid,
	type text, attempt smallint, attempts smallint, payload text, request_id text)
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
	i integer;
	v_receipt bigint;
	v_share integer;
	v_priority smallint;
begin
	-- whoever freezes between this and its commit must not stop the others for long
	perform set_config('idle_in_transaction_session_timeout', '3000', true);
	perform pg_advisory_xact_lock(722014, 2);
	perform core.job_worker_check(p_worker);
	perform core.sort_jobs(p_limit, p_everything);
	for i in 1 .. coalesce(array_length(p_queues, 1), 0) loop
		continue when p_wants[i] <= 0;
		select l.priority into v_priority
		from core.job_lanes l
		where l.queue = p_queues[i] and l.tail > l.head
		order by l.priority, l.turn
		limit 1;
		continue when not found;
		select greatest(1, p_wants[i] / count(*)) into v_share
		from (select from core.job_lanes l
			where l.queue = p_queues[i] and l.priority = v_priority and l.tail > l.head
			limit p_wants[i]) as waiting;
		v_receipt := nextval('core.job_receipt_ids');
		return query
		with best as materialized (
			select l.id, l.head
			from core.job_lanes l
			where l.queue = p_queues[i] and l.priority = v_priority and l.tail > l.head
			order by l.turn
			limit p_wants[i]
		),
		picked as materialized (
			select r.*
			from best b
			cross join lateral (
				select * from core.job_ready r
				where r.lane = b.id and r.seq > b.head
				order by r.seq
				limit v_share
			) as r
		),
		-- a waiting job whose key an open transaction holds waits for it
		freed as (
			delete from core.job_unique
			where ctid = any (array(
				select u.ctid
				from picked p
				join core.job_unique u
					on u.tenant_id = p.tenant_id and u.type = p.type and u.key = p.unique_key
				where p.unique_key is not null
				for update of u skip locked))
			returning tenant_id, type, key
		),
		held as materialized (
			select p.*
			from picked p
			join core.job_unique u
				on u.tenant_id = p.tenant_id and u.type = p.type and u.key = p.unique_key
			where p.unique_key is not null
				and not exists (select from freed f
					where f.tenant_id = p.tenant_id and f.type = p.type and f.key = p.unique_key)
		),
		held_back as (
			insert into core.job_deferred (id, run_at, tenant_id, queue, type, priority, attempt,
				attempts, losses, unique_key, payload, request_id, enqueued_at)
			select id, clock_timestamp() + interval '200 milliseconds', tenant_id, p_queues[i],
				type, v_priority, attempt, attempts, losses, unique_key, payload, request_id,
				enqueued_at
			from held
		),
		given as materialized (
			select p.* from picked p
			where p.unique_key is null
				or not exists (select from held h where h.lane = p.lane and h.seq = p.seq)
		),
		moved as (
			update core.job_lanes l
			set head = p.seq, turn = nextval('core.job_turns')
			from (select lane, max(seq) as seq from picked group by lane) as p
			where l.id = p.lane
		),
		receipts as (
			insert into core.job_receipts (id, worker, lanes, seqs, at)
			select v_receipt, p_worker, array_agg(lane order by lane, seq),
				array_agg(seq order by lane, seq), clock_timestamp()
			from given
			having count(*) > 0
		)
		select v_receipt, p.lane, p.seq, p.id, i, p.tenant_id, p.type, p.attempt, p.attempts,
			p.payload::text, p.request_id
		from given p
		order by p.seq;
	end loop;
end $$;

-- What a worker has done with jobs it holds. Outcomes: d done, r try again
-- (the next attempt), x dead, b given back unstarted. Refused once the worker
-- was declared dead: its jobs run elsewhere then.
create function core.settle_jobs(p_worker uuid, p_batch bigint, p_lanes bigint[],
	p_seqs bigint[], p_outcomes text[], p_delays_ms bigint[], p_errors text[]) returns void
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
	perform core.job_worker_check(p_worker);
	if exists (select from core.job_closures where worker = p_worker and id = p_batch) then
		return;
	end if;
	insert into core.job_closures (id, worker, lanes, seqs, outcomes, at)
	values (p_batch, p_worker, p_lanes::integer[], p_seqs, p_outcomes::"char"[],
		clock_timestamp());
	if 'd' = all (p_outcomes) then
		return;
	end if;

	with settled as materialized (
		select r.*, u.outcome, u.delay_ms, u.error
		from unnest(p_lanes, p_seqs, p_outcomes, p_delays_ms, p_errors)
			as u (lane, seq, outcome, delay_ms, error)
		cross join lateral (
			select * from core.job_ready r where r.lane = u.lane and r.seq = u.seq limit 1
		) as r
		where u.outcome <> 'd'
	),
	again as (
		insert into core.job_deferred (id, run_at, tenant_id, queue, type, priority, attempt,
			attempts, losses, payload, request_id, enqueued_at, error)
		select s.id, clock_timestamp() + s.delay_ms * interval '1 millisecond', s.tenant_id,
			l.queue, s.type, l.priority, s.attempt + case s.outcome when 'r' then 1 else 0 end,
			s.attempts, s.losses, s.payload, s.request_id, s.enqueued_at, s.error
		from settled s
		join core.job_lanes l on l.id = s.lane
		where s.outcome in ('r', 'b')
	)
	insert into core.job_dead (id, tenant_id, queue, type, priority, attempt, attempts, payload,
		request_id, enqueued_at, error)
	select s.id, s.tenant_id, l.queue, s.type, l.priority, s.attempt, s.attempts, s.payload,
		s.request_id, s.enqueued_at, s.error
	from settled s
	join core.job_lanes l on l.id = s.lane
	where s.outcome = 'x';
end $$;

-- Gives back every receipt of a worker after p_receipt: claims whose commit it
-- did not hear of, so it does not know what it holds.
create function core.return_jobs(p_worker uuid, p_receipt bigint) returns void
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
	perform core.job_worker_check(p_worker);
	with returned as (
		delete from core.job_receipts where worker = p_worker and id > p_receipt
		returning lanes, seqs
	)
	insert into core.job_deferred (id, run_at, tenant_id, queue, type, priority, attempt,
		attempts, losses, payload, request_id, enqueued_at)
	select r.id, clock_timestamp(), r.tenant_id, l.queue, r.type, l.priority, r.attempt,
		r.attempts, r.losses, r.payload, r.request_id, r.enqueued_at
	from returned, unnest(returned.lanes, returned.seqs) as u (lane, seq)
	cross join lateral (
		select * from core.job_ready r where r.lane = u.lane and r.seq = u.seq limit 1
	) as r
	join core.job_lanes l on l.id = r.lane;
end $$;

-- Gives away the open jobs of workers whose lease has run out; returns how
-- many. A job that has lost p_max_losses workers is the likely murderer: dead.
create function core.rescue_jobs(p_max_losses integer) returns bigint
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
	w core.job_workers;
	since timestamptz;
	n bigint;
	total bigint := 0;
begin
	for w in select * from core.job_workers where lease_until < clock_timestamp()
		for update skip locked
	loop
		select min(at) into since from core.job_receipts
		where worker = w.id and id >= w.oldest_receipt;
		with open as materialized (
			select u.lane, u.seq
			from core.job_receipts c, unnest(c.lanes, c.seqs) as u (lane, seq)
			where c.worker = w.id and c.id >= w.oldest_receipt
			except
			select u.lane, u.seq
			from core.job_closures c, unnest(c.lanes, c.seqs) as u (lane, seq)
			where c.worker = w.id and c.at >= since
		),
		lost as materialized (
			select r.*, l.queue, l.priority
			from open o
			cross join lateral (
				select * from core.job_ready r where r.lane = o.lane and r.seq = o.seq limit 1
			) as r
			join core.job_lanes l on l.id = r.lane
		),
		again as (
			insert into core.job_deferred (id, run_at, tenant_id, queue, type, priority, attempt,
				attempts, losses, payload, request_id, enqueued_at, error)
			select id, clock_timestamp(), tenant_id, queue, type, priority, attempt, attempts,
				losses + 1, payload, request_id, enqueued_at, 'worker lost'
			from lost
			where losses + 1 < p_max_losses
			returning 1
		),
		dead as (
			insert into core.job_dead (id, tenant_id, queue, type, priority, attempt, attempts,
				payload, request_id, enqueued_at, error)
			select id, tenant_id, queue, type, priority, attempt, attempts,
				payload, request_id, enqueued_at, 'worker lost ' || p_max_losses || ' times'
			from lost
			where losses + 1 >= p_max_losses
			returning 1
		)
		select (select count(*) from again) + (select count(*) from dead) into n;
		total := total + n;
		delete from core.job_workers where id = w.id;
	end loop;
	return total;
end $$;

-- Refuses the transaction of a job whose worker was declared dead, so that a
-- worker that only slept cannot write beside its successor, and of one that is
-- over its time; bounds its statements by the time that is left.
create function core.job_lease_check(p_worker uuid, p_left_ms bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
	if p_left_ms <= 0 then
		raise exception 'the job is over its time' using errcode = 'BH002';
	end if;
	perform 1 from core.job_workers where id = p_worker and lease_until > clock_timestamp();
	if not found then
		raise exception 'the lease of worker % has run out', p_worker using errcode = 'BH002';
	end if;
	perform set_config('statement_timeout', p_left_ms::text, true);
end $$;

-- Drops day partitions older than a day in which nothing waits or runs.
create function core.drop_job_partitions() returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
	day text;
	busy boolean;
	n integer := 0;
begin
	for day in
		select substring(c.relname from '_(\d{8})$')
		from pg_inherits i
		join pg_class c on c.oid = i.inhrelid
		where i.inhparent = 'core.job_ready'::regclass
			and to_date(substring(c.relname from '_(\d{8})$'), 'YYYYMMDD')
				< (now() at time zone 'UTC')::date - 1
		order by 1
	loop
		execute format('select exists (select from core.job_lanes l cross join lateral '
			'(select from core.job_ready_%s r where r.lane = l.id and r.seq > l.head limit 1) r '
			'where l.tail > l.head) or exists (select from core.job_workers w '
			'join core.job_receipts c on c.worker = w.id and c.id >= w.oldest_receipt '
			'cross join unnest(c.lanes, c.seqs) u (lane, seq) '
			'join core.job_ready_%s r on r.lane = u.lane and r.seq = u.seq)', day, day)
		into busy;
		exit when busy; -- its receipts may lie in later days
		execute format('drop table core.job_ready_%s', day);
		execute format('drop table if exists core.job_receipts_%s', day);
		execute format('drop table if exists core.job_closures_%s', day);
		n := n + 1;
	end loop;
	return n;
end $$;
create policy dropping on core.job_lanes for select to bulkhead_owner using (true);
create policy dropping on core.job_ready for select to bulkhead_owner using (true);
create policy dropping on core.job_receipts for select to bulkhead_owner using (true);
create policy dropping on core.job_workers for select to bulkhead_owner using (true);

do $$
declare
	f text;
begin
	foreach f in array array['sort_jobs(integer, boolean)', 'sort_inbox(integer)', 'job_worker_check(uuid)',
		'claim_jobs(uuid, text[], integer[], integer, boolean)',
		'settle_jobs(uuid, bigint, bigint[], bigint[], text[], bigint[], text[])',
		'return_jobs(uuid, bigint)',
		'rescue_jobs(integer)', 'drop_job_partitions()'] loop
		execute format('revoke execute on function core.%s from public', f);
		execute format('grant execute on function core.%s to bulkhead_platform', f);
	end loop;
end $$;
revoke execute on function core.job_lease_check(uuid, bigint) from public;
grant execute on function core.job_lease_check(uuid, bigint) to bulkhead_app, bulkhead_platform;
