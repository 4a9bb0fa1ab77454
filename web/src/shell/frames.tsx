// The outermost components: the root of everything, the frame of a tenant, the frame of /me.
import { Outlet, useParams } from "@tanstack/react-router";
import { NotFoundPage } from "@/features/errors/errors";
import { preferredTenant, useMe } from "@/session/session";
import { SessionEnded } from "@/session/session-ended";
import { Shell } from "./shell";
import { Toasts } from "./toasts";

export function Root() {
  return (
    <>
      <Outlet />
      <SessionEnded />
      <Toasts />
    </>
  );
}

export function TenantFrame() {
  const { tenant } = useParams({ from: "/$tenant" });
  const membership = useMe().tenants.find((candidate) => candidate.tenant.slug === tenant);
  // Removed from the organisation while looking at it.
  if (!membership) return <NotFoundPage />;
  return (
    <Shell key={membership.tenant.id} membership={membership}>
      <Outlet />
    </Shell>
  );
}

/** /me belongs to the person; the frame around it is that of the tenant they came from. */
export function AccountFrame() {
  const membership = preferredTenant(useMe());
  if (!membership) return <Outlet />;
  return (
    <Shell membership={membership}>
      <Outlet />
    </Shell>
  );
}
