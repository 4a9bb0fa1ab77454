-- 002_iso.sql - times as the API says them: RFC 3339, UTC, with Z, milliseconds.
--
-- to_jsonb writes the session's zone and microseconds; the API promises one
-- form. Inlined by the planner.

create function core.iso(p_at timestamptz) returns text
language sql stable parallel safe as
$$ select to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;
comment on function core.iso(timestamptz) is 'A time as every answer of the API shows it.';
