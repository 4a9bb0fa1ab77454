-- 001_analytics.sql - projects and write keys, the store of events and its books,
-- what is derived from events.
--
-- Exactness rests on three things: analytics.seen_messages (one row a message),
-- the books written in the transaction of the insert (lanes, usage, ledger), and
-- followers that keep their place in the transaction of their effects. Tables
-- that take a row an event have no audit trigger, no version and no foreign key:
-- their rows are written by analytics.ingest and the enricher only.

select core.module_schema('analytics');

-- ---- projects and their keys -------------------------------------------------

create table analytics.projects (
	tenant_id uuid not null default core.current_tenant(),
	id uuid not null default core.uuid_v7(),
	name text not null constraint project_name_length check (length(name) between 1 and 100),
	slug text not null constraint project_slug_form check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
	description text not null default ''
		constraint project_description_length check (length(description) <= 2000),
	status text not null default 'active'
		constraint project_status check (status in ('active', 'archived')),
	constraint projects_pkey primary key (tenant_id, id),
	constraint project_slug_taken unique (tenant_id, slug)
);
select core.tenant_table('analytics.projects');
select core.platform_table('analytics.projects', 'select');
create index projects_created on analytics.projects (tenant_id, created_at, id);

-- A slug from the name: "Größe & Co" becomes "gr-e-co", a second one "gr-e-co-2".
create function analytics.project_slug() returns trigger
language plpgsql as $$
declare
	stem text := left(trim(both '-' from regexp_replace(lower(new.name), '[^a-z0-9]+', '-', 'g')), 50);
begin
	if new.slug is not null then
		return new;
	end if;
	stem := coalesce(nullif(trim(both '-' from stem), ''), 'project');
	new.slug := stem;
	-- A name used before gets an ending of its own, found in one step however often it was used.
	if exists (select 1 from analytics.projects p
		where p.tenant_id = new.tenant_id and p.slug = stem) then
		new.slug := stem || '-' || right(new.id::text, 8);
	end if;
	return new;
end $$;
create trigger slug before insert on analytics.projects
	for each row execute function analytics.project_slug();

create table analytics.write_keys (
	tenant_id uuid not null default core.current_tenant(),
	id uuid not null default core.uuid_v7(),
	project_id uuid not null,
	name text not null constraint write_key_name_length check (length(name) between 1 and 100),
	prefix text not null,
	token_hash bytea not null,
	created_by jsonb not null default coalesce(core.actor() - 'kind' - 'on_behalf', '{}'),
	last_used_at timestamptz,
	revoked_at timestamptz,
	constraint write_keys_pkey primary key (tenant_id, id),
	constraint write_key_project foreign key (tenant_id, project_id)
		references analytics.projects (tenant_id, id),
	constraint write_key_hash unique (tenant_id, token_hash)
);
select core.tenant_table('analytics.write_keys', noun => 'write_key', ignore => '{last_used_at}');
select core.platform_table('analytics.write_keys', 'select');
create index write_keys_lookup on analytics.write_keys (token_hash);
create index write_keys_project on analytics.write_keys (tenant_id, project_id, id);
comment on column analytics.write_keys.token_hash is
	'SHA-256 of the whole key; prefix is its first characters, shown in lists.';

-- ---- events and the books ------------------------------------------------------

create table analytics.events (
	tenant_id uuid not null,
	project_id uuid not null,
	id uuid not null,
	received_at timestamptz not null,
	occurred_at timestamptz not null,
	batch_no bigint not null,
	lane smallint not null,
	flags smallint not null default 0,
	type text not null,
	message_id text not null,
	name text,
	user_id text,
	anonymous_id text,
	group_id text,
	previous_id text,
	original_timestamp text,
	ip inet,
	properties jsonb,
	traits jsonb,
	context jsonb,
	integrations jsonb,
	constraint events_pkey primary key (tenant_id, project_id, id, received_at)
) partition by range (received_at);
select core.tenant_table('analytics.events', audit => false, versioned => false,
	grants => 'select, insert');
