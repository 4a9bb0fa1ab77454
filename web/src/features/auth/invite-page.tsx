// An invitation, opened from the mail: join with the account one has, or with a new one.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, setCsrfToken } from "@/api/client";
import { keys } from "@/api/query";
import type { Me, Membership, Problem, PublicInvitation } from "@/api/types";
import { Button, buttonClass } from "@/patterns/button";
import { Checkbox } from "@/patterns/field";
import { notifyDone } from "@/patterns/notify";
import { problemOf, ProblemNotice } from "@/patterns/problem";
import { Bone } from "@/patterns/states";
import { t } from "@/strings";
import { AuthFrame, linkClass } from "./frame";
import { LoginForm } from "./login-form";
import { RegisterForm } from "./register-form";

const route = getRouteApi("/invite/$token");

export function InvitePage() {
  const { token } = route.useParams();
  const { data: invitation, error } = useQuery({
    queryKey: ["invitation", token],
    queryFn: ({ signal }) => api<PublicInvitation>(`/api/public/invitations/${encodeURIComponent(token)}`, { signal, anonymous: true }),
    retry: false,
  });
  if (error) {
    const problem = problemOf(error);
    return (
      <AuthFrame title={t.invite.unusable} text={t.invite.unusableText}>
        {problem.status === 404 ? null : <ProblemNotice problem={problem} />}
        <Link to="/" className={buttonClass("secondary", "md", "mt-1")}>
          {t.auth.toApp}
        </Link>
      </AuthFrame>
    );
  }
  if (!invitation) {
    return (
      <AuthFrame title={t.app.loading}>
        <Bone className="h-24 w-full" />
      </AuthFrame>
    );
  }
  const role = t.roles[invitation.role] ?? invitation.role;
  return (
    <AuthFrame title={t.invite.title(invitation.tenant.name)} text={t.invite.text(invitation.inviter_name, invitation.tenant.name, role)}>
      <Join invitation={invitation} token={token} />
    </AuthFrame>
  );
}

function useAccept(token: string, invitation: PublicInvitation) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const arrive = async () => {
    await client.invalidateQueries({ queryKey: keys.me });
    notifyDone(t.invite.joined(invitation.tenant.name));
    await navigate({ to: "/$tenant", params: { tenant: invitation.tenant.slug } });
  };
  const accept = async (isOtherConfirmed: boolean) => {
    const body = isOtherConfirmed ? { token, confirm_other_address: true } : { token };
    await api<Membership>("/api/v1/invitations/accept", { method: "POST", body });
    await arrive();
  };
  return { accept, arrive };
}

function Join({ invitation, token }: { invitation: PublicInvitation; token: string }) {
  const { me } = route.useRouteContext();
  const { accept, arrive } = useAccept(token, invitation);
  if (me) return <JoinAs me={me} invitation={invitation} onAccept={accept} />;
  if (invitation.account_exists) {
    return <LoginForm knownEmail={invitation.email} action={t.invite.signInAndJoin} onDone={() => accept(false)} />;
  }
  return <RegisterForm invitation={{ token, email: invitation.email }} onDone={arrive} />;
}

function JoinAs({ me, invitation, onAccept }: { me: Me; invitation: PublicInvitation; onAccept: (other: boolean) => Promise<void> }) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [isConfirmed, setConfirmed] = useState(false);
  const client = useQueryClient();
  const isOther = me.user.email.toLowerCase() !== invitation.email.toLowerCase();
  const join = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await onAccept(isOther);
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  };
  const leave = async () => {
    await api<void>("/api/v1/auth/logout", { method: "POST", anonymous: true }).catch(() => undefined);
    setCsrfToken(null);
    client.clear();
    window.location.reload();
  };
  return (
    <div className="flex flex-col gap-4">
      <ProblemNotice problem={problem} />
      {isOther ? (
        <>
          <p className="text-sm break-words">{t.invite.otherAddress(invitation.email, me.user.email)}</p>
          <Checkbox
            label={t.invite.otherConfirm(me.user.email)}
            checked={isConfirmed}
            onChange={(event) => setConfirmed(event.target.checked)}
          />
        </>
      ) : (
        <p className="text-sm text-muted">{t.errors.signedInAs(me.user.email)}</p>
      )}
      <Button variant="primary" className="h-9" busy={isBusy} disabled={isOther && !isConfirmed} onClick={() => void join()}>
        {t.invite.accept}
      </Button>
      <button type="button" className={`${linkClass} text-sm`} onClick={() => void leave()}>
        {t.auth.otherAccount}
      </button>
    </div>
  );
}
