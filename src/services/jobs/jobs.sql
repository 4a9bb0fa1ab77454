-- name: job_put(queue text, type text, priority int, attempts int, delay_ms int, payload text) -> exec
insert into core.job_inbox (queue, type, priority, attempts, run_at, payload)
values (:queue, :type, :priority::smallint, :attempts::smallint,
	case when :delay_ms > 0
		then clock_timestamp() + :delay_ms * interval '1 millisecond' end,
	:payload::json);

-- name: job_put_many(queue text, type text, priority int, attempts int, delay_ms int,
--   payloads text[]) -> exec
insert into core.job_inbox (queue, type, priority, attempts, run_at, payload)
select :queue, :type, :priority::smallint, :attempts::smallint,
	case when :delay_ms > 0
		then clock_timestamp() + :delay_ms * interval '1 millisecond' end,
	p::json
from unnest(:payloads) as u (p);

-- name: job_put_unique(queue text, type text, priority int, attempts int, delay_ms int,
--   key text, payload text) -> exec
select core.enqueue_unique_job(:queue, :type, :priority::smallint, :attempts::smallint,
	case when :delay_ms > 0
		then clock_timestamp() + :delay_ms * interval '1 millisecond' end,
	:key, :payload::json);

-- name: job_lease_check(worker uuid, left_ms int) -> exec
select core.job_lease_check(:worker, :left_ms);

-- name: job_worker_put(id uuid, node text, lease_ms int) -> count
insert into core.job_workers (id, node, lease_until)
values (:id, :node, clock_timestamp() + :lease_ms * interval '1 millisecond');

-- name: job_worker_beat(id uuid, lease_ms int, oldest_receipt int) -> count
-- No row: this worker was declared dead.
update core.job_workers
set lease_until = clock_timestamp() + :lease_ms * interval '1 millisecond',
	oldest_receipt = :oldest_receipt
where id = :id;

-- name: job_worker_leave(id uuid) -> exec
delete from core.job_workers where id = :id;

-- name: jobs_claim(worker uuid, queues text[], wants int[], most int, everything bool) -> many (
--   receipt int, lane int, seq int, id int, queue int, tenant_id uuid, type text, attempt int,
--   attempts int, payload text, request_id text?)
select receipt, lane, seq, id, queue, tenant_id, type, attempt, attempts, payload, request_id
from core.claim_jobs(:worker, :queues, :wants::integer[], :most::integer, :everything);

-- name: jobs_settle(worker uuid, batch int, lanes int[], seqs int[], outcomes text[],
--   delays_ms int[], errors text[]) -> exec
select core.settle_jobs(:worker, :batch, :lanes, :seqs, :outcomes, :delays_ms, :errors);

-- name: jobs_return(worker uuid, receipt int) -> exec
select core.return_jobs(:worker, :receipt);

-- name: jobs_rescue(max_losses int) -> one (n int)
select core.rescue_jobs(:max_losses::integer) as n;

-- name: jobs_sort(most int) -> exec
select core.sort_inbox(:most::integer);

-- name: jobs_next_due() -> one (wait_ms int?, is_unsorted bool)
-- How long until the first deferred job is due (null: there is none), and whether
-- the inbox holds jobs without a place.
select (
		select (extract(epoch from min(run_at) - clock_timestamp()) * 1000)::bigint
		from core.job_deferred
		where run_at > clock_timestamp() - interval '1 minute'
	) as wait_ms,
	exists (
		select from core.job_inbox i
		where (i.xact, i.id) > (
			select floor_xact, floor_id from core.seals
			where log = 'jobs'
			order by head desc
			limit 1)
	) as is_unsorted;

-- name: job_fire_put(schedule text, fire_time time) -> count
insert into core.job_fires (schedule, fire_time) values (:schedule, :fire_time)
on conflict do nothing;

-- name: job_fires_latest() -> many (schedule text, fire_time time)
select schedule, max(fire_time) as fire_time from core.job_fires group by schedule;

-- name: jobs_waiting() -> many (queue text, n int)
-- From cursors, never by counting jobs.
select queue, sum(tail - head)::bigint as n
from core.job_lanes
where tail > head
group by queue;

-- name: jobs_drop_old() -> one (n int)
select core.drop_job_partitions() as n;

-- name: jobs_forget_old() -> exec
-- Dead letters after seven days; firings once a month has gone by and a later one is kept.
with dead as (
	delete from core.job_dead where died_at < clock_timestamp() - interval '7 days'
)
delete from core.job_fires f
where fire_time < clock_timestamp() - interval '31 days'
	and exists (select from core.job_fires l
		where l.schedule = f.schedule and l.fire_time > f.fire_time);
