// The dialog of an ended session. Nothing behind it is unmounted; waiting requests are repeated.
import { queryClient, keys } from "@/api/query";
import type { Me } from "@/api/types";
import { Button } from "@/patterns/button";
import { Dialog } from "@/patterns/dialog";
import { t } from "@/strings";
import { LoginForm } from "./login-form";

export default function SignInAgain({ onDone }: { onDone: () => void }) {
  const before = queryClient.getQueryData<Me>(keys.me);
  const done = (me: Me) => {
    // Somebody else signed in: nothing of the first person's view may stay.
    if (before && before.user.id !== me.user.id) window.location.assign("/");
    else onDone();
  };
  return (
    <Dialog open onOpenChange={() => undefined} sticky title={t.auth.sessionEnded} text={t.auth.sessionEndedText}>
      <LoginForm knownEmail={before?.user.email} onDone={done} />
      <div className="mt-3 text-center">
        <Button variant="ghost" size="sm" onClick={() => window.location.assign("/login")}>
          {t.auth.otherAccount}
        </Button>
      </div>
    </Dialog>
  );
}
