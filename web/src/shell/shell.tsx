// The frame of every signed-in page. It also holds what all pages of a tenant share: permissions,
// formats in the tenant's time zone, the live connection, palette and shortcuts.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState, useSyncExternalStore, type ReactNode } from "react";
import { api, inTenant } from "@/api/client";
import { keys } from "@/api/query";
import type { Membership, Tenant } from "@/api/types";
import { LiveProvider } from "@/live/live";
import { FormatProvider } from "@/patterns/format";
import { recall, remember } from "@/patterns/remember";
import { rememberTenant, TenantContext } from "@/session/session";
import { t } from "@/strings";
import { Sidebar } from "./sidebar";
import { TopBar } from "./topbar";
import { useHotkeys } from "./hotkeys";

const Palette = lazy(() => import("./palette"));
const Drawer = lazy(() => import("./drawer"));
const Shortcuts = lazy(() => import("./shortcuts"));

export const tenantQuery = (tenant: string) => ({
  queryKey: keys.tenant(tenant, "tenant"),
  queryFn: ({ signal }: { signal: AbortSignal }) => api<Tenant>(inTenant(tenant), { signal }),
});

export function Shell({ membership, children }: { membership: Membership; children: ReactNode }) {
  const slug = membership.tenant.slug;
  const { data: tenant } = useQuery(tenantQuery(slug));
  useEffect(() => rememberTenant(slug), [slug]);
  return (
    <TenantContext value={membership}>
      <FormatProvider locale={tenant?.locale} timeZone={tenant?.time_zone}>
        <LiveProvider tenant={slug}>
          <Frame>{children}</Frame>
        </LiveProvider>
      </FormatProvider>
    </TenantContext>
  );
}

function Frame({ children }: { children: ReactNode }) {
  const [isNarrow, setNarrow] = useState(() => recall("sidebar") === "narrow");
  const [opened, setOpened] = useState<"palette" | "shortcuts" | "drawer" | null>(null);
  const navigate = useNavigate();
  useHotkeys(navigate, setOpened);
  const toggle = () => {
    setNarrow(!isNarrow);
    remember("sidebar", isNarrow ? null : "narrow");
  };
  return (
    <div className="flex min-h-dvh">
      <a href="#main" className="skip-link">
        {t.app.skip}
      </a>
      <aside className={`sticky top-0 hidden h-dvh shrink-0 transition-[width] duration-150 md:block ${isNarrow ? "w-16" : "w-64"}`}>
        <Sidebar narrow={isNarrow} onToggle={toggle} />
      </aside>
      <div className="flex min-w-0 flex-1 flex-col">
        <TopBar onMenu={() => setOpened("drawer")} onPalette={() => setOpened("palette")} onShortcuts={() => setOpened("shortcuts")} />
        <OfflineBanner />
        <main id="main" tabIndex={-1} className="mx-auto w-full max-w-[1440px] flex-1 px-4 py-6 outline-none md:px-6 lg:px-8">
          {children}
        </main>
      </div>
      <Suspense>
        {opened === "palette" ? <Palette onClose={() => setOpened(null)} onShortcuts={() => setOpened("shortcuts")} /> : null}
        {opened === "drawer" ? <Drawer onClose={() => setOpened(null)} /> : null}
        {opened === "shortcuts" ? <Shortcuts onClose={() => setOpened(null)} /> : null}
      </Suspense>
    </div>
  );
}

function watchNetwork(listen: () => void): () => void {
  window.addEventListener("online", listen);
  window.addEventListener("offline", listen);
  return () => {
    window.removeEventListener("online", listen);
    window.removeEventListener("offline", listen);
  };
}

export function OfflineBanner() {
  const isOnline = useSyncExternalStore(watchNetwork, () => navigator.onLine);
  if (isOnline) return null;
  return (
    <p role="alert" className="border-b bg-warning-soft px-4 py-2 text-center text-sm text-warning">
      {t.app.offline}
    </p>
  );
}
