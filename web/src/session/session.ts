// Who is signed in, and what they may do in the tenant of the address.
import { queryOptions, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import { api, ApiError, setCsrfToken } from "@/api/client";
import { keys, queryClient } from "@/api/query";
import type { Me, Membership, Permission, Session } from "@/api/types";
import { recall, remember } from "@/patterns/remember";

export const meQuery = queryOptions({
  queryKey: keys.me,
  queryFn: async ({ signal }) => {
    const me = await api<Me>("/api/v1/me", { signal, anonymous: true });
    setCsrfToken(me.csrf_token);
    return me;
  },
  staleTime: 60_000,
});

/** The signed-in person, or null. Faults other than "not signed in" are thrown. */
export async function findMe(): Promise<Me | null> {
  try {
    return await queryClient.ensureQueryData(meQuery);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 401)) throw error;
    remember("signed-in", null);
    return null;
  }
}

/** After sign-in or registration: keep the CSRF token and read /me afresh. */
export async function enter(session: Session): Promise<Me> {
  setCsrfToken(session.csrf_token);
  remember("signed-in", "1");
  queryClient.removeQueries({ queryKey: keys.me });
  return queryClient.fetchQuery(meQuery);
}

/** For pages of people who are not signed in: asks only a browser that has been signed in before. */
export async function findMeIfKnown(): Promise<Me | null> {
  return recall("signed-in") ? findMe() : null;
}

export function useMe(): Me {
  return useSuspenseQuery(meQuery).data;
}

export const TenantContext = createContext<Membership | null>(null);

/** The membership of the tenant in the address. Only inside the shell of a tenant. */
export function useMembership(): Membership {
  const membership = useContext(TenantContext);
  if (!membership) throw new Error("no tenant in the address");
  return membership;
}

export function useTenant(): string {
  return useMembership().tenant.slug;
}

export function useCan(): (permission: Permission) => boolean {
  const membership = useContext(TenantContext);
  return (permission) => membership?.permissions.includes(permission) ?? false;
}

export function rememberTenant(slug: string): void {
  remember("tenant", slug);
}

/** Where a person lands: the tenant they used last, or their first one. */
export function preferredTenant(me: Me): Membership | undefined {
  const last = recall("tenant");
  return me.tenants.find((membership) => membership.tenant.slug === last) ?? me.tenants[0];
}

export function useSignOut() {
  const client = useQueryClient();
  return async () => {
    // The answer clears the browser's storage; light or dark is nobody's secret and stays.
    const theme = recall("theme");
    await api<void>("/api/v1/auth/logout", { method: "POST", anonymous: true }).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.status === 401)) throw error;
    });
    setCsrfToken(null);
    remember("signed-in", null);
    remember("theme", theme);
    client.clear();
    window.location.assign("/login");
  };
}
