// Every address of the interface. Pages are loaded when they are first visited; the static first
// words (/login, /me, /dev …) are reserved slugs, everything else is /{tenant}/….
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, notFound, redirect } from "@tanstack/react-router";
import { findMe, findMeIfKnown, preferredTenant } from "@/session/session";
import { searchOf } from "@/patterns/filters";
import { t } from "@/strings";
import { AccountFrame, Root, TenantFrame } from "@/shell/frames";
import { Crashed, NotFoundPage } from "@/features/errors/errors";
import { Bone } from "@/patterns/states";
import { ownAddress } from "@/session/next";

const rootRoute = createRootRoute({ component: Root, notFoundComponent: NotFoundPage, errorComponent: Crashed });

async function needSignIn({ location }: { location: { href: string } }) {
  const me = await findMe();
  if (!me) throw redirect({ to: "/login", search: { next: location.href } });
  return { me };
}

const startRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  beforeLoad: async () => {
    const me = await findMe();
    if (!me) throw redirect({ to: "/login" });
    const membership = preferredTenant(me);
    if (!membership) throw redirect({ to: "/me/no-access" });
    throw redirect({ to: "/$tenant", params: { tenant: membership.tenant.slug }, replace: true });
  },
});

const leave = async () => {
  if (await findMeIfKnown()) throw redirect({ to: "/" });
};

const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/login",
  validateSearch: searchOf("next", "email"),
  beforeLoad: async ({ search }: { search: { next?: string } }) => {
    if (!(await findMeIfKnown())) return;
    const next = ownAddress(search.next);
    if (next) throw redirect({ href: next, replace: true });
    throw redirect({ to: "/", replace: true });
  },
  component: lazyRouteComponent(() => import("@/features/auth/login-page"), "LoginPage"),
});
const registerRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/register",
  beforeLoad: leave,
  component: lazyRouteComponent(() => import("@/features/auth/register-page"), "RegisterPage"),
});
const inviteRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/invite/$token",
  beforeLoad: async () => ({ me: await findMeIfKnown() }),
  component: lazyRouteComponent(() => import("@/features/auth/invite-page"), "InvitePage"),
});
const forgotRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/forgot",
  component: lazyRouteComponent(() => import("@/features/auth/forgot-page"), "ForgotPage"),
});
const resetRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/reset/$token",
  component: lazyRouteComponent(() => import("@/features/auth/reset-page"), "ResetPage"),
});
const verifyRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/verify/$token",
  component: lazyRouteComponent(() => import("@/features/auth/verify-page"), "VerifyPage"),
});
const mailRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/dev/mail",
  validateSearch: searchOf("id"),
  component: lazyRouteComponent(() => import("@/features/dev-mail/mail-page"), "MailPage"),
});

const accountRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/me",
  beforeLoad: needSignIn,
  component: AccountFrame,
  staticData: { crumb: t.shell.account },
});
const accountStart = createRoute({
  getParentRoute: () => accountRoute,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/me/profile", replace: true });
  },
});
const noAccessRoute = createRoute({
  getParentRoute: () => accountRoute,
  path: "/no-access",
  beforeLoad: ({ context }) => {
    if (context.me.tenants.length > 0) throw redirect({ to: "/", replace: true });
  },
  component: lazyRouteComponent(() => import("@/features/errors/no-access"), "NoAccessPage"),
});
const profileRoute = createRoute({
  getParentRoute: () => accountRoute,
  path: "/profile",
  staticData: { crumb: t.shell.profile },
  component: lazyRouteComponent(() => import("@/features/profile/profile-page"), "ProfilePage"),
});
const sessionsRoute = createRoute({
  getParentRoute: () => accountRoute,
  path: "/sessions",
  staticData: { crumb: t.shell.sessions },
  component: lazyRouteComponent(() => import("@/features/profile/sessions-page"), "SessionsPage"),
});

const tenantRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$tenant",
  beforeLoad: async ({ params, location }) => {
    const { me } = await needSignIn({ location });
    const membership = me.tenants.find(({ tenant }) => tenant.slug === params.tenant || tenant.id === params.tenant);
    if (!membership) throw notFound();
    if (membership.tenant.slug !== params.tenant) {
      throw redirect({ href: location.href.replace(params.tenant, membership.tenant.slug), replace: true });
    }
    return { membership };
  },
  component: TenantFrame,
  notFoundComponent: NotFoundPage,
});
const homeRoute = createRoute({
  getParentRoute: () => tenantRoute,
  path: "/",
  staticData: { crumb: t.shell.home },
  component: lazyRouteComponent(() => import("@/features/home/home-page"), "HomePage"),
});
const projectsRoute = createRoute({
  getParentRoute: () => tenantRoute,
  path: "/projects",
  staticData: { crumb: t.shell.projects },
});
const projectListRoute = createRoute({
  getParentRoute: () => projectsRoute,
  path: "/",
  validateSearch: searchOf("q", "status", "sort", "cursor", "new"),
  component: lazyRouteComponent(() => import("@/features/projects/projects-page"), "ProjectsPage"),
});
const projectRoute = createRoute({
  getParentRoute: () => projectsRoute,
  path: "/$project",
  staticData: { isProject: true },
  component: lazyRouteComponent(() => import("@/features/projects/project-frame"), "ProjectFrame"),
});
const projectStart = createRoute({
  getParentRoute: () => projectRoute,
  path: "/",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/$tenant/projects/$project/live", params, replace: true });
  },
});
const liveRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "/live",
  validateSearch: searchOf("q", "type"),
  staticData: { crumb: t.projects.live },
  component: lazyRouteComponent(() => import("@/features/events/live-page"), "LivePage"),
});
const explorerRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "/explorer",
  validateSearch: searchOf("type", "name", "user_id", "property", "from", "to", "cursor", "event"),
  staticData: { crumb: t.projects.explorer },
  component: lazyRouteComponent(() => import("@/features/events/explorer-page"), "ExplorerPage"),
});
const chartRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "/chart",
  validateSearch: searchOf("interval", "range", "name", "view"),
  staticData: { crumb: t.projects.chart },
  component: lazyRouteComponent(() => import("@/features/chart/chart-page"), "ChartPage"),
});
const debuggerRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "/debugger",
  validateSearch: searchOf("code", "cursor", "open"),
  staticData: { crumb: t.projects.debugger },
  component: lazyRouteComponent(() => import("@/features/debugger/debugger-page"), "DebuggerPage"),
});
const ledgerRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "/ledger",
  staticData: { crumb: t.projects.ledger },
  component: lazyRouteComponent(() => import("@/features/ledger/ledger-page"), "LedgerPage"),
});
const keysRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "/keys",
  validateSearch: searchOf("new"),
  staticData: { crumb: t.projects.keys },
  component: lazyRouteComponent(() => import("@/features/keys/keys-page"), "KeysPage"),
});
const teamRoute = createRoute({
  getParentRoute: () => tenantRoute,
  path: "/team",
  validateSearch: searchOf("q", "role", "cursor", "status", "new"),
  staticData: { crumb: t.shell.team },
  component: lazyRouteComponent(() => import("@/features/team/team-page"), "TeamPage"),
});
const auditRoute = createRoute({
  getParentRoute: () => tenantRoute,
  path: "/audit",
  validateSearch: searchOf("actor", "noun", "action", "from", "to", "cursor", "open"),
  staticData: { crumb: t.shell.audit },
  component: lazyRouteComponent(() => import("@/features/audit/audit-page"), "AuditPage"),
});
const apiKeysRoute = createRoute({
  getParentRoute: () => tenantRoute,
  path: "/api-keys",
  validateSearch: searchOf("cursor", "new"),
  staticData: { crumb: t.shell.apiKeys },
  component: lazyRouteComponent(() => import("@/features/api-keys/api-keys-page"), "ApiKeysPage"),
});
const settingsRoute = createRoute({
  getParentRoute: () => tenantRoute,
  path: "/settings",
  staticData: { crumb: t.shell.settings },
  component: lazyRouteComponent(() => import("@/features/settings/settings-page"), "SettingsPage"),
});

const routeTree = rootRoute.addChildren([
  startRoute,
  loginRoute,
  registerRoute,
  inviteRoute,
  forgotRoute,
  resetRoute,
  verifyRoute,
  mailRoute,
  accountRoute.addChildren([accountStart, noAccessRoute, profileRoute, sessionsRoute]),
  tenantRoute.addChildren([
    homeRoute,
    projectsRoute.addChildren([
      projectListRoute,
      projectRoute.addChildren([projectStart, liveRoute, explorerRoute, chartRoute, debuggerRoute, ledgerRoute, keysRoute]),
    ]),
    teamRoute,
    auditRoute,
    apiKeysRoute,
    settingsRoute,
  ]),
]);

/** Plain query strings: every value is a string, as the server reads them too. */
export const router = createRouter({
  routeTree,
  defaultPreload: "intent",
  defaultPreloadStaleTime: 0,
  defaultPendingMs: 150,
  defaultPendingComponent: () => <Bone className="h-40 w-full" />,
  defaultErrorComponent: Crashed,
  scrollRestoration: true,
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const entries = Object.entries(search).filter((entry): entry is [string, string] => typeof entry[1] === "string" && entry[1] !== "");
    const text = new URLSearchParams(entries).toString();
    return text ? `?${text}` : "";
  },
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

