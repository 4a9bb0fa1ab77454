// Filters over a list. Their values live in the URL, so a filtered view can be sent to a colleague.
import { useNavigate } from "@tanstack/react-router";
import clsx from "clsx";
import { Search, X } from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { t } from "@/strings";
import { Button } from "./button";
import { controlClass } from "./field";

export type SearchState = Record<string, string | undefined>;

/** Which names a list reads from the URL; everything else is dropped. */
export function searchOf<K extends string>(...names: K[]) {
  return (raw: Record<string, unknown>): { [P in K]?: string } => {
    const out: { [P in K]?: string } = {};
    for (const name of names) {
      const value = raw[name];
      if (typeof value === "string" && value !== "") out[name] = value;
    }
    return out;
  };
}

/** Changes part of the URL's state. A changed filter starts again at the first page. */
export function useSearchPatch() {
  const navigate = useNavigate();
  return useCallback(
    (patch: SearchState, options?: { replace?: boolean }) => {
      void navigate({
        to: ".",
        replace: options?.replace,
        resetScroll: false,
        search: ((before: SearchState) => {
          const next: SearchState = { ...before, ...("cursor" in patch ? {} : { cursor: undefined }), ...patch };
          return Object.fromEntries(Object.entries(next).filter(([, value]) => value));
        }) as never,
      });
    },
    [navigate],
  );
}

interface TextProps {
  label: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
  placeholder?: string;
  className?: string;
  icon?: boolean;
  /** Says why the text cannot be used yet; then it is not applied. */
  check?: (value: string) => string | undefined;
}

export function TextFilter({ label, value, onChange, placeholder, className, icon, check }: TextProps) {
  const [text, setText] = useState(value ?? "");
  const sent = useRef(value ?? "");
  useEffect(() => {
    if ((value ?? "") === sent.current) return;
    sent.current = value ?? "";
    setText(value ?? "");
  }, [value]);
  const fault = text ? check?.(text) : undefined;
  useEffect(() => {
    if (text === sent.current || fault) return;
    const timer = window.setTimeout(() => {
      sent.current = text;
      onChange(text || undefined);
    }, 250);
    return () => window.clearTimeout(timer);
  }, [text, fault, onChange]);
  return (
    <span className={clsx("relative", className ?? "w-full sm:w-56")}>
      {icon ? <Search aria-hidden className="pointer-events-none absolute top-2 left-2 size-4 text-muted" strokeWidth={1.75} /> : null}
      <input
        type="search"
        aria-label={label}
        aria-invalid={fault ? true : undefined}
        title={fault}
        placeholder={placeholder ?? label}
        value={text}
        onChange={(event) => setText(event.target.value)}
        className={controlClass(fault !== undefined, clsx("h-8", icon ? "pl-8 pr-2" : "px-2"))}
      />
    </span>
  );
}

interface ChoiceProps {
  label: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
  every: string;
  options: { value: string; label: string }[];
}

export function ChoiceFilter({ label, value, onChange, every, options }: ChoiceProps) {
  return (
    <select
      aria-label={label}
      value={value ?? ""}
      onChange={(event) => onChange(event.target.value || undefined)}
      className={controlClass(false, "h-8 !w-auto max-w-44 pl-2")}
    >
      <option value="">{every}</option>
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}

interface TimeProps {
  label: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}

export function TimeFilter({ label, value, onChange }: TimeProps) {
  return (
    <label className="flex items-center gap-1.5 text-xs text-muted">
      {label}
      <input
        type="datetime-local"
        value={value ? localValue(value) : ""}
        onChange={(event) => onChange(event.target.value ? new Date(event.target.value).toISOString() : undefined)}
        className={controlClass(false, "h-8 !w-auto max-w-48 px-2")}
      />
    </label>
  );
}

function localValue(at: string): string {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return "";
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function ClearFilters({ active, onClear }: { active: boolean; onClear: () => void }) {
  if (!active) return null;
  return (
    <Button size="sm" variant="ghost" icon={X} onClick={onClear}>
      {t.common.clear}
    </Button>
  );
}
