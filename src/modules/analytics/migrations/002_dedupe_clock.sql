-- 002_dedupe_clock.sql - analytics.mark_seen says which moment it takes for now, so that
-- midnight can be tested (tests/sql/test_dedupe.py). Nothing else changes.

drop function analytics.mark_seen(uuid[]);

-- Which of the messages are new? Marks them; the answer has one bool a key, in
-- order. Keys must differ from each other. Around midnight (UTC) both days are
-- marked: two transactions that begin on different sides of it meet in at least
-- one unique index, and each other day sees the earlier one by the lookup.
-- Transactions must be shorter than the twenty minutes of that window.
create function analytics.mark_seen(p_keys uuid[], p_now timestamptz default now())
returns boolean[]
language plpgsql as $$
declare
	tenant uuid := core.current_tenant();
	today timestamptz := date_trunc('day', p_now at time zone 'UTC') at time zone 'UTC';
	days timestamptz[] := array[today];
	fresh boolean[];
begin
	if p_now < today + interval '10 minutes' then
		days := array[today - interval '1 day', today];
	elsif p_now >= today + interval '1 day' - interval '10 minutes' then
		days := array[today, today + interval '1 day'];
	end if;
	with marked as (
		insert into analytics.seen_messages (tenant_id, key, day)
		select tenant, i.key, d.day
		from unnest(p_keys) as i (key), unnest(days) as d (day)
		where not exists (select 1 from analytics.seen_messages s
			where s.tenant_id = tenant and s.key = i.key
				and s.day = today - interval '1 day')
		order by i.key, d.day  -- one order for all: no deadlocks
		on conflict do nothing
		returning key
	), first_time as (
		select key from marked group by key having count(*) = cardinality(days)
	)
	select array_agg(f.key is not null order by i.ord) into fresh
	from unnest(p_keys) with ordinality as i (key, ord)
	left join first_time f on f.key = i.key;
	return fresh;
end $$;
