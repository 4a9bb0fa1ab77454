-- ingest.sql - the one statement of the hot path.

-- name: ingest_store(project uuid, lane int, node uuid, duplicates int, over_quota int,
--   codes text[], counts int[], keys uuid[], ids uuid[], types text[], message_ids text[],
--   names text[], user_ids text[], anonymous_ids text[], group_ids text[],
--   previous_ids text[], occurred time[], originals text[], flags int[], ips text[],
--   properties json[], traits json[], contexts json[], integrations json[])
--   -> one (no int, at time, fresh text)
-- fresh: one digit an event, 1 stored, 0 seen before.
select no, at, fresh
from analytics.ingest(:project, :lane::smallint, :node, :duplicates, :over_quota, :codes, :counts,
	:keys, :ids, :types, :message_ids, :names, :user_ids, :anonymous_ids, :group_ids,
	:previous_ids, :occurred, :originals, :flags, :ips, :properties, :traits, :contexts,
	:integrations);
