import { keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, inTenant, type QueryValue } from "@/api/client";
import { keys } from "@/api/query";
import type { Invitation, Member, Page, Role, Roles } from "@/api/types";
import { useTenant } from "@/session/session";

type Query = Record<string, QueryValue>;

export const membersQuery = (tenant: string, query: Query) =>
  queryOptions({
    queryKey: keys.tenant(tenant, "members", query),
    queryFn: ({ signal }) => api<Page<Member>>(inTenant(tenant, "/members"), { query, signal }),
    placeholderData: keepPreviousData,
  });

export const invitationsQuery = (tenant: string, query: Query) =>
  queryOptions({
    queryKey: keys.tenant(tenant, "invitations", query),
    queryFn: ({ signal }) => api<Page<Invitation>>(inTenant(tenant, "/invitations"), { query, signal }),
    placeholderData: keepPreviousData,
  });

export const rolesQuery = (tenant: string) =>
  queryOptions({
    queryKey: keys.tenant(tenant, "roles"),
    queryFn: ({ signal }) => api<Roles>(inTenant(tenant, "/roles"), { signal }),
    staleTime: 300_000,
  });

/** A change of the team: everything that lists people looks again afterwards. */
function useTeamChange<V, R>(change: (tenant: string, values: V) => Promise<R>, what: "members" | "invitations") {
  const tenant = useTenant();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (values: V) => change(tenant, values),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.tenant(tenant, what) }),
  });
}

export const useChangeRole = () =>
  useTeamChange(
    (tenant, { id, role }: { id: string; role: Role }) => api<Member>(inTenant(tenant, `/members/${id}`), { method: "PATCH", body: { role } }),
    "members",
  );

export const useRemoveMember = () =>
  useTeamChange((tenant, id: string) => api<void>(inTenant(tenant, `/members/${id}`), { method: "DELETE" }), "members");

export const useInvite = () =>
  useTeamChange(
    (tenant, body: { email: string; role: Role }) => api<Invitation>(inTenant(tenant, "/invitations"), { method: "POST", body }),
    "invitations",
  );

export const useResend = () =>
  useTeamChange((tenant, id: string) => api<Invitation>(inTenant(tenant, `/invitations/${id}/resend`), { method: "POST" }), "invitations");

export const useRevokeInvitation = () =>
  useTeamChange((tenant, id: string) => api<void>(inTenant(tenant, `/invitations/${id}`), { method: "DELETE" }), "invitations");
