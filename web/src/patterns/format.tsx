// Numbers and times as the person's locale and the tenant's time zone want them.
import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { t } from "@/strings";

interface Place {
  locale: string | undefined;
  timeZone: string | undefined;
}
type Formats = ReturnType<typeof formatsOf>;
const FormatContext = createContext<Formats | null>(null);

export function FormatProvider({ locale, timeZone, children }: Partial<Place> & { children: ReactNode }) {
  const value = useMemo(() => formatsOf({ locale: usable(locale), timeZone: usableZone(timeZone) }), [locale, timeZone]);
  return <FormatContext value={value}>{children}</FormatContext>;
}

/** The tenant's locale; where it names only a language, the person's own variant of it. */
function usable(locale: string | undefined): string | undefined {
  try {
    const [wanted] = locale ? Intl.getCanonicalLocales(locale) : [];
    return wanted && !wanted.includes("-") ? (navigator.languages.find((own) => own.startsWith(`${wanted}-`)) ?? wanted) : wanted;
  } catch {
    return undefined;
  }
}
function usableZone(timeZone: string | undefined): string | undefined {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
    return timeZone;
  } catch {
    return undefined;
  }
}

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** Made once a tenant and shared by everything on the page: each Intl object costs a fifth of a
 *  millisecond, and the live list has five hundred rows. */
function formatsOf({ locale, timeZone }: Place) {
  const date = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { timeZone, ...options });
  const full = date({ dateStyle: "medium", timeStyle: "long" });
  const day = date({ dateStyle: "medium" });
  const shortDay = date({ month: "short", day: "numeric" });
  const clock = date({ hour: "2-digit", minute: "2-digit" });
  const seconds = date({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const stamp = date({ month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
  const number = new Intl.NumberFormat(locale);
  const compact = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
  const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
  const of = (format: Intl.DateTimeFormat) => (at: string) => {
    const time = new Date(at);
    return Number.isNaN(time.getTime()) ? at : format.format(time);
  };
  return {
    timeZone,
    full: of(full),
    day: of(day),
    shortDay: of(shortDay),
    clock: of(clock),
    seconds: of(seconds),
    stamp: of(stamp),
    number: (n: number) => number.format(n),
    compact: (n: number) => (n < 100_000 ? number.format(n) : compact.format(n)),
    percent: (n: number) => percent.format(n),
    relative: (at: string, now: number) => {
      const seconds = (new Date(at).getTime() - now) / 1000;
      const unit = units.find(([, size]) => Math.abs(seconds) >= size);
      return unit ? relative.format(Math.round(seconds / unit[1]), unit[0]) : relative.format(Math.min(0, Math.round(seconds)), "second");
    },
  };
}

let plain: Formats | undefined;

export function useFormat(): Formats {
  const shared = useContext(FormatContext);
  return shared ?? (plain ??= formatsOf({ locale: undefined, timeZone: undefined }));
}

const watchers = new Set<(now: number) => void>();
let ticker: number | undefined;

/** One clock for all relative times of the page. */
function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    watchers.add(setNow);
    ticker ??= window.setInterval(() => watchers.forEach((watch) => watch(Date.now())), 20_000);
    return () => {
      watchers.delete(setNow);
      if (watchers.size === 0) {
        window.clearInterval(ticker);
        ticker = undefined;
      }
    };
  }, []);
  return now;
}

/** "5 min. ago", the exact time on hover. */
export function Time({ at }: { at: string | null | undefined }) {
  const format = useFormat();
  const now = useNow();
  if (!at) return <span className="text-muted">{t.common.never}</span>;
  return (
    <time dateTime={at} title={format.full(at)} className="whitespace-nowrap">
      {format.relative(at, Math.max(now, Date.now() - 20_000))}
    </time>
  );
}