select core.partitioned('analytics.events', 'day', 7);
comment on table analytics.events is
	'One row an accepted event. occurred_at is the repaired timestamp, original_timestamp what '
	'the client said; absent objects are null. Ids ascend with the time of receipt.';

create table analytics.seen_messages (
	tenant_id uuid not null,
	key uuid not null,
	day timestamptz not null,
	constraint seen_messages_pkey primary key (tenant_id, key, day)
) partition by range (day);
select core.tenant_table('analytics.seen_messages', audit => false, versioned => false,
	grants => 'select, insert');
select core.partitioned('analytics.seen_messages', 'day', 7, interval '2 days');
comment on table analytics.seen_messages is
	'key: SHA-256(project, messageId), first 128 bits. docs/adr/0060-exact-deduplication.md '
	'says why two partitions are written around midnight.';
-- yesterday, for a server that is set up in the first minutes of a day
do $$
declare
	today timestamp := date_trunc('day', now() at time zone 'UTC');
begin
	execute format('create table analytics.%I partition of analytics.seen_messages '
		'for values from (%L) to (%L)', 'seen_messages_' || to_char(today - interval '1 day',
		'YYYYMMDD'), (today - interval '1 day') || '+00', today || '+00');
end $$;

create table analytics.lanes (
	tenant_id uuid not null,
	project_id uuid not null,
	lane smallint not null,
	batch_no bigint not null,
	constraint lanes_pkey primary key (tenant_id, project_id, lane),
	constraint lane_project foreign key (tenant_id, project_id)
		references analytics.projects (tenant_id, id)
) with (fillfactor = 50);
select core.tenant_table('analytics.lanes', audit => false, versioned => false,
	grants => 'select, insert, update');
select core.platform_table('analytics.lanes', 'select');
comment on table analytics.lanes is
	'The number of the last batch of each lane of a project. A batch locks its lane before it '
	'draws its number, so numbers of a lane become visible in order and without gaps.';

create table analytics.batches (
	tenant_id uuid not null,
	project_id uuid not null,
	lane smallint not null,
	no bigint not null,
	at timestamptz not null,
	node uuid not null,
	events int not null,
	first_id uuid,
	last_id uuid,
	constraint batches_pkey primary key (tenant_id, project_id, lane, no, at)
) partition by range (at);
select core.tenant_table('analytics.batches', audit => false, versioned => false,
	grants => 'select, insert');
select core.platform_table('analytics.batches', 'select');
create index batches_at on analytics.batches (at);
select core.partitioned('analytics.batches', 'day', 7, interval '30 days');
comment on table analytics.batches is 'Append-only list of what was committed, for followers.';

create table analytics.usage (
	tenant_id uuid not null,
	project_id uuid not null,
	day date not null,
	lane smallint not null,
	events bigint not null,
	constraint usage_pkey primary key (tenant_id, day, project_id, lane)
) with (fillfactor = 50);
select core.tenant_table('analytics.usage', audit => false, versioned => false,
	grants => 'select, insert, update');
comment on table analytics.usage is
	'Events of a day of receipt. Always: sum(usage.events) = count(events).';

create table analytics.ledger (
	tenant_id uuid not null,
	project_id uuid not null,
	day date not null,
	lane smallint not null,
	received bigint not null,
	accepted bigint not null,
	duplicates bigint not null,
	rejected bigint not null,
	over_quota bigint not null,
	constraint ledger_pkey primary key (tenant_id, project_id, day, lane),
	constraint ledger_balances
		check (received = accepted + duplicates + rejected + over_quota)
) with (fillfactor = 50);
select core.tenant_table('analytics.ledger', audit => false, versioned => false,
	grants => 'select, insert, update');

create table analytics.ledger_rejections (
	tenant_id uuid not null,
	project_id uuid not null,
	day date not null,
	lane smallint not null,
	code text not null,
	events bigint not null,
	constraint ledger_rejections_pkey primary key (tenant_id, project_id, day, lane, code)
);
select core.tenant_table('analytics.ledger_rejections', audit => false, versioned => false,
	grants => 'select, insert, update');
