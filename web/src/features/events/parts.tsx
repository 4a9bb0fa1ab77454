// What live view and explorer share: how one event looks in a row.
import clsx from "clsx";
import { memo } from "react";
import type { EventShort, EventType } from "@/api/types";
import { Badge, type Tone } from "@/patterns/badge";
import { useFormat } from "@/patterns/format";

export const eventTypes: EventType[] = ["track", "identify", "page", "screen", "group", "alias"];

const tones: Record<string, Tone> = { track: "brand", identify: "success", page: "info", screen: "info", group: "warning", alias: "neutral" };

export function TypeBadge({ type }: { type: EventType }) {
  return (
    <Badge tone={tones[type] ?? "neutral"} className="w-16 justify-center">
      {type}
    </Badge>
  );
}

/** The event's name, or what stands for it: a page's path, a group's id. */
export function eventName(event: EventShort): string {
  if (event.name) return event.name;
  for (const key of ["path", "url", "title", "name"]) {
    const value = event.properties[key];
    if (typeof value === "string" && value) return value;
  }
  return event.type;
}

export function personOf(event: EventShort): string {
  return event.user_id ?? event.anonymous_id ?? "";
}

export function summary(properties: Record<string, unknown>): string {
  return Object.entries(properties)
    .slice(0, 6)
    .map(([key, value]) => `${key}: ${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
    .join("  ");
}

interface RowProps {
  event: EventShort;
  selected: boolean;
  isNew?: boolean;
  onToggle: (id: string) => void;
}

/** One line of the list. A button, so that it can be reached and opened by keyboard. Remembered
 *  and drawn only when in sight, because the live list changes four times a second. */
export const EventLine = memo(function EventLine({ event, selected, isNew, onToggle }: RowProps) {
  const format = useFormat();
  return (
    <li className="border-b last:border-0 [contain-intrinsic-size:auto_2.3rem] [content-visibility:auto]">
      <button
        type="button"
        data-event={event.id}
        aria-pressed={selected}
        onClick={() => onToggle(event.id)}
        className={clsx(
          "grid w-full grid-cols-[4rem_minmax(0,1fr)_auto] items-center gap-x-3 px-3 py-2 text-left text-sm -outline-offset-2 hover:bg-hover/60",
          "lg:grid-cols-[4rem_minmax(0,1.1fr)_minmax(0,1fr)_auto] 2xl:grid-cols-[4rem_minmax(0,1fr)_minmax(0,0.8fr)_minmax(0,1.6fr)_auto]",
          selected && "bg-brand-soft hover:bg-brand-soft",
          isNew && "row-new",
        )}
      >
        <TypeBadge type={event.type} />
        <span className="truncate font-medium">{eventName(event)}</span>
        <span className="truncate font-mono text-xs text-muted max-lg:col-start-2 max-lg:row-start-2">{personOf(event)}</span>
        <span className="hidden truncate font-mono text-xs text-muted 2xl:block">{summary(event.properties)}</span>
        <time dateTime={event.received_at} title={format.full(event.received_at)} className="text-xs text-muted tabular-nums max-lg:col-start-3 max-lg:row-start-1">
          {format.stamp(event.received_at)}
        </time>
      </button>
    </li>
  );
});
