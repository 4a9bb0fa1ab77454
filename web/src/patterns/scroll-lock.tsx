// Stands in for react-remove-scroll (see vite.config.ts). The original injects a <style> element,
// which the content security policy forbids; a class on <html> does the same for our layout.
import { Slot } from "radix-ui";
import { useEffect, type ReactNode, type Ref } from "react";

let holders = 0;

interface Props {
  children?: ReactNode;
  enabled?: boolean;
  ref?: Ref<HTMLDivElement>;
  as?: unknown;
  allowPinchZoom?: boolean;
  shards?: unknown;
}

export function RemoveScroll({ children, enabled = true, as: _as, allowPinchZoom: _zoom, shards: _shards, ...rest }: Props) {
  useEffect(() => {
    if (!enabled) return;
    holders += 1;
    const root = document.documentElement;
    if (holders === 1) root.style.paddingRight = `${window.innerWidth - root.clientWidth}px`;
    root.classList.add("scroll-locked");
    return () => {
      holders -= 1;
      if (holders > 0) return;
      root.classList.remove("scroll-locked");
      root.style.paddingRight = "";
    };
  }, [enabled]);
  return <Slot.Root {...rest}>{children}</Slot.Root>;
}
