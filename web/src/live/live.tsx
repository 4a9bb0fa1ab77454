// The live connection. One Socket.IO connection a tenant; every event of the server marks the
// queries it touches as old, and a page can join a room of its own (the live view of a project).
import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import type { Socket } from "socket.io-client";
import { api } from "@/api/client";
import { keys } from "@/api/query";

const firstPauseMs = 2_000;
const longestPauseMs = 60_000;

export type LiveState = "connecting" | "live" | "off";

interface Live {
  state: LiveState;
  socket: Socket | null;
}
const LiveContext = createContext<Live>({ state: "off", socket: null });

/** Which lists a change of a noun touches, below the tenant's key. A noun that is not here touches
 *  its own: berth:occupied the queries under keys.tenant(tenant, "berths"). */
const touched: Record<string, string[]> = {
  project: ["projects", "overview"],
  key: ["keys", "projects"],
  write_key: ["keys", "projects"],
  member: ["members", "overview"],
  invitation: ["invitations"],
  api_key: ["api-keys"],
  tenant: ["tenant"],
  usage: ["overview", "usage"],
};

/** Not changes of a noun: batches for a page that listens itself, and words of the server. */
const streamed = new Set(["event", "session"]);

function invalidate(client: QueryClient, tenant: string, event: string): void {
  const [noun = ""] = event.split(":");
  if (streamed.has(noun)) return;
  const names = touched[noun] ?? [`${noun}s`];
  for (const name of [...names, "activity", "audit"]) {
    void client.invalidateQueries({ queryKey: keys.tenant(tenant, name) });
  }
  if (noun === "member" || noun === "tenant") void client.invalidateQueries({ queryKey: keys.me, exact: true });
}

export function LiveProvider({ tenant, children }: { tenant: string; children: ReactNode }) {
  const client = useQueryClient();
  const [live, setLive] = useState<Live>({ state: "connecting", socket: null });
  useEffect(() => {
    let socket: Socket | null = null;
    let isGone = false;
    let wasLive = false;
    let pauseMs = firstPauseMs;
    const connect = async () => {
      const { io } = await import("socket.io-client");
      if (isGone) return;
      socket = io({ auth: { tenant }, transports: ["websocket", "polling"], reconnectionDelayMax: 10_000 });
      const own = socket;
      const say = (state: LiveState) => setLive({ state, socket: own });
      own.on("connect", () => {
        say("live");
        // What happened while the line was down was missed: look again.
        if (wasLive) void client.invalidateQueries({ queryKey: keys.tenant(tenant) });
        wasLive = true;
        pauseMs = firstPauseMs;
      });
      own.on("disconnect", () => {
        say("connecting");
        if (!own.active) void comeBack(own);
      });
      own.on("connect_error", () => {
        say("connecting");
        if (!own.active) void comeBack(own);
      });
      own.onAny((event: string) => invalidate(client, tenant, event));
    };
    // The server itself has ended the connection: the session is over, or a right was taken away.
    // Asking who we are brings up the sign-in if that is needed; then try once more, unhurried.
    const comeBack = async (own: Socket) => {
      await api<unknown>("/api/v1/me").catch(() => undefined);
      await client.invalidateQueries({ queryKey: keys.me, exact: true });
      window.setTimeout(() => {
        if (!isGone && !own.connected) own.connect();
      }, pauseMs);
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    };
    setLive({ state: "connecting", socket: null });
    void connect();
    return () => {
      isGone = true;
      socket?.disconnect();
    };
  }, [client, tenant]);
  return <LiveContext value={live}>{children}</LiveContext>;
}

export function useLive(): Live {
  return useContext(LiveContext);
}

interface RoomAnswer {
  ok?: boolean;
  code?: string;
  title?: string;
  detail?: string;
}

/** Joins the room of one thing while mounted, and hands over every message of one name. */
export function useRoom<T>(type: string, id: string, event: string, onMessage: (message: T) => void) {
  const { socket, state } = useLive();
  const [refusal, setRefusal] = useState<string | null>(null);
  const [isJoined, setJoined] = useState(false);
  const handler = useRef(onMessage);
  useEffect(() => {
    handler.current = onMessage;
  });
  useEffect(() => {
    if (!socket || state !== "live") return;
    let isGone = false;
    const hear = (message: T) => handler.current(message);
    socket.on(event, hear);
    socket.emit("join:entity", { type, id }, (answer: RoomAnswer | undefined) => {
      if (isGone) return;
      setJoined(answer?.ok === true);
      setRefusal(answer?.ok ? null : (answer?.detail ?? answer?.title ?? answer?.code ?? "refused"));
    });
    return () => {
      isGone = true;
      setJoined(false);
      socket.off(event, hear);
      socket.emit("leave:entity", { type, id });
    };
  }, [socket, state, type, id, event]);
  return useMemo(() => ({ isJoined, refusal }), [isJoined, refusal]);
}
