import { useQuery } from "@tanstack/react-query";
import type { ColumnDef } from "@tanstack/react-table";
import { MailPlus, MoreHorizontal, Send, X } from "lucide-react";
import { useMemo, useState } from "react";
import type { Invitation, InvitationStatus } from "@/api/types";
import { Badge, type Tone } from "@/patterns/badge";
import { Button, IconButton } from "@/patterns/button";
import { DataTable } from "@/patterns/data-table";
import { ConfirmDialog } from "@/patterns/dialog";
import { ChoiceFilter, ClearFilters, useSearchPatch } from "@/patterns/filters";
import { Time } from "@/patterns/format";
import { Menu, MenuItem } from "@/patterns/menu";
import { notifyDone, notifyProblem } from "@/patterns/notify";
import { EmptyState } from "@/patterns/states";
import { useCan, useTenant } from "@/session/session";
import { t } from "@/strings";
import { invitationsQuery, useResend, useRevokeInvitation } from "./queries";

const tones: Record<InvitationStatus, Tone> = { pending: "info", accepted: "success", revoked: "neutral", expired: "warning" };

interface Props {
  status?: string;
  onInvite?: () => void;
}

export function Invitations({ status, onInvite }: Props) {
  const patch = useSearchPatch();
  const query = useQuery(invitationsQuery(useTenant(), { status, limit: 100 }));
  const revoke = useRevokeInvitation();
  const [leaving, setLeaving] = useState<Invitation | null>(null);
  const columns = useColumns(setLeaving);
  return (
    <>
      <DataTable
        name="invitations"
        label={t.team.invitations}
        columns={columns}
        query={query}
        rowId={(invitation) => invitation.id}
        filters={
          <>
            <ChoiceFilter
              label={t.common.status}
              value={status}
              onChange={(value) => patch({ status: value })}
              every={t.team.everyStatus}
              options={Object.entries(t.team.status).map(([value, label]) => ({ value, label }))}
            />
            <ClearFilters active={Boolean(status)} onClear={() => patch({ status: undefined })} />
          </>
        }
        empty={
          status ? (
            <EmptyState compact title={t.team.invitationsNoMatch} />
          ) : (
            <EmptyState
              compact
              icon={MailPlus}
              title={t.team.invitationsEmpty}
              text={onInvite ? t.team.invitationsEmptyText : undefined}
              action={onInvite ? <Button onClick={onInvite}>{t.team.inviteTitle}</Button> : null}
            />
          )
        }
      />
      {leaving ? (
        <ConfirmDialog
          open
          onOpenChange={() => setLeaving(null)}
          title={t.team.revokeTitle(leaving.email)}
          text={t.team.revokeText}
          action={t.team.revoke}
          onConfirm={async () => {
            await revoke.mutateAsync(leaving.id);
            notifyDone(t.team.revokeDone);
          }}
        />
      ) : null}
    </>
  );
}

function useColumns(onRevoke: (invitation: Invitation) => void): ColumnDef<Invitation>[] {
  const can = useCan();
  const canResend = can("invitation.create");
  const canRevoke = can("invitation.revoke");
  return useMemo(() => {
    const columns: ColumnDef<Invitation>[] = [
      {
        id: "email",
        header: t.common.email,
        enableHiding: false,
        meta: { className: "min-w-44 font-medium break-all" },
        cell: ({ row }) => row.original.email,
      },
      { id: "role", header: t.common.role, cell: ({ row }) => t.roles[row.original.role] ?? row.original.role },
      {
        id: "status",
        header: t.common.status,
        cell: ({ row }) => <Badge tone={tones[row.original.status]}>{t.team.status[row.original.status]}</Badge>,
      },
      {
        id: "by",
        header: t.team.invitedBy,
        meta: { className: "max-md:hidden text-muted" },
        cell: ({ row }) => row.original.invited_by?.name ?? t.common.none,
      },
      {
        id: "expires",
        header: t.common.expires,
        meta: { className: "max-md:hidden" },
        cell: ({ row }) => (row.original.status === "pending" ? <Time at={row.original.expires_at} /> : null),
      },
    ];
    if (!canResend && !canRevoke) return columns;
    columns.push({
      id: "actions",
      header: t.common.actions,
      enableHiding: false,
      meta: { className: "text-right" },
      cell: ({ row }) => <InvitationMenu invitation={row.original} canResend={canResend} onRevoke={canRevoke ? onRevoke : undefined} />,
    });
    return columns;
  }, [canResend, canRevoke, onRevoke]);
}

interface MenuProps {
  invitation: Invitation;
  canResend: boolean;
  onRevoke?: (invitation: Invitation) => void;
}

function InvitationMenu({ invitation, canResend, onRevoke }: MenuProps) {
  const resend = useResend();
  const isOpen = invitation.status === "pending";
  const mayResend = canResend && (isOpen || invitation.status === "expired");
  if (!mayResend && !(isOpen && onRevoke)) return null;
  const again = () =>
    resend.mutateAsync(invitation.id).then(
      () => notifyDone(t.team.resent(invitation.email)),
      (error: unknown) => notifyProblem(error),
    );
  return (
    <Menu trigger={<IconButton label={t.common.moreFor(invitation.email)} icon={MoreHorizontal} />}>
      {mayResend ? (
        <MenuItem icon={Send} onSelect={() => void again()}>
          {t.team.resend}
        </MenuItem>
      ) : null}
      {isOpen && onRevoke ? (
        <MenuItem icon={X} danger onSelect={() => onRevoke(invitation)}>
          {t.team.revoke}
        </MenuItem>
      ) : null}
    </Menu>
  );
}
