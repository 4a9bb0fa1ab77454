// Light, dark, or as the system says. theme.js sets it before the first paint; this changes it.
import { useSyncExternalStore } from "react";
import { recall, remember } from "@/patterns/remember";

export type ThemeChoice = "light" | "dark" | "system";

const system = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function choice(): ThemeChoice {
  const kept = recall("theme");
  return kept === "light" || kept === "dark" ? kept : "system";
}

function apply(): void {
  const isDark = choice() === "dark" || (choice() === "system" && system.matches);
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  listeners.forEach((listen) => listen());
}
system.addEventListener("change", apply);

export function setTheme(next: ThemeChoice): void {
  remember("theme", next === "system" ? null : next);
  apply();
}

function subscribe(listen: () => void): () => void {
  listeners.add(listen);
  return () => listeners.delete(listen);
}

export function useTheme(): { choice: ThemeChoice; shown: "light" | "dark" } {
  const chosen = useSyncExternalStore(subscribe, choice);
  const shown = useSyncExternalStore(subscribe, () => (document.documentElement.dataset.theme === "dark" ? "dark" : "light"));
  return { choice: chosen, shown };
}
