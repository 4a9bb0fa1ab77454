// The top bar: where one is, search, the live connection, "+ New", and the person's own menu.
import { useNavigate } from "@tanstack/react-router";
import clsx from "clsx";
import { FolderKanban, Keyboard, KeyRound, LogOut, Menu as MenuIcon, MonitorSmartphone, Moon, Plus, Search, Sun, SunMoon, UserRound } from "lucide-react";
import { Avatar } from "@/patterns/badge";
import { Button, IconButton } from "@/patterns/button";
import { Menu, MenuChoice, MenuGroup, MenuItem, MenuLabel, MenuLine } from "@/patterns/menu";
import { notifyProblem } from "@/patterns/notify";
import { useLive } from "@/live/live";
import { useCan, useMe, useMembership, useSignOut } from "@/session/session";
import { t } from "@/strings";
import { Breadcrumbs } from "./breadcrumbs";
import { setTheme, useTheme, type ThemeChoice } from "./theme";

const isMac = navigator.platform.startsWith("Mac");

interface Props {
  onMenu: () => void;
  onPalette: () => void;
  onShortcuts: () => void;
}

export function TopBar({ onMenu, onPalette, onShortcuts }: Props) {
  return (
    <header className="sticky top-0 z-30 flex h-14 items-center gap-1.5 border-b bg-bg px-3 sm:gap-2 md:px-6">
      <IconButton label={t.shell.openMenu} icon={MenuIcon} className="md:hidden" onClick={onMenu} />
      <Breadcrumbs />
      <button
        type="button"
        onClick={onPalette}
        aria-keyshortcuts="Control+K Meta+K"
        className="ml-auto flex h-8 items-center gap-2 rounded-md border bg-subtle px-2 text-sm text-muted hover:border-line-strong hover:text-text lg:w-60"
      >
        <Search aria-hidden className="size-4" strokeWidth={1.75} />
        <span className="flex-1 text-left max-lg:sr-only">{t.shell.search}</span>
        <kbd aria-hidden className="hidden font-sans text-2xs lg:inline">{isMac ? "⌘K" : "Ctrl K"}</kbd>
      </button>
      <LiveDot />
      <CreateMenu />
      <UserMenu onShortcuts={onShortcuts} />
    </header>
  );
}

export function LiveDot() {
  const { state } = useLive();
  const words = {
    live: [t.shell.live, t.shell.liveHint],
    connecting: [t.shell.connecting, t.shell.connectingHint],
    off: [t.shell.disconnected, t.shell.disconnectedHint],
  } as const;
  const [label, hint] = words[state];
  return (
    <span role="status" title={hint} data-live={state} className="flex items-center gap-1.5 px-1 text-xs text-muted">
      <span
        aria-hidden
        className={clsx("size-2 rounded-full", state === "live" ? "bg-chart-5" : state === "connecting" ? "bg-chart-6" : "bg-danger")}
      />
      <span className="max-sm:sr-only">{label}</span>
    </span>
  );
}

function CreateMenu() {
  const can = useCan();
  const navigate = useNavigate();
  const { tenant } = useMembership();
  const params = { tenant: tenant.slug };
  const choices = [
    { needs: "project.create", icon: FolderKanban, label: t.shell.newProject, go: () => navigate({ to: "/$tenant/projects", params, search: { new: "1" } }) },
    { needs: "invitation.create", icon: UserRound, label: t.shell.newInvitation, go: () => navigate({ to: "/$tenant/team", params, search: { new: "1" } }) },
    { needs: "api_key.create", icon: KeyRound, label: t.shell.newApiKey, go: () => navigate({ to: "/$tenant/api-keys", params, search: { new: "1" } }) },
  ].filter((choice) => can(choice.needs));
  if (choices.length === 0) return null;
  return (
    <Menu
      trigger={
        <Button variant="primary" icon={Plus} className="max-sm:w-8 max-sm:px-0" aria-label={t.shell.create}>
          <span className="max-sm:sr-only">{t.shell.create}</span>
        </Button>
      }
    >
      {choices.map((choice) => (
        <MenuItem key={choice.needs} icon={choice.icon} onSelect={() => void choice.go()}>
          {choice.label}
        </MenuItem>
      ))}
    </Menu>
  );
}

function UserMenu({ onShortcuts }: { onShortcuts: () => void }) {
  const { user } = useMe();
  const navigate = useNavigate();
  const signOut = useSignOut();
  const theme = useTheme();
  return (
    <Menu
      trigger={
        <button type="button" className="relative ml-0.5 rounded-full">
          <Avatar name={user.name} className="!size-8 !text-xs" />
          <span className="sr-only">{t.shell.userMenu}</span>
        </button>
      }
    >
      <div className="px-2 py-1.5">
        <p className="max-w-56 truncate text-sm font-medium">{user.name}</p>
        <p className="max-w-56 truncate text-xs text-muted">{user.email}</p>
      </div>
      <MenuLine />
      <MenuItem icon={UserRound} onSelect={() => void navigate({ to: "/me/profile" })}>
        {t.shell.profile}
      </MenuItem>
      <MenuItem icon={MonitorSmartphone} onSelect={() => void navigate({ to: "/me/sessions" })}>
        {t.shell.sessions}
      </MenuItem>
      <MenuItem icon={Keyboard} hint="?" onSelect={onShortcuts}>
        {t.shell.shortcuts}
      </MenuItem>
      <MenuLine />
      <MenuLabel>{t.shell.theme}</MenuLabel>
      <MenuGroup value={theme.choice} onValueChange={(value) => setTheme(value as ThemeChoice)}>
        <MenuChoice value="light" icon={Sun}>
          {t.shell.themeLight}
        </MenuChoice>
        <MenuChoice value="dark" icon={Moon}>
          {t.shell.themeDark}
        </MenuChoice>
        <MenuChoice value="system" icon={SunMoon}>
          {t.shell.themeSystem}
        </MenuChoice>
      </MenuGroup>
      <MenuLine />
      <MenuItem icon={LogOut} onSelect={() => void signOut().catch(notifyProblem)}>
        {t.shell.signOut}
      </MenuItem>
    </Menu>
  );
}
