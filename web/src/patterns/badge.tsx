// A small word with a colour: status, role, type.
import clsx from "clsx";
import type { ReactNode } from "react";

export type Tone = "neutral" | "brand" | "success" | "warning" | "danger" | "info";

const tones: Record<Tone, string> = {
  neutral: "bg-hover text-muted",
  brand: "bg-brand-soft text-brand",
  success: "bg-success-soft text-success",
  warning: "bg-warning-soft text-warning",
  danger: "bg-danger-soft text-danger",
  info: "bg-info-soft text-info",
};

export function Badge({ tone = "neutral", children, className }: { tone?: Tone; children: ReactNode; className?: string }) {
  return (
    <span className={clsx("inline-flex h-5 items-center rounded-sm px-1.5 text-2xs font-medium whitespace-nowrap", tones[tone], className)}>
      {children}
    </span>
  );
}

export function Avatar({ name, className }: { name: string; className?: string }) {
  const letters = name
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => word[0] ?? "");
  const initials = `${letters[0] ?? "?"}${letters.length > 1 ? (letters.at(-1) ?? "") : ""}`.toUpperCase();
  return (
    <span
      aria-hidden
      className={clsx("grid size-6 shrink-0 place-items-center rounded-full bg-brand-soft text-2xs font-semibold text-brand", className)}
    >
      {initials}
    </span>
  );
}
