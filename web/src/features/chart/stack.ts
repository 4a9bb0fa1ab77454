// Points of a series become rows of a stacked chart: every hour or day has a row, also empty ones,
// and names beyond the most frequent five are added up to one.
import type { Series } from "@/api/types";

export interface StackRow {
  at: string;
  counts: number[];
  total: number;
}
export interface Stack {
  names: string[];
  rows: StackRow[];
  total: number;
}

const mostNames = 5;
/** What the server calls the names that it did not list. */
const restName = "(other)";

export function stack(series: Series, from: string, others: string): Stack {
  const sums = new Map<string, number>();
  for (const { name, count } of series.points) sums.set(name, (sums.get(name) ?? 0) + count);
  const isRest = sums.delete(restName);
  const ranked = [...sums.entries()].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  const names = isRest || ranked.length > mostNames + 1 ? [...ranked.slice(0, mostNames), others] : ranked;
  const place = new Map(names.map((name, i) => [name, i]));
  const rows = new Map<number, StackRow>();
  const rowAt = (time: number): StackRow => {
    const kept = rows.get(time);
    if (kept) return kept;
    const row = { at: new Date(time).toISOString(), counts: names.map(() => 0), total: 0 };
    rows.set(time, row);
    return row;
  };
  for (const { at, name, count } of series.points) {
    const row = rowAt(new Date(at).getTime());
    const i = place.get(name) ?? names.length - 1;
    row.counts[i] = (row.counts[i] ?? 0) + count;
    row.total += count;
  }
  fillGaps(rows, rowAt, series.interval, from);
  return {
    names,
    rows: [...rows.values()].sort((a, b) => (a.at < b.at ? -1 : 1)),
    total: series.points.reduce((sum, { count }) => sum + count, 0),
  };
}

/** Days follow the server's own day boundaries, so steps go out from a point that it sent. */
function fillGaps(rows: Map<number, StackRow>, rowAt: (time: number) => StackRow, interval: "hour" | "day", from: string): void {
  const hour = 3_600_000;
  const step = interval === "hour" ? hour : 24 * hour;
  const [anchor] = [...rows.keys()].sort((a, b) => a - b);
  if (anchor === undefined) return;
  const start = new Date(from).getTime();
  const known = [...rows.keys()];
  const isNear = (time: number) => known.some((other) => Math.abs(other - time) <= hour && interval === "day");
  for (let time = anchor - step; time >= start; time -= step) rowAt(time);
  for (let time = anchor + step; time <= Date.now(); time += step) if (!isNear(time)) rowAt(time);
}
