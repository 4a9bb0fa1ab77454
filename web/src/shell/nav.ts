// The pages of the navigation, and the permission that each needs. The palette uses the same list.
import { Activity, Building2, FolderKanban, KeyRound, ScrollText, Users, type LucideIcon } from "lucide-react";
import type { Permission } from "@/api/types";
import { t } from "@/strings";

export interface NavItem {
  to: "/$tenant" | "/$tenant/projects" | "/$tenant/team" | "/$tenant/audit" | "/$tenant/api-keys" | "/$tenant/settings";
  label: string;
  icon: LucideIcon;
  needs: Permission;
}
export interface NavGroup {
  label: string;
  items: NavItem[];
}

export const navigation: NavGroup[] = [
  {
    label: t.shell.analytics,
    items: [
      { to: "/$tenant", label: t.shell.home, icon: Activity, needs: "tenant.read" },
      { to: "/$tenant/projects", label: t.shell.projects, icon: FolderKanban, needs: "project.read" },
    ],
  },
  {
    label: t.shell.organisation,
    items: [
      { to: "/$tenant/team", label: t.shell.team, icon: Users, needs: "member.read" },
      { to: "/$tenant/audit", label: t.shell.audit, icon: ScrollText, needs: "audit.read" },
      { to: "/$tenant/api-keys", label: t.shell.apiKeys, icon: KeyRound, needs: "api_key.read" },
      { to: "/$tenant/settings", label: t.shell.settings, icon: Building2, needs: "tenant.read" },
    ],
  },
];
