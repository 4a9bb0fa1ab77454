// Nothing is lost and nothing is invented: the counts, and that they add up. Beside it, the usage.
import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleX } from "lucide-react";
import { Fragment } from "react";
import { api, inTenant } from "@/api/client";
import { keys } from "@/api/query";
import type { Ledger, ProjectUsage } from "@/api/types";
import { Bars } from "@/patterns/bars";
import { useFormat } from "@/patterns/format";
import { UsageBadge, UsageMeter } from "@/patterns/meter";
import { Card, Section, usePageTitle } from "@/patterns/page";
import { Bone, QueryView } from "@/patterns/states";
import { useProject } from "@/features/projects/project-frame";
import { useMembership } from "@/session/session";
import { t } from "@/strings";

function useProjectQuery<T>(what: string) {
  const { tenant } = useMembership();
  const project = useProject();
  return useQuery({
    queryKey: keys.tenant(tenant.slug, what, project.id),
    queryFn: ({ signal }) => api<T>(inTenant(tenant.slug, `/projects/${project.id}/${what}`), { signal }),
    refetchInterval: 5_000,
  });
}

export function LedgerPage() {
  const project = useProject();
  const { tenant } = useMembership();
  usePageTitle(t.projects.ledger, project.name, tenant.name);
  const ledger = useProjectQuery<Ledger>("ledger");
  const usage = useProjectQuery<ProjectUsage>("usage");
  return (
    <div className="grid items-start gap-x-6 lg:grid-cols-2">
      <Section title={t.ledger.title} text={t.ledger.text}>
        <Card>
          <QueryView query={ledger} loading={<Bone className="m-4 h-48" />}>
            {(data) => <LedgerTable ledger={data} />}
          </QueryView>
        </Card>
      </Section>
      <Section title={t.ledger.usage} text={usage.data ? t.ledger.usageText(usage.data.period) : " "}>
        <Card className="p-4">
          <QueryView query={usage} loading={<Bone className="h-48" />}>
            {(data) => <UsageView usage={data} />}
          </QueryView>
        </Card>
      </Section>
    </div>
  );
}

function LedgerTable({ ledger }: { ledger: Ledger }) {
  const format = useFormat();
  const reasons = Object.entries(ledger.rejected).filter(([, n]) => n > 0);
  const rejected = reasons.reduce((sum, [, n]) => sum + n, 0);
  const off = ledger.received - ledger.accepted - ledger.duplicates - rejected - ledger.over_quota;
  const share = (n: number) => (ledger.received > 0 ? format.percent(n / ledger.received) : "");
  const groups: [string, number, string][] = [
    [t.ledger.accepted, ledger.accepted, "bg-chart-5"],
    [t.ledger.duplicates, ledger.duplicates, "bg-chart-1"],
    [t.ledger.rejected, rejected, "bg-danger-solid"],
    [t.ledger.overQuota, ledger.over_quota, "bg-chart-6"],
  ];
  const Mark = off === 0 ? CircleCheck : CircleX;
  return (
    <>
      <div className="border-b p-4">
        <p className="text-xs font-medium text-muted">{t.ledger.received}</p>
        <p className="text-2xl font-semibold tracking-tight tabular-nums" data-ledger="received">
          {format.number(ledger.received)}
        </p>
        <div aria-hidden className="mt-3 flex h-2 gap-px overflow-hidden rounded-full bg-hover">
          {groups.map(([label, n, colour]) =>
            n > 0 ? <span key={label} className={colour} style={{ flexGrow: n, minWidth: 3 }} /> : null,
          )}
        </div>
      </div>
      <table className="w-full text-sm">
        <thead className="sr-only">
          <tr>
            <th scope="col">{t.common.status}</th>
            <th scope="col">{t.chart.count}</th>
            <th scope="col">{t.ledger.share}</th>
          </tr>
        </thead>
        <tbody>
          {groups.map(([label, n, colour]) => (
            <Fragment key={label}>
              <tr className="border-b">
                <th scope="row" className="h-10 px-4 text-left font-normal">
                  <span aria-hidden className={`mr-2.5 inline-block size-2 rounded-full ${colour}`} />
                  {label}
                </th>
                <td className="px-4 text-right font-medium">{format.number(n)}</td>
                <td className="w-20 px-4 text-right text-muted">{share(n)}</td>
              </tr>
              {label === t.ledger.rejected ? <Reasons reasons={reasons} share={share} /> : null}
            </Fragment>
          ))}
        </tbody>
      </table>
      <p className={`flex items-start gap-2 px-4 py-3 text-xs ${off === 0 ? "text-success" : "text-danger"}`}>
        <Mark aria-hidden className="size-4 shrink-0" strokeWidth={1.75} />
        {off === 0 ? t.ledger.balanced : t.ledger.unbalanced(off)}
      </p>
    </>
  );
}

/** Why events were rejected, right under their sum. */
function Reasons({ reasons, share }: { reasons: [string, number][]; share: (n: number) => string }) {
  const format = useFormat();
  return reasons.map(([code, n]) => (
    <tr key={code} className="border-b text-muted">
      <th scope="row" className="h-9 pr-4 pl-9 text-left font-normal">
        {t.codes[code] ?? code}
      </th>
      <td className="px-4 text-right">{format.number(n)}</td>
      <td className="px-4 text-right">{share(n)}</td>
    </tr>
  ));
}

function UsageView({ usage }: { usage: ProjectUsage }) {
  const format = useFormat();
  // A day is a date, not a moment: shown at noon UTC so that no time zone moves it.
  const bars = everyDay(usage).map(({ day, count }) => {
    const label = format.shortDay(`${day.slice(0, 10)}T12:00:00Z`);
    return { label, value: count, title: t.ledger.dayCount(label, format.number(count)) };
  });
  return (
    <>
      <div className="mb-1 flex items-center gap-3">
        <p className="text-2xl font-semibold tracking-tight tabular-nums" data-usage="used">
          {format.number(usage.used)}
        </p>
        <UsageBadge state={usage.state} />
      </div>
      <div className="text-xs text-muted">
        <UsageMeter usage={usage} />
      </div>
      {bars.length > 0 ? (
        <div className="mt-5">
          <h3 className="mb-2 text-xs font-medium text-muted">{t.ledger.days}</h3>
          <Bars bars={bars} label={t.ledger.days} height={110} />
        </div>
      ) : null}
    </>
  );
}

/** Every day of the period until the last one counted, also those on which nothing came. */
function everyDay({ period, days }: ProjectUsage): ProjectUsage["days"] {
  const counts = new Map(days.map(({ day, count }) => [day.slice(0, 10), count]));
  const last = Math.max(new Date().getUTCDate(), ...[...counts.keys()].map((day) => Number(day.slice(8))));
  return Array.from({ length: last }, (_, i) => {
    const day = `${period}-${String(i + 1).padStart(2, "0")}`;
    return { day, count: counts.get(day) ?? 0 };
  });
}
