// The live list. Its one idea: what a person is reading never moves. New events wait in `held`
// while the list is paused, scrolled away from its top, or an event is open; otherwise they come
// in on top. Messages are gathered for a quarter of a second, so a flood costs four draws a second.
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import type { EventBatch, EventShort } from "@/api/types";
import { useRoom } from "@/live/live";
import { useTenant } from "@/session/session";
import { eventsQuery } from "./queries";

const mostShown = 500;
const gatherMs = 250;
const rateWindowMs = 5_000;

interface Stream {
  shown: EventShort[];
  held: EventShort[];
  fresh: ReadonlySet<string>;
}
const nothing: Stream = { shown: [], held: [], fresh: new Set() };

function newestFirst(a: EventShort, b: EventShort): number {
  return a.received_at === b.received_at ? (a.id < b.id ? 1 : -1) : a.received_at < b.received_at ? 1 : -1;
}

function without(events: EventShort[], known: EventShort[]): EventShort[] {
  const ids = new Set(known.map((event) => event.id));
  return events.filter((event) => !ids.has(event.id) && ids.add(event.id));
}

export function useEventStream(project: string, isHolding: boolean) {
  const tenant = useTenant();
  const [stream, setStream] = useState<Stream>(nothing);
  const [rate, setRate] = useState(0);
  const inbox = useRef<EventShort[]>([]);
  const arrivals = useRef<{ at: number; count: number }[]>([]);
  const holding = useRef(isHolding);
  useEffect(() => {
    holding.current = isHolding;
  });

  const room = useRoom<EventBatch>("project", project, "event:received", (batch) => {
    if (batch.project_id !== project) return;
    inbox.current.push(...batch.events);
    arrivals.current.push({ at: performance.now(), count: batch.events.length + (batch.omitted ?? 0) });
  });

  // The last page from the store: at the start, and again after every (re)joining of the room.
  const { data: latest, refetch, isPending, error } = useQuery({
    ...eventsQuery(tenant, project, { limit: 50 }),
    staleTime: 0,
    gcTime: 0,
  });
  useEffect(() => {
    if (room.isJoined) void refetch();
  }, [room.isJoined, refetch]);
  useEffect(() => {
    if (latest) inbox.current.push(...latest.items);
  }, [latest]);

  useEffect(() => {
    const timer = window.setInterval(() => {
      const now = performance.now();
      arrivals.current = arrivals.current.filter(({ at }) => now - at < rateWindowMs);
      const sum = arrivals.current.reduce((total, { count }) => total + count, 0);
      setRate(Math.round((sum * 10_000) / rateWindowMs) / 10);
      if (inbox.current.length === 0) return;
      const arrived = inbox.current.splice(0);
      setStream((before) => take(before, arrived, holding.current));
    }, gatherMs);
    return () => window.clearInterval(timer);
  }, []);

  const release = useCallback(() => {
    setStream(({ shown, held }) => ({
      shown: [...held, ...shown].slice(0, mostShown),
      held: [],
      fresh: new Set(held.map((event) => event.id)),
    }));
  }, []);
  const clear = useCallback(() => setStream(nothing), []);
  return { ...stream, rate, room, isPending, error, refetch, release, clear };
}

function take(before: Stream, arrived: EventShort[], isHolding: boolean): Stream {
  const unknown = without(arrived, [...before.shown, ...before.held]);
  if (unknown.length === 0) return before;
  if (isHolding && before.shown.length > 0) {
    return { ...before, held: [...unknown, ...before.held].sort(newestFirst).slice(0, mostShown) };
  }
  const all = [...unknown, ...before.held, ...before.shown].sort(newestFirst).slice(0, mostShown);
  return { shown: all, held: [], fresh: before.shown.length > 0 ? new Set(unknown.map((event) => event.id)) : new Set() };
}
