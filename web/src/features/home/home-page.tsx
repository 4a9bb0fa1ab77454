// The first page of a day: how much arrives, how much of the plan is used, what the team did.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Radio } from "lucide-react";
import type { ReactNode } from "react";
import type { Overview } from "@/api/types";
import { Badge } from "@/patterns/badge";
import { Bars } from "@/patterns/bars";
import { buttonClass } from "@/patterns/button";
import { useFormat } from "@/patterns/format";
import { UsageMeter } from "@/patterns/meter";
import { Card, PageHeader, Section, usePageTitle } from "@/patterns/page";
import { Bone, EmptyState, QueryView } from "@/patterns/states";
import { VerifyNotice } from "@/features/profile/verify-notice";
import { useCan, useMembership } from "@/session/session";
import { t } from "@/strings";
import { ActivityList } from "./activity";
import { overviewQuery } from "./queries";

export function HomePage() {
  const { tenant } = useMembership();
  usePageTitle(t.home.title, tenant.name);
  const overview = useQuery(overviewQuery(tenant.slug));
  return (
    <>
      <PageHeader title={tenant.name} />
      <VerifyNotice />
      <QueryView query={overview} loading={<HomeBones />}>
        {(data) => (
          <>
            {data.projects === 0 ? <FirstStep /> : null}
            <Figures data={data} />
            <LastDay data={data} />
          </>
        )}
      </QueryView>
      <Section title={t.home.activity}>
        <Card>
          <ActivityList />
        </Card>
      </Section>
    </>
  );
}

function HomeBones() {
  return (
    <div role="status" aria-label={t.app.loading} className="mb-6 grid grid-cols-2 gap-3 xl:grid-cols-4">
      {[0, 1, 2, 3].map((i) => (
        <Bone key={i} className="h-28 w-full rounded-lg" />
      ))}
    </div>
  );
}

function FirstStep() {
  const can = useCan();
  const { tenant } = useMembership();
  return (
    <Card className="mb-6">
      <EmptyState
        icon={Radio}
        compact
        title={t.home.startTitle}
        text={t.home.startText}
        action={
          can("project.create") ? (
            <Link to="/$tenant/projects" params={{ tenant: tenant.slug }} search={{ new: "1" }} className={buttonClass("primary")}>
              {t.home.startAction}
            </Link>
          ) : null
        }
      />
    </Card>
  );
}

function Figure({ label, value, note, to }: { label: string; value: string; note?: ReactNode; to?: ReactNode }) {
  return (
    <Card className="relative flex min-h-28 flex-col p-4">
      <h2 className="text-xs font-medium text-muted">{label}</h2>
      <p className="mt-1 text-2xl font-semibold tracking-tight tabular-nums">{value}</p>
      {note ? <div className="mt-auto pt-2 text-xs text-muted">{note}</div> : null}
      {to}
    </Card>
  );
}

function Figures({ data }: { data: Overview }) {
  const format = useFormat();
  const can = useCan();
  const { tenant } = useMembership();
  const params = { tenant: tenant.slug };
  const cover = "absolute inset-0 rounded-lg hover:bg-hover/40";
  return (
    <div className="mb-6 grid grid-cols-2 gap-3 xl:grid-cols-4">
      <Figure label={t.home.eventsToday} value={format.number(data.events_today)} note={t.home.today} />
      <Figure label={t.home.liveRate} value={format.number(data.events_last_minute)} note={t.home.perMinute} />
      <Figure label={t.home.usage} value={format.compact(data.usage.used)} note={<UsageMeter usage={data.usage} />} />
      <div className="grid gap-3 sm:grid-cols-2 max-sm:[&>*]:min-h-0">
        <Figure
          label={t.home.projects}
          value={format.number(data.projects)}
          to={can("project.read") ? <Link to="/$tenant/projects" params={params} aria-label={t.home.projects} className={cover} /> : null}
        />
        <Figure
          label={t.home.members}
          value={format.number(data.members)}
          to={can("member.read") ? <Link to="/$tenant/team" params={params} aria-label={t.home.members} className={cover} /> : null}
        />
      </div>
    </div>
  );
}

function LastDay({ data }: { data: Overview }) {
  const format = useFormat();
  const total = data.series.reduce((sum, point) => sum + point.count, 0);
  const bars = data.series.map(({ at, count }) => ({
    label: format.clock(at),
    value: count,
    title: t.home.hourCount(format.clock(at), format.number(count)),
  }));
  return (
    <Section title={t.home.last24} actions={<Badge>{t.home.hourTotal(format.number(total))}</Badge>}>
      <Card className="p-4">
        {total === 0 ? <p className="py-6 text-center text-sm text-muted">{t.home.last24Empty}</p> : <Bars bars={bars} label={t.home.chartLabel} height={140} />}
      </Card>
    </Section>
  );
}
