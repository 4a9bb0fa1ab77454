// Events as they arrive.
import { getRouteApi, Link } from "@tanstack/react-router";
import { ArrowUp, Eraser, Pause, Play, Radio } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { EventShort } from "@/api/types";
import { Badge } from "@/patterns/badge";
import { Button, buttonClass } from "@/patterns/button";
import { ChoiceFilter, TextFilter, useSearchPatch } from "@/patterns/filters";
import { Card, usePageTitle } from "@/patterns/page";
import { EmptyState, ErrorState, LoadingRows } from "@/patterns/states";
import { useProject } from "@/features/projects/project-frame";
import { useCan, useMembership } from "@/session/session";
import { isTyping } from "@/shell/hotkeys";
import { t } from "@/strings";
import { EventInspector } from "./inspector";
import { EventLine, eventName, eventTypes } from "./parts";
import { useEventStream } from "./stream";

const route = getRouteApi("/$tenant/projects/$project/live");

export function LivePage() {
  const project = useProject();
  const { tenant } = useMembership();
  usePageTitle(t.projects.live, project.name, tenant.name);
  const { q, type } = route.useSearch();
  const patch = useSearchPatch();
  const [isPaused, setPaused] = useState(false);
  const [isAway, setAway] = useState(false);
  const [openId, setOpenId] = useState<string>();
  const stream = useEventStream(project.id, isPaused || isAway || openId !== undefined);
  const top = useRef<HTMLDivElement>(null);

  // Scrolled away from the top of the list: hold new events back.
  useEffect(() => {
    if (!top.current) return;
    const watcher = new IntersectionObserver(([entry]) => setAway(!entry?.isIntersecting), { rootMargin: "-56px 0px 0px 0px" });
    watcher.observe(top.current);
    return () => watcher.disconnect();
  }, []);

  const shown = useMemo(() => stream.shown.filter((event) => matches(event, q, type)), [stream.shown, q, type]);
  const held = useMemo(() => stream.held.filter((event) => matches(event, q, type)).length, [stream.held, q, type]);
  const toggle = useCallback(() => {
    if (isPaused) stream.release();
    setPaused(!isPaused);
  }, [isPaused, stream]);
  const toggleOpen = useCallback((id: string) => setOpenId((before) => (before === id ? undefined : id)), []);
  useListKeys(shown, openId, setOpenId, toggle);

  const showNew = () => {
    stream.release();
    top.current?.scrollIntoView({ block: "center" });
  };
  return (
    <div className="grid gap-4 xl:grid-cols-[minmax(0,1fr)_24rem] 2xl:grid-cols-[minmax(0,1fr)_28rem]">
      <div className="min-w-0">
        <div ref={top} className="h-px" />
        <Card>
          <div className="flex flex-wrap items-center gap-2 border-b px-3 py-2">
            <TextFilter icon label={t.events.filter} placeholder={t.events.filterHint} value={q} onChange={(value) => patch({ q: value }, { replace: true })} className="w-full sm:w-48" />
            <ChoiceFilter
              label={t.events.type}
              value={type}
              onChange={(value) => patch({ type: value }, { replace: true })}
              every={t.events.everyType}
              options={eventTypes.map((value) => ({ value, label: value }))}
            />
            <span className="ml-auto flex items-center gap-2">
              {isPaused ? <Badge tone="warning">{t.events.paused}</Badge> : <Badge tone="success">{t.events.rate(stream.rate)}</Badge>}
              <Button size="sm" icon={isPaused ? Play : Pause} onClick={toggle} aria-keyshortcuts="Space">
                {isPaused ? t.events.resume : t.events.pause}
              </Button>
              <Button size="sm" variant="ghost" icon={Eraser} onClick={stream.clear} aria-label={t.events.clear} title={t.events.clear} />
            </span>
          </div>
          {stream.room.refusal ? <p className="border-b bg-warning-soft px-4 py-2 text-sm text-warning">{t.events.joinRefused}</p> : null}
          {held > 0 ? (
            <div className="sticky top-16 z-10 flex h-0 justify-center">
              <Button variant="primary" size="sm" icon={ArrowUp} onClick={showNew} className="translate-y-2 shadow-md">
                {t.events.showNew(held)}
              </Button>
            </div>
          ) : null}
          <LiveList shown={shown} stream={stream} isFiltered={Boolean(q ?? type)} openId={openId} onToggle={toggleOpen} />
          {stream.shown.length > 0 ? (
            <p role="status" className="border-t px-3 py-2 text-xs text-muted">
              {t.events.shown(shown.length, stream.shown.length)}
            </p>
          ) : null}
        </Card>
      </div>
      <EventInspector project={project.id} id={openId} onClose={() => setOpenId(undefined)} />
    </div>
  );
}

interface ListProps {
  shown: EventShort[];
  stream: ReturnType<typeof useEventStream>;
  isFiltered: boolean;
  openId: string | undefined;
  onToggle: (id: string) => void;
}

function LiveList({ shown, stream, isFiltered, openId, onToggle }: ListProps) {
  const can = useCan();
  const project = useProject();
  const { tenant } = useMembership();
  if (stream.shown.length === 0 && stream.error) return <ErrorState error={stream.error} onRetry={() => void stream.refetch()} />;
  if (stream.shown.length === 0 && stream.isPending) return <LoadingRows />;
  if (stream.shown.length === 0) {
    return (
      <EmptyState
        icon={Radio}
        title={t.events.listening}
        text={t.events.listeningText}
        action={
          can("write_key.read") ? (
            <Link to="/$tenant/projects/$project/keys" params={{ tenant: tenant.slug, project: project.id }} className={buttonClass()}>
              {t.events.getKey}
            </Link>
          ) : null
        }
      />
    );
  }
  if (shown.length === 0 && isFiltered) return <EmptyState title={t.events.noneShown} text={t.events.noneShownText} />;
  return (
    <ul aria-label={t.events.listLive} className="[overflow-anchor:auto]">
      {shown.map((event) => (
        <EventLine
          key={event.id}
          event={event}
          selected={event.id === openId}
          isNew={stream.fresh.has(event.id)}
          onToggle={onToggle}
        />
      ))}
    </ul>
  );
}

function matches(event: EventShort, q: string | undefined, type: string | undefined): boolean {
  if (type && event.type !== type) return false;
  if (!q) return true;
  const text = `${eventName(event)} ${event.user_id ?? ""} ${event.anonymous_id ?? ""} ${JSON.stringify(event.properties)}`;
  return text.toLowerCase().includes(q.toLowerCase());
}

/** j and k walk through the list, Space pauses, Escape closes the inspector. */
function useListKeys(shown: EventShort[], openId: string | undefined, open: (id: string | undefined) => void, toggle: () => void) {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key === "Escape") return open(undefined);
      if (event.key === " " && event.target === document.body) {
        event.preventDefault();
        return toggle();
      }
      if (event.key !== "j" && event.key !== "k") return;
      const at = shown.findIndex((candidate) => candidate.id === openId);
      const next = shown[event.key === "j" ? at + 1 : Math.max(0, at - 1)];
      if (!next) return;
      open(next.id);
      document.querySelector<HTMLElement>(`[data-event="${CSS.escape(next.id)}"]`)?.focus();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [shown, openId, open, toggle]);
}
