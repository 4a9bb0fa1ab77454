// The drop-down menu itself. Pages use menu.tsx, which loads this when a menu is first opened.
import clsx from "clsx";
import type { LucideIcon } from "lucide-react";
import { DropdownMenu as Radix } from "radix-ui";
import type { HTMLAttributes, ReactElement, ReactNode } from "react";

export type TriggerProps = HTMLAttributes<HTMLElement>;

interface GroupProps {
  value: string;
  onValueChange: (value: string) => void;
  children: ReactNode;
}

export function MenuGroup(props: GroupProps) {
  return <Radix.RadioGroup {...props} />;
}

export interface MenuProps {
  trigger: ReactElement<TriggerProps>;
  children: ReactNode;
  align?: "start" | "end";
  side?: "top" | "bottom" | "right";
}

export function Menu({ trigger, children, align = "end", side = "bottom" }: MenuProps) {
  return (
    <Radix.Root modal={false} defaultOpen>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align={align}
          side={side}
          sideOffset={6}
          collisionPadding={8}
          className="fade-in z-50 max-h-[var(--radix-dropdown-menu-content-available-height)] min-w-48 overflow-y-auto rounded-lg border bg-surface p-1 shadow-md"
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

const item =
  "flex h-8 cursor-pointer items-center gap-2 rounded-md px-2 text-sm outline-none select-none data-highlighted:bg-hover data-disabled:opacity-50";

export interface ItemProps {
  icon?: LucideIcon;
  onSelect: () => void;
  children: ReactNode;
  danger?: boolean;
  hint?: string;
}

export function MenuItem({ icon: Icon, onSelect, children, danger, hint }: ItemProps) {
  return (
    <Radix.Item onSelect={onSelect} className={clsx(item, danger && "text-danger")}>
      {Icon ? <Icon aria-hidden className="size-4 text-muted" strokeWidth={1.75} /> : null}
      <span className="min-w-0 flex-1 truncate">{children}</span>
      {hint ? <kbd className="font-sans text-2xs text-muted">{hint}</kbd> : null}
    </Radix.Item>
  );
}

export function MenuChoice({ value, icon: Icon, children }: { value: string; icon?: LucideIcon; children: ReactNode }) {
  return (
    <Radix.RadioItem value={value} className={clsx(item, "data-[state=checked]:font-medium data-[state=checked]:text-brand")}>
      {Icon ? <Icon aria-hidden className="size-4" strokeWidth={1.75} /> : null}
      <span className="min-w-0 flex-1 truncate">{children}</span>
    </Radix.RadioItem>
  );
}

interface CheckProps {
  checked: boolean;
  onChange: (checked: boolean) => void;
  children: ReactNode;
}

export function MenuCheck({ checked, onChange, children }: CheckProps) {
  return (
    <Radix.CheckboxItem
      checked={checked}
      onCheckedChange={onChange}
      onSelect={(event) => event.preventDefault()}
      className={item}
    >
      <span aria-hidden className="w-4 text-brand">
        {checked ? "✓" : ""}
      </span>
      {children}
    </Radix.CheckboxItem>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <Radix.Label className="px-2 py-1.5 text-xs text-muted">{children}</Radix.Label>;
}

export function MenuLine() {
  return <Radix.Separator className="my-1 h-px bg-line" />;
}
