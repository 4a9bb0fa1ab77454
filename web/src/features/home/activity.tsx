// What happened lately, newest first, kept current by the live connection.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { History } from "lucide-react";
import type { Activity } from "@/api/types";
import { Avatar } from "@/patterns/badge";
import { Time } from "@/patterns/format";
import { EmptyState, QueryView } from "@/patterns/states";
import { projectsQuery } from "@/features/projects/queries";
import { useCan, useTenant } from "@/session/session";
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
                  <Subject item={item} />
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

/** What it happened to: by the name in the event, or by the project that the event speaks of. */
function Subject({ item: { type, subject, payload, actor } }: { item: Activity }) {
  const tenant = useTenant();
  const can = useCan();
  const projects = useQuery({ ...projectsQuery(tenant, { limit: 200 }), enabled: can("project.read") });
  const id = typeof payload.project_id === "string" ? payload.project_id : type.startsWith("project:") ? subject : null;
  const project = projects.data?.items.find((candidate) => candidate.id === id);
  const known = ["name", "email", "title"].map((field) => payload[field]).find((value) => typeof value === "string");
  // Who joins is the one who acts: "Grace joined", not "Grace joined Grace".
  const name = type === "member:joined" && known === actor?.name ? undefined : known;
  return (
    <>
      {name && !type.startsWith("project:") ? <span className="font-medium">{String(name)} </span> : null}
      {project ? (
        <>
          {type.startsWith("project:") ? null : `${t.activity.inside} `}
          <Link
            to="/$tenant/projects/$project/live"
            params={{ tenant, project: project.id }}
            className="rounded-sm font-medium hover:text-brand"
          >
            {project.name}
          </Link>
        </>
      ) : type.startsWith("project:") && name ? (
        <span className="font-medium">{String(name)}</span>
      ) : null}
    </>
  );
}
