import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, inTenant, type QueryValue } from "@/api/client";
import { keys } from "@/api/query";
import type { EventFull, EventRow, Page } from "@/api/types";

const path = (tenant: string, project: string, rest: string) => inTenant(tenant, `/projects/${encodeURIComponent(project)}${rest}`);

export const eventsQuery = (tenant: string, project: string, query: Record<string, QueryValue>) =>
  queryOptions({
    queryKey: keys.tenant(tenant, "events", project, query),
    queryFn: ({ signal }) => api<Page<EventRow>>(path(tenant, project, "/events"), { query, signal }),
    placeholderData: keepPreviousData,
  });

export const eventQuery = (tenant: string, project: string, id: string) =>
  queryOptions({
    queryKey: keys.tenant(tenant, "event", project, id),
    queryFn: ({ signal }) => api<EventFull>(path(tenant, project, `/events/${encodeURIComponent(id)}`), { signal }),
  });
