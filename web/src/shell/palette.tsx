// Ctrl/Cmd+K: pages, projects and actions, by typing. Loaded when it is first opened.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { Building2, FolderKanban, Keyboard, LogOut, MonitorSmartphone, Plus, SunMoon, UserRound, type LucideIcon } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { useDeferredValue, useState, type ReactNode } from "react";
import { projectsQuery } from "@/features/projects/queries";
import { notifyProblem } from "@/patterns/notify";
import { useCan, useMe, useMembership, useSignOut } from "@/session/session";
import { t } from "@/strings";
import { navigation } from "./nav";
import { setTheme, useTheme } from "./theme";

export default function Palette({ onClose, onShortcuts }: { onClose: () => void; onShortcuts: () => void }) {
  const [text, setText] = useState("");
  const can = useCan();
  const me = useMe();
  const { tenant } = useMembership();
  const navigate = useNavigate();
  const signOut = useSignOut();
  const { shown } = useTheme();
  const query = useDeferredValue(text.trim());
  const projects = useQuery({
    ...projectsQuery(tenant.slug, { q: query || undefined, limit: 8 }),
    enabled: can("project.read"),
    placeholderData: (before) => before,
  });
  const params = { tenant: tenant.slug };
  const run = (go: () => unknown) => () => {
    onClose();
    go();
  };
  return (
    <Radix.Root open onOpenChange={onClose}>
      <Radix.Portal>
        <Radix.Overlay className="fade-in fixed inset-0 z-40 bg-overlay" />
        <Radix.Content
          aria-describedby={undefined}
          className="fade-in fixed top-[12vh] left-1/2 z-50 w-[calc(100vw-1.5rem)] max-w-xl -translate-x-1/2 overflow-hidden rounded-lg border bg-surface shadow-lg"
        >
          <Radix.Title className="sr-only">{t.palette.title}</Radix.Title>
          <Command label={t.palette.title} loop>
            <Command.Input
              value={text}
              onValueChange={setText}
              placeholder={t.palette.placeholder}
              className="h-12 w-full border-b bg-transparent px-4 text-base outline-none placeholder:text-muted"
            />
            <Command.List className="max-h-[50vh] overflow-y-auto p-1.5">
              <Command.Empty className="px-3 py-8 text-center text-sm text-muted">{t.palette.empty}</Command.Empty>
              <Group heading={t.palette.pages}>
                {navigation
                  .flatMap((group) => group.items)
                  .filter((item) => can(item.needs))
                  .map((item) => (
                    <Item key={item.to} icon={item.icon} onSelect={run(() => navigate({ to: item.to, params }))}>
                      {item.label}
                    </Item>
                  ))}
                <Item icon={UserRound} onSelect={run(() => navigate({ to: "/me/profile" }))}>
                  {t.shell.profile}
                </Item>
                <Item icon={MonitorSmartphone} onSelect={run(() => navigate({ to: "/me/sessions" }))}>
                  {t.shell.sessions}
                </Item>
              </Group>
              {projects.data?.items.length ? (
                <Group heading={t.palette.projects}>
                  {projects.data.items.map((project) => (
                    <Item
                      key={project.id}
                      value={`${project.name} ${project.id}`}
                      icon={FolderKanban}
                      onSelect={run(() => navigate({ to: "/$tenant/projects/$project/live", params: { ...params, project: project.id } }))}
                    >
                      {project.name}
                    </Item>
                  ))}
                </Group>
              ) : null}
              <Group heading={t.palette.actions}>
                {can("project.create") ? (
                  <Item icon={Plus} onSelect={run(() => navigate({ to: "/$tenant/projects", params, search: { new: "1" } }))}>
                    {t.projects.create}
                  </Item>
                ) : null}
                {can("invitation.create") ? (
                  <Item icon={Plus} onSelect={run(() => navigate({ to: "/$tenant/team", params, search: { new: "1" } }))}>
                    {t.team.inviteTitle}
                  </Item>
                ) : null}
                {can("api_key.create") ? (
                  <Item icon={Plus} onSelect={run(() => navigate({ to: "/$tenant/api-keys", params, search: { new: "1" } }))}>
                    {t.apiKeys.create}
                  </Item>
                ) : null}
                <Item icon={SunMoon} onSelect={run(() => setTheme(shown === "dark" ? "light" : "dark"))}>
                  {t.palette.toggleTheme}
                </Item>
                <Item icon={Keyboard} onSelect={onShortcuts}>
                  {t.shell.shortcuts}
                </Item>
                <Item icon={LogOut} onSelect={run(() => void signOut().catch(notifyProblem))}>
                  {t.shell.signOut}
                </Item>
              </Group>
              {me.tenants.length > 1 ? (
                <Group heading={t.palette.organisations}>
                  {me.tenants.map(({ tenant: other }) => (
                    <Item key={other.id} value={`${other.name} ${other.slug}`} icon={Building2} onSelect={run(() => navigate({ to: "/$tenant", params: { tenant: other.slug } }))}>
                      {other.name}
                    </Item>
                  ))}
                </Group>
              ) : null}
            </Command.List>
          </Command>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function Group({ heading, children }: { heading: string; children: ReactNode }) {
  return (
    <Command.Group heading={heading} className="mb-1 [&>[cmdk-group-heading]]:px-2.5 [&>[cmdk-group-heading]]:py-1.5 [&>[cmdk-group-heading]]:text-xs [&>[cmdk-group-heading]]:text-muted">
      {children}
    </Command.Group>
  );
}

interface ItemProps {
  icon: LucideIcon;
  value?: string;
  onSelect: () => void;
  children: ReactNode;
}

function Item({ icon: Icon, value, onSelect, children }: ItemProps) {
  return (
    <Command.Item
      value={value}
      onSelect={onSelect}
      className="flex h-9 cursor-pointer items-center gap-2.5 rounded-md px-2.5 text-sm data-[selected=true]:bg-hover"
    >
      <Icon aria-hidden className="size-4 text-muted" strokeWidth={1.75} />
      <span className="truncate">{children}</span>
    </Command.Item>
  );
}
