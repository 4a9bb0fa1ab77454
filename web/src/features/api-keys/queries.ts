import { keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, inTenant } from "@/api/client";
import { keys } from "@/api/query";
import type { ApiKey, Page, WithSecret } from "@/api/types";
import { useTenant } from "@/session/session";

export const apiKeysQuery = (tenant: string, cursor?: string) =>
  queryOptions({
    queryKey: keys.tenant(tenant, "api-keys", { cursor }),
    queryFn: ({ signal }) => api<Page<ApiKey>>(inTenant(tenant, "/api-keys"), { query: { cursor }, signal }),
    placeholderData: keepPreviousData,
  });

export interface ApiKeyBody {
  name: string;
  scopes: string[];
  project_id?: string;
  expires_at?: string;
  environment: "live" | "test";
}

export function useCreateApiKey() {
  const tenant = useTenant();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: ApiKeyBody) => api<ApiKey & WithSecret>(inTenant(tenant, "/api-keys"), { method: "POST", body }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.tenant(tenant, "api-keys") }),
    gcTime: 0,
  });
}

export function useRevokeApiKey() {
  const tenant = useTenant();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api<void>(inTenant(tenant, `/api-keys/${id}`), { method: "DELETE" }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.tenant(tenant, "api-keys") }),
  });
}