comment on table analytics.ledger_rejections is 'ledger.rejected by reason; the sums agree.';

create table analytics.rejections (
	tenant_id uuid not null,
	project_id uuid not null,
	id uuid not null,
	at timestamptz not null,
	code text not null,
	message text not null,
	message_id text,
	payload text not null,
	constraint rejections_pkey primary key (tenant_id, project_id, id, at)
) partition by range (at);
select core.tenant_table('analytics.rejections', audit => false, versioned => false,
	grants => 'select, insert');
select core.partitioned('analytics.rejections', 'day', 7, interval '7 days');
comment on table analytics.rejections is
	'The debugger: the beginning of events that were refused, at most some hundred a minute and '
	'project, for a week. The ledger counts all of them.';

create table analytics.quota_notices (
	tenant_id uuid not null,
	period text not null,
	state text not null,
	at timestamptz not null default now(),
	constraint quota_notices_pkey primary key (tenant_id, period, state)
);
select core.tenant_table('analytics.quota_notices', audit => false, versioned => false,
	grants => 'select, insert');

-- ---- what is derived --------------------------------------------------------------

create table analytics.follower_cursors (
	tenant_id uuid not null,
	project_id uuid not null,
	lane smallint not null,
	no bigint not null,
	constraint follower_cursors_pkey primary key (tenant_id, project_id, lane)
);
select core.tenant_table('analytics.follower_cursors', audit => false, versioned => false,
	grants => 'select, insert, update');
select core.platform_table('analytics.follower_cursors', 'select');
comment on table analytics.follower_cursors is
	'The last batch of each lane whose effects are in the tables below.';

create table analytics.enrichments (
	tenant_id uuid not null,
	project_id uuid not null,
	event_id uuid not null,
	received_at timestamptz not null,
	session_id uuid,
	data jsonb not null,
	constraint enrichments_pkey primary key (tenant_id, project_id, event_id, received_at)
) partition by range (received_at);
select core.tenant_table('analytics.enrichments', audit => false, versioned => false,
	grants => 'select, insert');
select core.partitioned('analytics.enrichments', 'day', 7);

create table analytics.rollups (
	tenant_id uuid not null,
	project_id uuid not null,
	grain text not null constraint rollup_grain check (grain in ('hour', 'day')),
	dimension text not null,
	at timestamptz not null,
	value text not null,
	events bigint not null,
	constraint rollups_pkey primary key (tenant_id, project_id, grain, dimension, at, value)
) with (fillfactor = 70);
select core.tenant_table('analytics.rollups', audit => false, versioned => false,
	grants => 'select, insert, update');
comment on table analytics.rollups is
	'Events by hour and day of occurred_at: dimension name, type, browser, os, device, country, '
	'referrer or campaign.';

create table analytics.profiles (
	tenant_id uuid not null,
	id uuid not null default core.uuid_v7(),
	project_id uuid not null,
	user_id text,
	anonymous_id text,
	traits jsonb not null default '{}',
	first_seen_at timestamptz not null,
	last_seen_at timestamptz not null,
	events bigint not null,
	constraint profiles_pkey primary key (tenant_id, id),
	constraint profile_has_an_id check (user_id is not null or anonymous_id is not null)
);
select core.tenant_table('analytics.profiles', audit => false, versioned => false);
create unique index profiles_user on analytics.profiles (tenant_id, project_id, user_id)
	where user_id is not null;
create unique index profiles_anonymous on analytics.profiles (tenant_id, project_id, anonymous_id)
	where user_id is null;
create index profiles_seen on analytics.profiles (tenant_id, project_id, last_seen_at, id);

create table analytics.aliases (
	tenant_id uuid not null,
	project_id uuid not null,
	previous_id text not null,
	user_id text not null,
	at timestamptz not null,
	constraint aliases_pkey primary key (tenant_id, project_id, previous_id)
);
select core.tenant_table('analytics.aliases', audit => false, versioned => false,
	grants => 'select, insert, update');
