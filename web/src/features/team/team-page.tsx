// The people of the organisation, and those who are invited.
import { getRouteApi } from "@tanstack/react-router";
import { UserPlus } from "lucide-react";
import { Button } from "@/patterns/button";
import { useSearchPatch } from "@/patterns/filters";
import { PageHeader, Section, usePageTitle } from "@/patterns/page";
import { VerifyNotice } from "@/features/profile/verify-notice";
import { useCan, useMembership } from "@/session/session";
import { t } from "@/strings";
import { Invitations } from "./invitations";
import { InviteDialog } from "./invite-dialog";
import { Members } from "./members";

const route = getRouteApi("/$tenant/team");

export function TeamPage() {
  const { tenant } = useMembership();
  usePageTitle(t.team.title, tenant.name);
  const can = useCan();
  const search = route.useSearch();
  const patch = useSearchPatch();
  const canInvite = can("invitation.create");
  const open = (isOpen: boolean) => patch({ new: isOpen ? "1" : undefined }, { replace: true });
  return (
    <>
      <PageHeader
        title={t.team.title}
        text={t.team.text}
        actions={
          canInvite ? (
            <Button variant="primary" icon={UserPlus} onClick={() => open(true)}>
              {t.team.invite}
            </Button>
          ) : null
        }
      />
      {canInvite ? <VerifyNotice /> : null}
      <Section title={t.team.members}>
        <Members search={search} />
      </Section>
      {can("invitation.read") ? (
        <Section title={t.team.invitations}>
          <Invitations status={search.status} onInvite={canInvite ? () => open(true) : undefined} />
        </Section>
      ) : null}
      <InviteDialog open={canInvite && search.new === "1"} onOpenChange={open} />
    </>
  );
}
