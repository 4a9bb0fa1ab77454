// What happened lately, newest first, kept current by the live connection.
import { useQuery } from "@tanstack/react-query";
import { History } from "lucide-react";
import type { Activity } from "@/api/types";
import { Avatar } from "@/patterns/badge";
import { Time } from "@/patterns/format";
import { EmptyState, QueryView } from "@/patterns/states";
import { useTenant } from "@/session/session";
import { t } from "@/strings";
import { activityQuery } from "./queries";

export function ActivityList() {
  const query = useQuery(activityQuery(useTenant()));
  return (
    <QueryView query={query}>
      {({ items }) =>
        items.length === 0 ? (
          <EmptyState compact icon={History} title={t.home.activity} text={t.home.activityEmpty} />
        ) : (
          <ol>
            {items.map((item) => (
              <li key={item.seq} className="flex min-h-11 items-center gap-3 border-b px-4 py-2 text-sm last:border-0">
                <Avatar name={item.actor?.name ?? t.common.system} />
                <p className="min-w-0 flex-1 break-words">
                  <span className="font-medium">{item.actor?.name ?? t.common.system}</span> {verb(item)}{" "}
                  <span className="font-medium">{objectOf(item)}</span>
                </p>
                <span className="text-xs text-muted">
                  <Time at={item.at} />
                </span>
              </li>
            ))}
          </ol>
        )
      }
    </QueryView>
  );
}

function verb({ type }: Activity): string {
  return t.activity.verb[type] ?? type.replaceAll("_", " ").replace(":", " ");
}

function objectOf({ payload }: Activity): string {
  for (const name of ["name", "email", "title", "slug"]) {
    const value = payload[name];
    if (typeof value === "string") return value;
  }
  return "";
}