comment on table analytics.aliases is
	'Who an earlier id (an alias call''s, or the anonymousId of an identify call) turned out to be.';

create table analytics.sessions (
	tenant_id uuid not null,
	id uuid not null,
	project_id uuid not null,
	actor text not null,
	started_at timestamptz not null,
	ended_at timestamptz not null,
	events bigint not null,
	constraint sessions_pkey primary key (tenant_id, id)
);
select core.tenant_table('analytics.sessions', audit => false, versioned => false,
	grants => 'select, insert, update');
create index sessions_actor on analytics.sessions (tenant_id, project_id, actor, ended_at);

create table analytics.dead_letters (
	tenant_id uuid not null,
	project_id uuid not null,
	event_id uuid not null,
	received_at timestamptz not null,
	step text not null,
	reason text not null,
	at timestamptz not null default now(),
	constraint dead_letters_pkey primary key (tenant_id, project_id, event_id, step)
);
select core.tenant_table('analytics.dead_letters', audit => false, versioned => false,
	grants => 'select, insert');

-- ---- functions -----------------------------------------------------------------------

-- Names of the bits of events.flags (src/modules/analytics/ingest_event.h).
create function analytics.flag_names(p_flags int) returns jsonb
language sql immutable parallel safe as $$
	select coalesce(jsonb_agg(name order by bit), '[]')
	from (values (1, 'late'), (2, 'ahead'), (4, 'clock_repaired'), (8, 'message_id_made'))
		as f (bit, name)
	where p_flags & bit <> 0
$$;

-- Later objects win, key by key.
create function analytics.merge_objects(p_objects jsonb) returns jsonb
language sql immutable parallel safe as $$
	select coalesce(jsonb_object_agg(e.key, e.value order by o.ord), '{}')
	from jsonb_array_elements(p_objects) with ordinality as o (object, ord),
		jsonb_each(o.object) as e
$$;

-- Which of the messages are new? Marks them; the answer has one bool a key, in
-- order. Keys must differ from each other. Around midnight (UTC) both days are
-- marked: two transactions that begin on different sides of it meet in at least
-- one unique index, and each other day sees the earlier one by the lookup.
-- Transactions must be shorter than the twenty minutes of that window. p_now is for
-- tests of midnight.
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

-- Counts of one batch, in the books of its lane.
create function analytics.keep_books(p_project uuid, p_lane smallint, p_accepted bigint,
	p_duplicates bigint, p_over_quota bigint, p_codes text[], p_counts bigint[]) returns void
language plpgsql as $$
declare
	tenant uuid := core.current_tenant();
	today date := (now() at time zone 'UTC')::date;
	refused bigint := (select coalesce(sum(c), 0) from unnest(p_counts) c);
begin
	insert into analytics.ledger as l (tenant_id, project_id, day, lane, received, accepted,
		duplicates, rejected, over_quota)
	values (tenant, p_project, today, p_lane,
		p_accepted + p_duplicates + refused + p_over_quota, p_accepted, p_duplicates, refused,
		p_over_quota)
	on conflict (tenant_id, project_id, day, lane) do update
	set received = l.received + excluded.received,
		accepted = l.accepted + excluded.accepted,
		duplicates = l.duplicates + excluded.duplicates,
		rejected = l.rejected + excluded.rejected,
		over_quota = l.over_quota + excluded.over_quota;
	if p_accepted > 0 then
		insert into analytics.usage as u (tenant_id, project_id, day, lane, events)
		values (tenant, p_project, today, p_lane, p_accepted)
		on conflict (tenant_id, day, project_id, lane) do update
		set events = u.events + excluded.events;
	end if;
	if refused > 0 then
		insert into analytics.ledger_rejections as r (tenant_id, project_id, day, lane, code,
			events)
		select tenant, p_project, today, p_lane, c.code, c.events
		from unnest(p_codes, p_counts) as c (code, events)
		on conflict (tenant_id, project_id, day, lane, code) do update
		set events = r.events + excluded.events;
	end if;
