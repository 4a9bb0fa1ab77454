// The navigation: a rail of 256 or 64 px on wide windows, a drawer on narrow ones.
import { Link } from "@tanstack/react-router";
import clsx from "clsx";
import { Check, ChevronsUpDown, PanelLeftClose, PanelLeftOpen } from "lucide-react";
import { useNavigate } from "@tanstack/react-router";
import { Menu, MenuItem, MenuLabel } from "@/patterns/menu";
import { useCan, useMe, useMembership } from "@/session/session";
import { t } from "@/strings";
import { Logo } from "./logo";
import { navigation } from "./nav";

interface Props {
  narrow: boolean;
  onToggle?: () => void;
  onFollow?: () => void;
}

export function Sidebar({ narrow, onToggle, onFollow }: Props) {
  const can = useCan();
  const { tenant } = useMembership();
  const groups = navigation
    .map((group) => ({ ...group, items: group.items.filter((item) => can(item.needs)) }))
    .filter((group) => group.items.length > 0);
  const Toggle = narrow ? PanelLeftOpen : PanelLeftClose;
  return (
    <div className="on-navy flex h-full flex-col bg-navy text-navy-text">
      <TenantSwitcher narrow={narrow} />
      <nav aria-label={t.shell.navigation} className="flex-1 overflow-y-auto px-2 py-2">
        {groups.map((group) => (
          <div key={group.label} className="mb-4">
            <p className={clsx("mb-1 px-3 text-2xs font-medium text-navy-muted", narrow && "sr-only")}>{group.label}</p>
            <ul className="flex flex-col gap-0.5">
              {group.items.map(({ to, label, icon: Icon }) => (
                <li key={to}>
                  <Link
                    to={to}
                    params={{ tenant: tenant.slug }}
                    activeOptions={{ exact: to === "/$tenant", includeSearch: false }}
                    onClick={onFollow}
                    title={narrow ? label : undefined}
                    className={clsx(
                      "relative flex h-8 items-center gap-3 rounded-md text-sm transition-colors hover:bg-navy-hover hover:text-white",
                      narrow ? "justify-center px-0" : "px-3",
                    )}
                    activeProps={{
                      className:
                        "bg-navy-hover font-medium text-white before:absolute before:inset-y-1.5 before:left-0 before:w-0.5 before:rounded-full before:bg-[#8ea6ff]",
                    }}
                  >
                    <Icon aria-hidden className="size-4 shrink-0" strokeWidth={1.75} />
                    <span className={narrow ? "sr-only" : "truncate"}>{label}</span>
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
      {onToggle ? (
        <div className={clsx("border-t border-navy-line p-2", narrow && "flex justify-center")}>
          <button
            type="button"
            onClick={onToggle}
            aria-label={narrow ? t.shell.expand : t.shell.collapse}
            title={narrow ? t.shell.expand : t.shell.collapse}
            className="grid size-8 place-items-center rounded-md text-navy-muted hover:bg-navy-hover hover:text-white"
          >
            <Toggle aria-hidden className="size-4" strokeWidth={1.75} />
          </button>
        </div>
      ) : null}
    </div>
  );
}

function TenantSwitcher({ narrow }: { narrow: boolean }) {
  const me = useMe();
  const { tenant, role } = useMembership();
  const navigate = useNavigate();
  const face = (
    <>
      <Logo className="size-7 shrink-0" />
      <span className={narrow ? "sr-only" : "min-w-0 flex-1 text-left"}>
        <span className="block truncate text-sm font-semibold text-white">{tenant.name}</span>
        <span className="block truncate text-2xs text-navy-muted">{t.roles[role] ?? role}</span>
      </span>
    </>
  );
  const frame = clsx("flex h-14 items-center gap-3 border-b border-navy-line", narrow ? "justify-center px-2" : "px-3");
  if (me.tenants.length < 2) return <div className={frame}>{face}</div>;
  return (
    <div className={frame}>
      <Menu
        align="start"
        trigger={
          <button
            type="button"
            aria-label={`${t.shell.switchTenant}: ${tenant.name}`}
            className={clsx("flex min-w-0 items-center gap-3 rounded-md py-1 hover:bg-navy-hover", narrow ? "p-1" : "-mx-1.5 flex-1 px-1.5")}
          >
            {face}
            {narrow ? null : <ChevronsUpDown aria-hidden className="size-4 shrink-0 text-navy-muted" />}
          </button>
        }
      >
        <MenuLabel>{t.shell.switchTenant}</MenuLabel>
        {me.tenants.map(({ tenant: other }) => (
          <MenuItem
            key={other.id}
            icon={other.id === tenant.id ? Check : undefined}
            onSelect={() => void navigate({ to: "/$tenant", params: { tenant: other.slug } })}
          >
            {other.name}
          </MenuItem>
        ))}
      </Menu>
    </div>
  );
}
