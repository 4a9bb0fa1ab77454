// The quiet page around sign-in, registration and the like.
import type { ReactNode } from "react";
import { usePageTitle } from "@/patterns/page";
import { OfflineBanner } from "@/shell/shell";
import { Logo } from "@/shell/logo";
import { t } from "@/strings";

interface Props {
  title: string;
  text?: ReactNode;
  children?: ReactNode;
  footer?: ReactNode;
}

export function AuthFrame({ title, text, children, footer }: Props) {
  usePageTitle(title);
  return (
    <div className="flex min-h-dvh flex-col bg-subtle dark:bg-bg">
      <OfflineBanner />
      <main className="mx-auto flex w-full max-w-sm flex-1 flex-col justify-center px-4 py-10">
        <div className="mb-6 flex items-center gap-2.5">
          <Logo className="size-8" />
          <span className="text-lg font-semibold tracking-tight">{t.app.name}</span>
        </div>
        <div className="rounded-lg border bg-surface p-6 shadow-sm">
          <h1 className="text-xl font-semibold tracking-tight break-words">{title}</h1>
          {text ? <p className="mt-1 text-sm text-muted">{text}</p> : null}
          {children ? <div className="mt-5">{children}</div> : null}
        </div>
        {footer ? <div className="mt-4 text-center text-sm text-muted">{footer}</div> : null}
      </main>
    </div>
  );
}

export const linkClass = "rounded-sm font-medium text-brand underline-offset-2 hover:underline";
