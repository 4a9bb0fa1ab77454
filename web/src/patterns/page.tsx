// The frame of a page: its title in the document and on the screen, its words, its actions.
import clsx from "clsx";
import { useEffect, type ReactNode } from "react";
import { t } from "@/strings";

export function usePageTitle(...parts: (string | undefined)[]): void {
  const title = [...parts.filter(Boolean), t.app.name].join(" · ");
  useEffect(() => {
    document.title = title;
  }, [title]);
}

interface HeaderProps {
  title: ReactNode;
  text?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
}

export function PageHeader({ title, text, actions, children }: HeaderProps) {
  return (
    <div className="mb-5">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-3">
        <div className="min-w-0 flex-1 basis-60">
          <h1 className="flex flex-wrap items-center gap-2 text-2xl leading-8 font-semibold tracking-tight break-words">{title}</h1>
          {text ? <p className="mt-0.5 max-w-2xl text-sm text-muted">{text}</p> : null}
        </div>
        {actions ? <div className="flex flex-wrap items-center gap-2">{actions}</div> : null}
      </div>
      {children}
    </div>
  );
}

export function Card({ children, className }: { children: ReactNode; className?: string }) {
  return <div className={clsx("rounded-lg border bg-surface", className)}>{children}</div>;
}

interface SectionProps {
  title: string;
  text?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
}

export function Section({ title, text, actions, children, className }: SectionProps) {
  return (
    <section className={clsx("mb-6", className)}>
      <div className="mb-2 flex flex-wrap items-end gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1">
          <h2 className="text-base font-semibold">{title}</h2>
          {text ? <p className="text-xs text-muted">{text}</p> : null}
        </div>
        {actions}
      </div>
      {children}
    </section>
  );
}
