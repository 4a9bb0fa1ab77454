// Drop-down menus. Their code is not part of the first load: until a menu is first opened there is
// only its button, and the code comes with the pointer (or with the click, at the latest).
import { cloneElement, lazy, Suspense, useState, type ComponentType } from "react";
import type * as Parts from "./menu-parts";

const load = () => import("./menu-parts");

function part<K extends keyof typeof Parts>(name: K): (typeof Parts)[K] {
  return lazy(async () => ({ default: (await load())[name] as unknown as ComponentType<object> })) as unknown as (typeof Parts)[K];
}

const Opened = part("Menu");
export const MenuItem = part("MenuItem");
export const MenuChoice = part("MenuChoice");
export const MenuCheck = part("MenuCheck");
export const MenuGroup = part("MenuGroup");
export const MenuLabel = part("MenuLabel");
export const MenuLine = part("MenuLine");

export function Menu(props: Parts.MenuProps) {
  const [isWanted, setWanted] = useState(false);
  const button = cloneElement(props.trigger, {
    "aria-haspopup": "menu",
    "aria-expanded": false,
    onPointerEnter: () => void load(),
    onClick: () => setWanted(true),
  });
  if (!isWanted) return button;
  return (
    <Suspense fallback={button}>
      <Opened {...props} />
    </Suspense>
  );
}
