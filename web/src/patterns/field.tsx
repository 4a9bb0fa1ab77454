// Form controls with their label, hint and fault wired together for screen readers.
import clsx from "clsx";
import { Eye, EyeOff } from "lucide-react";
import { createContext, useContext, useId, useState } from "react";
import type { InputHTMLAttributes, ReactNode, Ref, SelectHTMLAttributes, TextareaHTMLAttributes } from "react";
import { t } from "@/strings";

interface Wiring {
  id: string;
  describedBy?: string;
  invalid: boolean;
}
const FieldContext = createContext<Wiring | null>(null);

interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string;
  children: ReactNode;
  className?: string;
}

export function Field({ label, hint, error, children, className }: FieldProps) {
  const id = useId();
  const describedBy = clsx(error && `${id}-error`, hint && `${id}-hint`) || undefined;
  return (
    <div className={clsx("flex flex-col gap-1.5", className)}>
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      <FieldContext value={{ id, describedBy, invalid: Boolean(error) }}>{children}</FieldContext>
      {error ? (
        <p id={`${id}-error`} className="text-xs text-danger">
          {error}
        </p>
      ) : null}
      {hint ? (
        <p id={`${id}-hint`} className="text-xs text-muted">
          {hint}
        </p>
      ) : null}
    </div>
  );
}

const box =
  "w-full rounded-md border bg-surface text-base text-text placeholder:text-muted sm:text-sm disabled:bg-subtle disabled:text-muted [&[readonly]]:bg-subtle";

export function controlClass(invalid: boolean, extra?: string): string {
  return clsx(box, invalid ? "border-danger" : "border-line-strong/60 hover:border-line-strong", extra);
}

function useWiring() {
  const field = useContext(FieldContext);
  return {
    invalid: field?.invalid ?? false,
    props: field
      ? { id: field.id, "aria-describedby": field.describedBy, "aria-invalid": field.invalid || undefined }
      : {},
  };
}

type InputProps = InputHTMLAttributes<HTMLInputElement> & { ref?: Ref<HTMLInputElement> };

export function Input({ className, ...rest }: InputProps) {
  const { invalid, props } = useWiring();
  return <input type="text" {...props} {...rest} className={controlClass(invalid, clsx("h-9 px-2.5", className))} />;
}

export function PasswordInput(props: InputProps) {
  const [isShown, setShown] = useState(false);
  const Icon = isShown ? EyeOff : Eye;
  return (
    <div className="relative">
      <Input {...props} type={isShown ? "text" : "password"} className="pr-10" />
      <button
        type="button"
        onClick={() => setShown((shown) => !shown)}
        aria-label={isShown ? t.auth.hidePassword : t.auth.showPassword}
        aria-pressed={isShown}
        className="absolute inset-y-0 right-0 grid w-9 place-items-center rounded-md text-muted hover:text-text"
      >
        <Icon aria-hidden className="size-4" strokeWidth={1.75} />
      </button>
    </div>
  );
}

export function Textarea({ className, ...rest }: TextareaHTMLAttributes<HTMLTextAreaElement> & { ref?: Ref<HTMLTextAreaElement> }) {
  const { invalid, props } = useWiring();
  return <textarea rows={3} {...props} {...rest} className={controlClass(invalid, clsx("px-2.5 py-1.5", className))} />;
}

type SelectProps = SelectHTMLAttributes<HTMLSelectElement> & { ref?: Ref<HTMLSelectElement>; dense?: boolean };

/** The platform's own select: fast, known to every hand, and usable on a phone. */
export function Select({ className, dense, ...rest }: SelectProps) {
  const { invalid, props } = useWiring();
  return (
    <select
      {...props}
      {...rest}
      className={controlClass(invalid, clsx(dense ? "h-8 pl-2" : "h-9 pl-2.5", className))}
    />
  );
}

type CheckboxProps = Omit<InputProps, "type"> & { label: ReactNode; hint?: ReactNode };

export function Checkbox({ label, hint, className, ...rest }: CheckboxProps) {
  return (
    <label className={clsx("flex cursor-pointer items-start gap-2 text-sm", className)}>
      <input type="checkbox" {...rest} className="mt-0.5 size-4 shrink-0 accent-[var(--brand-solid)]" />
      <span className="min-w-0">
        {label}
        {hint ? <span className="block text-xs text-muted">{hint}</span> : null}
      </span>
    </label>
  );
}
