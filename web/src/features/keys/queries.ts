import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, inTenant } from "@/api/client";
import { keys } from "@/api/query";
import type { Page, WithSecret, WriteKey } from "@/api/types";
import { useTenant } from "@/session/session";

const path = (tenant: string, project: string, rest = "") => inTenant(tenant, `/projects/${project}/keys${rest}`);

export const writeKeysQuery = (tenant: string, project: string) =>
  queryOptions({
    queryKey: keys.tenant(tenant, "keys", project),
    queryFn: ({ signal }) => api<Page<WriteKey>>(path(tenant, project), { query: { limit: 200 }, signal }),
  });

export function useCreateKey(project: string) {
  const tenant = useTenant();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => api<WriteKey & WithSecret>(path(tenant, project), { method: "POST", body: { name } }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.tenant(tenant, "keys", project) }),
    // The secret is not to stay in memory longer than the dialog.
    gcTime: 0,
  });
}

export function useRevokeKey(project: string) {
  const tenant = useTenant();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api<void>(path(tenant, project, `/${id}`), { method: "DELETE" }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.tenant(tenant, "keys", project) }),
  });
}