end $$;

-- One batch of one project: everything that spec/ingestion.md wants in one
-- transaction. p_fresh answers with one digit an event: 1 stored, 0 a duplicate.
create function analytics.ingest(p_project uuid, p_lane smallint, p_node uuid,
	p_duplicates bigint, p_over_quota bigint, p_codes text[], p_counts bigint[],
	p_keys uuid[], p_ids uuid[], p_types text[], p_message_ids text[], p_names text[],
	p_user_ids text[], p_anonymous_ids text[], p_group_ids text[], p_previous_ids text[],
	p_occurred timestamptz[], p_originals text[], p_flags bigint[], p_ips text[],
	p_properties jsonb[], p_traits jsonb[], p_contexts jsonb[], p_integrations jsonb[],
	out no bigint, out at timestamptz, out fresh text)
language plpgsql as $$
declare
	tenant uuid := core.current_tenant();
	marks boolean[];
	stored bigint := 0;
begin
	insert into analytics.lanes as l (tenant_id, project_id, lane, batch_no)
	values (tenant, p_project, p_lane, 1)
	on conflict (tenant_id, project_id, lane) do update set batch_no = l.batch_no + 1
	returning l.batch_no into no;
	at := clock_timestamp();
	fresh := '';
	if cardinality(p_keys) > 0 then
		marks := analytics.mark_seen(p_keys);
		insert into analytics.events (tenant_id, project_id, id, received_at, occurred_at,
			batch_no, lane, flags, type, message_id, name, user_id, anonymous_id, group_id,
			previous_id, original_timestamp, ip, properties, traits, context, integrations)
		select tenant, p_project, e.id, now(), e.occurred, no, p_lane, e.flags::smallint,
			e.type, e.message_id, e.name, e.user_id, e.anonymous_id, e.group_id, e.previous_id,
			e.original, e.ip::inet, e.properties, e.traits, e.context, e.integrations
		from unnest(marks, p_ids, p_types, p_message_ids, p_names, p_user_ids, p_anonymous_ids,
			p_group_ids, p_previous_ids, p_occurred, p_originals, p_flags, p_ips, p_properties,
			p_traits, p_contexts, p_integrations)
			as e (fresh, id, type, message_id, name, user_id, anonymous_id, group_id,
				previous_id, occurred, original, flags, ip, properties, traits, context,
				integrations)
		where e.fresh;
		get diagnostics stored = row_count;
		fresh := (select string_agg(case when m then '1' else '0' end, '' order by ord)
			from unnest(marks) with ordinality as u (m, ord));
	end if;
	perform analytics.keep_books(p_project, p_lane, stored,
		p_duplicates + cardinality(p_keys) - stored, p_over_quota, p_codes, p_counts);
	insert into analytics.batches (tenant_id, project_id, lane, no, at, node, events, first_id,
		last_id)
	values (tenant, p_project, p_lane, no, at, p_node, stored,
		(select i from unnest(p_ids) i order by i limit 1),
		(select i from unnest(p_ids) i order by i desc limit 1));
end $$;

-- ---- views ---------------------------------------------------------------------------

create view analytics.projects_v with (security_invoker = true) as
select p.*, coalesce((select sum(r.events) from analytics.rollups r
	where r.tenant_id = p.tenant_id and r.project_id = p.id and r.grain = 'hour'
		and r.dimension = 'type' and r.at > now() - interval '24 hours'), 0)::bigint as events_24h
from analytics.projects p;
grant select on analytics.projects_v to bulkhead_app;

create view analytics.write_keys_v with (security_invoker = true) as
select k.tenant_id, k.project_id, k.id, k.name, k.prefix, k.created_at, k.created_by,
	k.last_used_at, k.revoked_at
from analytics.write_keys k;
grant select on analytics.write_keys_v to bulkhead_app;
