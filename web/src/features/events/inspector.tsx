// Everything about one event: beside the list on wide windows, over it on narrow ones.
import { useQuery } from "@tanstack/react-query";
import { MousePointerClick, X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { useSyncExternalStore, type ReactNode } from "react";
import type { EventFull } from "@/api/types";
import { Badge } from "@/patterns/badge";
import { IconButton } from "@/patterns/button";
import { CopyButton } from "@/patterns/copy";
import { useFormat } from "@/patterns/format";
import { JsonView } from "@/patterns/json-view";
import { EmptyState, QueryView } from "@/patterns/states";
import { useTenant } from "@/session/session";
import { t } from "@/strings";
import { eventName, TypeBadge } from "./parts";
import { eventQuery } from "./queries";

const wide = window.matchMedia("(min-width: 1280px)");
const watchWide = (listen: () => void) => {
  wide.addEventListener("change", listen);
  return () => wide.removeEventListener("change", listen);
};

interface Props {
  project: string;
  id: string | undefined;
  onClose: () => void;
}

export function EventInspector({ project, id, onClose }: Props) {
  const isWide = useSyncExternalStore(watchWide, () => wide.matches);
  const body = id ? <InspectorBody key={id} project={project} id={id} /> : null;
  const close = <IconButton label={t.common.close} icon={X} onClick={onClose} className="-mr-1.5" />;
  if (isWide) {
    return (
      <section
        aria-label={t.events.inspector}
        className="sticky top-[4.5rem] flex max-h-[calc(100dvh-6rem)] min-h-80 flex-col overflow-hidden rounded-lg border bg-surface"
      >
        {body ? (
          <>
            <div className="flex items-center justify-between border-b py-1 pr-3 pl-4">
              <h2 className="text-sm font-semibold">{t.events.inspector}</h2>
              {close}
            </div>
            <div className="min-h-0 overflow-y-auto p-4">{body}</div>
          </>
        ) : (
          <EmptyState icon={MousePointerClick} title={t.events.inspector} text={t.events.choose} />
        )}
      </section>
    );
  }
  return (
    <Radix.Root open={Boolean(id)} onOpenChange={onClose}>
      <Radix.Portal>
        <Radix.Overlay className="fade-in fixed inset-0 z-40 bg-overlay" />
        <Radix.Content
          aria-describedby={undefined}
          className="fade-in fixed inset-x-0 bottom-0 z-50 flex max-h-[85dvh] flex-col rounded-t-lg border bg-surface shadow-lg"
        >
          <div className="flex items-center justify-between border-b py-1 pr-3 pl-4">
            <Radix.Title className="text-sm font-semibold">{t.events.inspector}</Radix.Title>
            {close}
          </div>
          <div className="min-h-0 overflow-y-auto p-4">{body}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function InspectorBody({ project, id }: { project: string; id: string }) {
  const query = useQuery(eventQuery(useTenant(), project, id));
  return <QueryView query={query}>{(event) => <EventDetails event={event} />}</QueryView>;
}

function EventDetails({ event }: { event: EventFull }) {
  const format = useFormat();
  return (
    <div className="flex flex-col gap-4 text-sm">
      <div className="flex items-center gap-2">
        <TypeBadge type={event.type} />
        <span className="min-w-0 font-semibold break-words">{eventName(event)}</span>
      </div>
      <dl className="grid grid-cols-[7rem_minmax(0,1fr)] gap-x-3 gap-y-1.5 text-xs">
        <Fact label={t.events.time}>{format.full(event.timestamp)}</Fact>
        <Fact label={t.events.received}>{format.full(event.received_at)}</Fact>
        {event.original_timestamp && event.original_timestamp !== event.timestamp ? (
          <Fact label={t.events.original}>{format.full(event.original_timestamp)}</Fact>
        ) : null}
        {event.user_id ? <Fact label={t.events.userId} mono text={event.user_id} /> : null}
        {event.anonymous_id ? <Fact label={t.events.anonymousId} mono text={event.anonymous_id} /> : null}
        <Fact label={t.events.messageId} mono text={event.message_id} />
        {event.flags.length > 0 ? (
          <Fact label={t.events.flags}>
            <span className="flex flex-wrap gap-1">
              {event.flags.map((flag) => (
                <Badge key={flag} tone="warning">
                  {flag}
                </Badge>
              ))}
            </span>
          </Fact>
        ) : null}
      </dl>
      <Part title={t.events.properties} value={event.properties} />
      {event.traits && Object.keys(event.traits).length > 0 ? <Part title={t.events.traits} value={event.traits} /> : null}
      {event.enrichment ? <Part title={t.events.enrichment} value={event.enrichment} /> : null}
      <Part title={t.events.context} value={event.context} />
      <CopyButton text={JSON.stringify(event, null, 2)} label={t.events.whole} className="self-start" />
    </div>
  );
}

function Fact({ label, text, mono, children }: { label: string; text?: string; mono?: boolean; children?: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{label}</dt>
      <dd className={mono ? "font-mono break-all" : "break-words"}>{text ?? children}</dd>
    </>
  );
}

function Part({ title, value }: { title: string; value: Record<string, unknown> }) {
  if (Object.keys(value).length === 0) return null;
  return (
    <section>
      <h3 className="mb-1 text-xs font-medium text-muted">{title}</h3>
      <JsonView value={value} label={title} />
    </section>
  );
}
