// Asks before changes on a page are thrown away.
import { useBlocker } from "@tanstack/react-router";
import { t } from "@/strings";
import { Button } from "./button";
import { Dialog, DialogActions } from "./dialog";

export function UnsavedGuard({ dirty }: { dirty: boolean }) {
  const blocker = useBlocker({ shouldBlockFn: () => dirty, enableBeforeUnload: () => dirty, withResolver: true });
  if (blocker.status !== "blocked") return null;
  return (
    <Dialog open onOpenChange={(open) => (open ? undefined : blocker.reset())} title={t.common.unsavedTitle} text={t.common.unsavedText}>
      <DialogActions>
        <Button onClick={() => blocker.reset()}>{t.common.unsavedStay}</Button>
        <Button variant="danger" onClick={() => blocker.proceed()}>
          {t.common.unsavedLeave}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
