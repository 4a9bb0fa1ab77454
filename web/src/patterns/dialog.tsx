// Dialogs: the plain one, and the one that asks before something is done that cannot be undone.
import clsx from "clsx";
import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { useState, type ReactNode } from "react";
import type { Problem } from "@/api/types";
import { t } from "@/strings";
import { Button, IconButton } from "./button";
import { Field, Input } from "./field";
import { problemOf, ProblemNotice } from "./problem";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  text?: ReactNode;
  children: ReactNode;
  wide?: boolean;
  /** Closing by Escape or a click outside would lose something (a key that is shown once). */
  sticky?: boolean;
}

export function Dialog({ open, onOpenChange, title, text, children, wide, sticky }: Props) {
  const hold = (event: Event) => {
    const from = event.target;
    const isToast = from instanceof Element && from.closest("[data-sonner-toaster]") !== null;
    if (sticky || isToast) event.preventDefault();
  };
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="fade-in fixed inset-0 z-40 bg-overlay" />
        <Radix.Content
          onEscapeKeyDown={hold}
          onInteractOutside={hold}
          {...(text ? {} : { "aria-describedby": undefined })}
          className={clsx(
            "fade-in fixed left-1/2 z-50 flex w-[calc(100vw-1.5rem)] -translate-x-1/2 flex-col rounded-lg border bg-surface shadow-lg",
            "top-[max(0.75rem,8vh)] max-h-[calc(100dvh-1.5rem-8vh)]",
            wide ? "max-w-2xl" : "max-w-md",
          )}
        >
          <div className="flex items-start gap-3 px-5 pt-4 pb-3">
            <div className="min-w-0 flex-1">
              <Radix.Title className="text-lg font-semibold break-words">{title}</Radix.Title>
              {text ? <Radix.Description className="mt-0.5 text-sm text-muted">{text}</Radix.Description> : null}
            </div>
            {sticky ? null : (
              <Radix.Close asChild>
                <IconButton label={t.common.close} icon={X} className="-mr-2" />
              </Radix.Close>
            )}
          </div>
          <div className="min-h-0 overflow-y-auto px-5 pb-5">{children}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export function DialogActions({ children }: { children: ReactNode }) {
  return <div className="mt-5 flex flex-wrap justify-end gap-2">{children}</div>;
}

interface ConfirmProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  text: string;
  action: string;
  /** The word to type when the step cannot be undone. */
  word?: string;
  onConfirm: () => Promise<unknown>;
}

export function ConfirmDialog({ open, onOpenChange, ...rest }: ConfirmProps) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={rest.title} text={rest.text}>
      <ConfirmBody {...rest} onDone={() => onOpenChange(false)} />
    </Dialog>
  );
}

type BodyProps = Pick<ConfirmProps, "action" | "word" | "onConfirm"> & { onDone: () => void };

function ConfirmBody({ action, word, onConfirm, onDone }: BodyProps) {
  const [typed, setTyped] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const confirm = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await onConfirm();
      onDone();
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        void confirm();
      }}
    >
      <ProblemNotice problem={problem} />
      {word ? (
        <Field label={t.common.typeToConfirm(word)}>
          <Input value={typed} onChange={(event) => setTyped(event.target.value)} autoComplete="off" spellCheck={false} />
        </Field>
      ) : null}
      <DialogActions>
        <Button onClick={onDone}>{t.common.cancel}</Button>
        <Button type="submit" variant="danger" busy={isBusy} disabled={word !== undefined && typed !== word}>
          {action}
        </Button>
      </DialogActions>
    </form>
  );
}
