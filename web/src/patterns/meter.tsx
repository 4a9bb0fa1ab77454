// How much of the plan is used.
import clsx from "clsx";
import type { UsageFigure } from "@/api/types";
import { t } from "@/strings";
import { Badge, type Tone } from "./badge";
import { useFormat } from "./format";

const tones: Record<UsageFigure["state"], Tone> = { ok: "success", warned: "warning", overage: "danger", disabled: "danger" };

export function UsageBadge({ state }: { state: UsageFigure["state"] }) {
  return <Badge tone={tones[state]}>{t.usageState[state] ?? state}</Badge>;
}

export function UsageMeter({ usage }: { usage: UsageFigure }) {
  const format = useFormat();
  if (!usage.limit) return <span>{t.home.usageUnlimited}</span>;
  const share = Math.min(1, usage.used / usage.limit);
  return (
    <div>
      <div
        role="meter"
        aria-label={t.home.usage}
        aria-valuemin={0}
        aria-valuemax={usage.limit}
        aria-valuenow={Math.min(usage.used, usage.limit)}
        className="mb-1.5 h-1.5 overflow-hidden rounded-full bg-hover"
      >
        <div
          className={clsx("h-full rounded-full", usage.state === "ok" ? "bg-brand-solid" : usage.state === "warned" ? "bg-chart-6" : "bg-danger-solid")}
          style={{ width: `${Math.max(share * 100, usage.used > 0 ? 1 : 0)}%` }}
        />
      </div>
      <span className="flex flex-wrap items-center justify-between gap-2">
        {t.home.usageOf(format.compact(usage.limit))}
        {usage.state === "ok" ? <span>{format.percent(share)}</span> : <UsageBadge state={usage.state} />}
      </span>
    </div>
  );
}
