import { queryOptions } from "@tanstack/react-query";
import { api, inTenant } from "@/api/client";
import { keys } from "@/api/query";
import type { Activity, Overview, Page } from "@/api/types";

export const overviewQuery = (tenant: string) =>
  queryOptions({
    queryKey: keys.tenant(tenant, "overview"),
    queryFn: ({ signal }) => api<Overview>(inTenant(tenant, "/overview"), { signal }),
    // The live rate moves by itself; a look every five seconds is far below the rate limit.
    refetchInterval: 5_000,
  });

export const activityQuery = (tenant: string) =>
  queryOptions({
    queryKey: keys.tenant(tenant, "activity"),
    queryFn: ({ signal }) => api<Page<Activity>>(inTenant(tenant, "/activity"), { query: { limit: 15 }, signal }),
  });
