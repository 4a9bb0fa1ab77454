// Signed in, but a member of no organisation.
import { DoorClosed } from "lucide-react";
import { Button } from "@/patterns/button";
import { notifyProblem } from "@/patterns/notify";
import { usePageTitle } from "@/patterns/page";
import { EmptyState } from "@/patterns/states";
import { useMe, useSignOut } from "@/session/session";
import { t } from "@/strings";

export function NoAccessPage() {
  usePageTitle(t.errors.noAccess);
  const { user } = useMe();
  const signOut = useSignOut();
  return (
    <main className="grid min-h-dvh place-items-center">
      <h1 className="sr-only">{t.errors.noAccess}</h1>
      <EmptyState
        icon={DoorClosed}
        title={t.errors.noAccess}
        text={
          <>
            {t.errors.noAccessText} {t.errors.signedInAs(user.email)}.
          </>
        }
        action={<Button onClick={() => void signOut().catch(notifyProblem)}>{t.shell.signOut}</Button>}
      />
    </main>
  );
}
