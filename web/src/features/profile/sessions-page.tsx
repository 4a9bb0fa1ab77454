// Every place where the person is signed in, and how to end it.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Bot, Laptop } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import { keys } from "@/api/query";
import type { Device, Page } from "@/api/types";
import { Badge } from "@/patterns/badge";
import { Button } from "@/patterns/button";
import { ConfirmDialog } from "@/patterns/dialog";
import { Time } from "@/patterns/format";
import { notifyDone } from "@/patterns/notify";
import { Card, PageHeader, usePageTitle } from "@/patterns/page";
import { EmptyState, QueryView } from "@/patterns/states";
import { t } from "@/strings";

const devicesQuery = {
  queryKey: keys.devices,
  queryFn: ({ signal }: { signal: AbortSignal }) => api<Page<Device>>("/api/v1/me/sessions", { query: { limit: 200 }, signal }),
};

export function SessionsPage() {
  usePageTitle(t.sessions.title);
  const query = useQuery(devicesQuery);
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: (id: string | null) => api<void>(id ? `/api/v1/me/sessions/${id}` : "/api/v1/me/sessions", { method: "DELETE" }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.devices }),
  });
  const [leaving, setLeaving] = useState<Device | "others" | null>(null);
  const hasOthers = query.data?.items.some((device) => !device.current) ?? false;
  return (
    <>
      <PageHeader
        title={t.sessions.title}
        text={t.sessions.text}
        actions={hasOthers ? <Button onClick={() => setLeaving("others")}>{t.sessions.endOthers}</Button> : null}
      />
      <Card className="max-w-3xl">
        <QueryView query={query}>
          {({ items }) =>
            items.length === 0 ? (
              <EmptyState title={t.sessions.empty} />
            ) : (
              <ul>
                {items
                  .toSorted((a, b) => Number(b.current) - Number(a.current))
                  .map((device) => (
                    <DeviceLine key={device.id} device={device} onEnd={() => setLeaving(device)} />
                  ))}
              </ul>
            )
          }
        </QueryView>
      </Card>
      {leaving ? (
        <ConfirmDialog
          open
          onOpenChange={() => setLeaving(null)}
          title={leaving === "others" ? t.sessions.endOthersTitle : t.sessions.endTitle(leaving.device)}
          text={leaving === "others" ? t.sessions.endOthersText : t.sessions.endText}
          action={leaving === "others" ? t.sessions.endOthers : t.sessions.end}
          onConfirm={async () => {
            await end.mutateAsync(leaving === "others" ? null : leaving.id);
            notifyDone(leaving === "others" ? t.sessions.othersEnded : t.sessions.ended);
          }}
        />
      ) : null}
    </>
  );
}

function DeviceLine({ device, onEnd }: { device: Device; onEnd: () => void }) {
  const Icon = device.mode === "token" ? Bot : Laptop;
  return (
    <li className="flex items-center gap-3 border-b px-4 py-3 text-sm last:border-0">
      <Icon aria-hidden className="size-5 shrink-0 text-muted" strokeWidth={1.5} />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-2 font-medium">
          {device.device}
          {device.current ? <Badge tone="success">{t.sessions.current}</Badge> : null}
          {device.mode === "token" ? <Badge>{t.sessions.token}</Badge> : null}
        </p>
        <p className="text-xs text-muted">
          <span className="font-mono">{device.ip}</span> · {t.sessions.lastSeen} <Time at={device.last_seen_at} /> · {t.sessions.started}{" "}
          <Time at={device.created_at} />
        </p>
      </div>
      {device.current ? null : (
        <Button size="sm" onClick={onEnd}>
          {t.sessions.end}
        </Button>
      )}
    </li>
  );
}
