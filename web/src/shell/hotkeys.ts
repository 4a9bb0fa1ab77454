// Keyboard shortcuts of the shell: Ctrl/Cmd+K anywhere, "?" and "g" + letter outside of fields.
import type { UseNavigateResult } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useCan, useTenant } from "@/session/session";
import { navigation, type NavItem } from "./nav";

const letters: Record<string, NavItem["to"]> = {
  h: "/$tenant",
  p: "/$tenant/projects",
  t: "/$tenant/team",
  a: "/$tenant/audit",
};

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName));
}

export function useHotkeys(navigate: UseNavigateResult<string>, open: (what: "palette" | "shortcuts") => void): void {
  const tenant = useTenant();
  const can = useCan();
  const lastG = useRef(0);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        open("palette");
        return;
      }
      if (event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector("[role=dialog],[role=menu]")) return;
      if (event.key === "?") return open("shortcuts");
      if (event.key === "g") {
        lastG.current = event.timeStamp;
        return;
      }
      const to = letters[event.key];
      if (!to || event.timeStamp - lastG.current > 1200) return;
      lastG.current = 0;
      const item = navigation.flatMap((group) => group.items).find((candidate) => candidate.to === to);
      if (item && can(item.needs)) void navigate({ to, params: { tenant } });
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [navigate, open, tenant, can]);
}
