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
    document.documentElement.classList.add("scroll-locked");
    return () => {
      holders -= 1;
      if (holders === 0) document.documentElement.classList.remove("scroll-locked");
    };
  }, [enabled]);
  return <Slot.Root {...rest}>{children}</Slot.Root>;
}
