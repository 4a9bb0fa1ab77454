// The three states every view has besides its content: loading, empty (with the next step), fault.
import clsx from "clsx";
import { CircleAlert, Lock, type LucideIcon, SearchX } from "lucide-react";
import type { ReactNode } from "react";
import { t } from "@/strings";
import { Button } from "./button";
import { problemOf, problemText } from "./problem";

interface EmptyProps {
  icon?: LucideIcon;
  title: string;
  text?: ReactNode;
  action?: ReactNode;
  compact?: boolean;
}

export function EmptyState({ icon: Icon = SearchX, title, text, action, compact }: EmptyProps) {
  return (
    <div className={clsx("mx-auto flex max-w-md flex-col items-center px-4 text-center", compact ? "py-8" : "py-14")}>
      <span className="mb-3 grid size-10 place-items-center rounded-lg border bg-subtle text-muted">
        <Icon aria-hidden className="size-5" strokeWidth={1.5} />
      </span>
      <p className="font-semibold">{title}</p>
      {text ? <p className="mt-1 text-sm text-muted">{text}</p> : null}
      {action ? <div className="mt-4 flex flex-wrap justify-center gap-2">{action}</div> : null}
    </div>
  );
}

export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const problem = problemOf(error);
  if (problem.status === 403) return <EmptyState icon={Lock} title={t.errors.forbidden} text={t.errors.forbiddenText} />;
  return (
    <div role="alert" className="mx-auto flex max-w-md flex-col items-center px-4 py-12 text-center">
      <CircleAlert aria-hidden className="mb-3 size-6 text-danger" strokeWidth={1.5} />
      <p className="font-semibold">{t.common.fault}</p>
      {(problem.errors?.length ? problem.errors.map((fault) => fault.message) : [problemText(problem)]).map((text) => (
        <p key={text} className="mt-1 text-sm text-muted">
          {text}
        </p>
      ))}
      {problem.request_id ? (
        <p className="mt-1 font-mono text-2xs break-all text-muted">{t.common.requestId(problem.request_id)}</p>
      ) : null}
      {onRetry ? (
        <Button className="mt-4" onClick={onRetry}>
          {t.common.retry}
        </Button>
      ) : null}
    </div>
  );
}

export function Bone({ className }: { className?: string }) {
  return <span aria-hidden className={clsx("bones block rounded-sm", className ?? "h-4 w-full")} />;
}

export function LoadingRows({ rows = 6 }: { rows?: number }) {
  return (
    <div role="status" aria-label={t.app.loading} className="flex flex-col">
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className="flex h-11 items-center gap-6 border-b px-4 last:border-0">
          <Bone className="h-3.5 w-2/5" />
          <Bone className="h-3.5 w-1/5" />
          <Bone className="ml-auto h-3.5 w-16" />
        </div>
      ))}
    </div>
  );
}

interface ViewProps<T> {
  query: { data: T | undefined; error: unknown; isPending: boolean; refetch: () => unknown };
  loading?: ReactNode;
  children: (data: T) => ReactNode;
}

/** Content if there is any (also old content while a refetch fails), otherwise fault or skeleton. */
export function QueryView<T>({ query, loading, children }: ViewProps<T>) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  return <>{loading ?? <LoadingRows />}</>;
}
