import { useQuery } from "@tanstack/react-query";
import type { ColumnDef } from "@tanstack/react-table";
import { useMemo, useState } from "react";
import type { Member } from "@/api/types";
import { Avatar, Badge } from "@/patterns/badge";
import { Button } from "@/patterns/button";
import { DataTable } from "@/patterns/data-table";
import { ConfirmDialog } from "@/patterns/dialog";
import { Select } from "@/patterns/field";
import { ChoiceFilter, ClearFilters, TextFilter, useSearchPatch } from "@/patterns/filters";
import { Time } from "@/patterns/format";
import { notifyDone, notifyProblem } from "@/patterns/notify";
import { EmptyState } from "@/patterns/states";
import { useCan, useMe, useMembership } from "@/session/session";
import { t } from "@/strings";
import { membersQuery, useChangeRole, useRemoveMember } from "./queries";
import { useRoles } from "./roles";

interface Props {
  search: { q?: string; role?: string; cursor?: string };
}

export function Members({ search }: Props) {
  const { tenant } = useMembership();
  const patch = useSearchPatch();
  const query = useQuery(membersQuery(tenant.slug, { q: search.q, role: search.role, cursor: search.cursor }));
  const remove = useRemoveMember();
  const [leaving, setLeaving] = useState<Member | null>(null);
  const columns = useColumns(setLeaving);
  return (
    <>
      <DataTable
        name="members"
        label={t.team.members}
        choosable
        columns={columns}
        query={query}
        rowId={(member) => member.user_id}
        cursor={search.cursor}
        onCursor={(cursor) => patch({ cursor })}
        filters={
          <>
            <TextFilter icon label={t.team.searchHint} value={search.q} onChange={(q) => patch({ q }, { replace: true })} />
            <ChoiceFilter
              label={t.common.role}
              value={search.role}
              onChange={(role) => patch({ role })}
              every={t.team.everyRole}
              options={Object.entries(t.roles).map(([value, label]) => ({ value, label }))}
            />
            <ClearFilters active={Boolean(search.q ?? search.role)} onClear={() => patch({ q: undefined, role: undefined })} />
          </>
        }
        empty={<EmptyState title={t.team.noMatch} text={t.team.noMatchText} />}
      />
      {leaving ? (
        <ConfirmDialog
          open
          onOpenChange={() => setLeaving(null)}
          title={t.team.removeTitle(leaving.name)}
          text={t.team.removeText}
          action={t.team.remove}
          onConfirm={async () => {
            await remove.mutateAsync(leaving.user_id);
            notifyDone(t.team.removeDone(leaving.name));
          }}
        />
      ) : null}
    </>
  );
}

function useColumns(onRemove: (member: Member) => void): ColumnDef<Member>[] {
  const can = useCan();
  const me = useMe();
  const { own, rankOf } = useRoles();
  const canUpdate = can("member.update");
  const canRemove = can("member.remove");
  const isMine = (member: Member) => member.user_id === me.user.id;
  const isBelow = (member: Member) => rankOf(member.role) <= own && !isMine(member);
  const columns: ColumnDef<Member>[] = [
    {
      id: "name",
      header: t.common.name,
      enableHiding: false,
      meta: { className: "min-w-52" },
      cell: ({ row: { original: member } }) => (
        <div className="flex min-w-0 items-center gap-3">
          <Avatar name={member.name} className="size-7" />
          <div className="min-w-0">
            <p className="flex items-center gap-2 font-medium break-words">
              {member.name}
              {isMine(member) ? <Badge tone="brand">{t.common.you}</Badge> : null}
            </p>
            <p className="text-xs break-all text-muted">{member.email}</p>
          </div>
        </div>
      ),
    },
    {
      id: "role",
      header: t.common.role,
      cell: ({ row: { original: member } }) =>
        canUpdate && isBelow(member) ? <RoleSelect member={member} /> : <span>{t.roles[member.role] ?? member.role}</span>,
    },
    { id: "active", header: t.team.lastActive, cell: ({ row }) => <Time at={row.original.last_active_at} /> },
    {
      id: "joined",
      header: t.team.joined,
      meta: { className: "max-md:hidden" },
      cell: ({ row }) => <Time at={row.original.joined_at} />,
    },
    {
      id: "invited",
      header: t.team.invitedBy,
      meta: { className: "max-lg:hidden text-muted" },
      cell: ({ row }) => row.original.invited_by?.name ?? t.common.none,
    },
  ];
  if (canRemove) {
    columns.push({
      id: "actions",
      header: t.common.actions,
      enableHiding: false,
      meta: { className: "text-right" },
      cell: ({ row }) =>
        isBelow(row.original) ? (
          <Button size="sm" variant="quiet-danger" onClick={() => onRemove(row.original)}>
            {t.team.remove}
          </Button>
        ) : null,
    });
  }
  return useMemo(() => columns, [canUpdate, canRemove, own, me.user.id, onRemove]);
}

function RoleSelect({ member }: { member: Member }) {
  const { givable } = useRoles();
  const change = useChangeRole();
  const pick = (role: string) =>
    change.mutateAsync({ id: member.user_id, role }).then(
      () => notifyDone(t.team.roleChanged(member.name, t.roles[role] ?? role)),
      (error: unknown) => notifyProblem(error),
    );
  return (
    <Select
      dense
      aria-label={t.team.changeRole(member.name)}
      className="!w-auto"
      value={change.isPending ? change.variables.role : member.role}
      disabled={change.isPending}
      onChange={(event) => void pick(event.target.value)}
    >
      {givable.map((role) => (
        <option key={role.name} value={role.name}>
          {t.roles[role.name] ?? role.title}
        </option>
      ))}
    </Select>
  );
}
