-- name: realtime_changed(ids uuid[], stamps int[]) -> many (id uuid)
-- Which of these access stamps are no longer true; no row means 0, as core.stamp_of says.
select known.id
from unnest(:ids::uuid[], :stamps::bigint[]) as known (id, stamp)
join core.access_stamps as s on s.id = known.id
where s.stamp <> known.stamp;
