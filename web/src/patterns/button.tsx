// Buttons and button-looking links. One set of heights and variants for the whole interface.
import clsx from "clsx";
import type { LucideIcon } from "lucide-react";
import type { ButtonHTMLAttributes, Ref } from "react";

export type ButtonVariant = "primary" | "secondary" | "ghost" | "danger" | "quiet-danger";
export type ButtonSize = "sm" | "md" | "icon";

const variants: Record<ButtonVariant, string> = {
  primary: "bg-brand-solid text-on-brand hover:bg-brand-hover border border-transparent shadow-sm",
  secondary: "bg-surface text-text border border-line hover:bg-hover shadow-sm",
  ghost: "text-text border border-transparent hover:bg-hover",
  "quiet-danger": "text-danger border border-transparent hover:bg-danger-soft",
  danger: "bg-danger-solid text-on-brand border border-transparent hover:brightness-110 shadow-sm",
};
const sizes: Record<ButtonSize, string> = {
  sm: "h-7 px-2 text-xs gap-1.5",
  md: "h-8 px-3 text-sm gap-2",
  icon: "size-8 justify-center",
};

export function buttonClass(variant: ButtonVariant = "secondary", size: ButtonSize = "md", extra?: string): string {
  return clsx(
    "inline-flex shrink-0 items-center justify-center rounded-md font-medium whitespace-nowrap transition-colors",
    "disabled:opacity-55 disabled:pointer-events-none aria-disabled:opacity-55",
    variants[variant],
    sizes[size],
    extra,
  );
}

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  variant?: ButtonVariant;
  size?: ButtonSize;
  icon?: LucideIcon;
  busy?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({ variant, size, icon: Icon, busy, className, children, disabled, type, ...rest }: Props) {
  return (
    <button
      {...rest}
      type={type ?? "button"}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      className={buttonClass(variant, size, className)}
    >
      {Icon ? <Icon aria-hidden className="size-4 shrink-0" strokeWidth={1.75} /> : null}
      {children}
    </button>
  );
}

interface IconProps extends Omit<Props, "children" | "size"> {
  label: string;
  icon: LucideIcon;
}

export function IconButton({ label, icon: Icon, variant = "ghost", ...rest }: IconProps) {
  return (
    <Button {...rest} variant={variant} size="icon" aria-label={label} title={label}>
      <Icon aria-hidden className="size-4" strokeWidth={1.75} />
    </Button>
  );
}
