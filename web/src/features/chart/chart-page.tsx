// Events per hour or day, by name. The numbers behind the picture are one click away.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { BarChart3 } from "lucide-react";
import { lazy, Suspense, useMemo } from "react";
import { api, inTenant } from "@/api/client";
import { keys } from "@/api/query";
import type { Series } from "@/api/types";
import { Badge } from "@/patterns/badge";
import { Choice } from "@/patterns/choice";
import { ChoiceFilter, useSearchPatch } from "@/patterns/filters";
import { useFormat } from "@/patterns/format";
import { Card, usePageTitle } from "@/patterns/page";
import { Bone, EmptyState, QueryView } from "@/patterns/states";
import { useProject } from "@/features/projects/project-frame";
import { useMembership } from "@/session/session";
import { t } from "@/strings";
import { stack, type Stack } from "./stack";

const Picture = lazy(() => import("./picture"));
const route = getRouteApi("/$tenant/projects/$project/chart");
const hours: Record<string, number> = { "24h": 24, "7d": 168, "30d": 720, "90d": 2160 };

export function ChartPage() {
  const project = useProject();
  const { tenant } = useMembership();
  usePageTitle(t.projects.chart, project.name, tenant.name);
  const search = route.useSearch();
  const patch = useSearchPatch();
  const range = search.range && hours[search.range] ? search.range : "24h";
  // Hours of a month would be more bars than a screen has pixels for.
  const canBeHourly = range === "24h" || range === "7d";
  const wanted = search.interval === "day" || search.interval === "hour" ? search.interval : range === "24h" ? "hour" : "day";
  const interval = canBeHourly ? wanted : "day";
  const query = useQuery({
    queryKey: keys.tenant(tenant.slug, "series", project.id, { interval, range, name: search.name }),
    queryFn: ({ signal }) =>
      api<Series>(inTenant(tenant.slug, `/projects/${project.id}/series`), {
        query: { interval, name: search.name, from: startOf(hours[range] ?? 24) },
        signal,
      }),
    placeholderData: keepPreviousData,
    refetchInterval: 20_000,
  });
  return (
    <Card>
      <div className="flex flex-wrap items-center gap-2 border-b px-3 py-2">
        <Choice
          label={t.chart.range}
          value={range}
          onChange={(value) => patch({ range: value, interval: undefined })}
          options={Object.entries(t.chart.ranges).map(([value, label]) => ({ value, label }))}
        />
        {canBeHourly ? (
          <Choice
            label={t.chart.interval}
            value={interval}
            onChange={(value) => patch({ interval: value })}
            options={[
              { value: "hour", label: t.chart.hour },
              { value: "day", label: t.chart.day },
            ]}
          />
        ) : null}
        <ChoiceFilter
          label={t.chart.name}
          value={search.name}
          onChange={(name) => patch({ name })}
          every={t.chart.everyName}
          options={[...new Set([...(query.data?.names ?? []), ...(search.name ? [search.name] : [])])].map((value) => ({ value, label: value }))}
        />
        <span className="sm:ml-auto">
          <Choice
            label={t.chart.view}
            value={search.view === "table" ? "table" : "chart"}
            onChange={(view) => patch({ view: view === "table" ? view : undefined })}
            options={[
              { value: "chart", label: t.chart.asChart },
              { value: "table", label: t.chart.asTable },
            ]}
          />
        </span>
      </div>
      <QueryView query={query} loading={<Bone className="m-4 h-80" />}>
        {(series) => <SeriesView series={series} isTable={search.view === "table"} from={startOf(hours[range] ?? 24)} />}
      </QueryView>
    </Card>
  );
}

/** Rounded to the hour, so that the same view asks the same question. */
function startOf(back: number): string {
  const hour = 3_600_000;
  return new Date(Math.floor(Date.now() / hour) * hour - (back - 1) * hour).toISOString();
}

function SeriesView({ series, isTable, from }: { series: Series; isTable: boolean; from: string }) {
  const format = useFormat();
  const data = useMemo(() => stack(series, from, t.chart.others), [series, from]);
  if (data.total === 0) return <EmptyState icon={BarChart3} title={t.chart.empty} text={t.chart.emptyText} />;
  const label = series.interval === "hour" ? (at: string) => `${format.shortDay(at)}, ${format.clock(at)}` : format.day;
  return (
    <div className="p-4">
      <div className="mb-3 flex flex-wrap items-center gap-x-4 gap-y-2">
        <p className="text-2xl font-semibold tracking-tight tabular-nums">{format.number(data.total)}</p>
        {series.complete_until ? <Badge tone="info">{t.chart.complete(format.stamp(series.complete_until))}</Badge> : null}
      </div>
      {isTable ? (
        <SeriesTable data={data} label={label} />
      ) : (
        <Suspense fallback={<Bone className="h-80 w-full" />}>
          <Picture data={data} label={label} tick={series.interval === "hour" ? format.clock : format.shortDay} />
        </Suspense>
      )}
    </div>
  );
}

function SeriesTable({ data, label }: { data: Stack; label: (at: string) => string }) {
  const format = useFormat();
  return (
    <div tabIndex={0} role="region" aria-label={t.chart.title} className="max-h-[32rem] overflow-auto rounded-md border">
      <table className="w-full text-sm">
        <thead className="sticky top-0 bg-subtle text-left text-xs text-muted">
          <tr>
            <th scope="col" className="h-8 px-3 font-medium">
              {t.chart.when}
            </th>
            {data.names.map((name) => (
              <th key={name} scope="col" className="h-8 px-3 text-right font-medium whitespace-nowrap">
                {name}
              </th>
            ))}
            <th scope="col" className="h-8 px-3 text-right font-medium">
              {t.chart.total}
            </th>
          </tr>
        </thead>
        <tbody>
          {data.rows.toReversed().map((row) => (
            <tr key={row.at} className="border-t">
              <th scope="row" className="h-8 px-3 text-left font-normal whitespace-nowrap">
                {label(row.at)}
              </th>
              {row.counts.map((count, i) => (
                <td key={data.names[i]} className="px-3 text-right">
                  {format.number(count)}
                </td>
              ))}
              <td className="px-3 text-right font-medium">{format.number(row.total)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
