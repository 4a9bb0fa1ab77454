// Reminds of an unconfirmed e-mail address where it matters, with the way to mend it.
import { MailWarning } from "lucide-react";
import { api } from "@/api/client";
import { Button } from "@/patterns/button";
import { notifyDone, notifyProblem } from "@/patterns/notify";
import { useMe } from "@/session/session";
import { t } from "@/strings";

export function resendVerification(): Promise<void> {
  return api<unknown>("/api/v1/me/verification", { method: "POST" }).then(
    () => notifyDone(t.profile.resent),
    (error: unknown) => notifyProblem(error),
  );
}

export function VerifyNotice() {
  const { user } = useMe();
  if (user.email_verified) return null;
  return (
    <div className="mb-4 flex flex-wrap items-center gap-x-3 gap-y-2 rounded-md border bg-warning-soft px-3 py-2 text-sm text-warning">
      <MailWarning aria-hidden className="size-4 shrink-0" strokeWidth={1.75} />
      <p className="min-w-0 flex-1 basis-64 break-words">{t.profile.verifyNotice(user.email)}</p>
      <Button size="sm" onClick={() => void resendVerification()}>
        {t.profile.resend}
      </Button>
    </div>
  );
}
