// Write keys of a project.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import type { ColumnDef } from "@tanstack/react-table";
import { KeyRound, Plus } from "lucide-react";
import { useMemo, useState } from "react";
import type { WriteKey } from "@/api/types";
import { Badge } from "@/patterns/badge";
import { Button } from "@/patterns/button";
import { DataTable } from "@/patterns/data-table";
import { ConfirmDialog } from "@/patterns/dialog";
import { useSearchPatch } from "@/patterns/filters";
import { Time } from "@/patterns/format";
import { notifyDone } from "@/patterns/notify";
import { usePageTitle } from "@/patterns/page";
import { EmptyState } from "@/patterns/states";
import { useProject } from "@/features/projects/project-frame";
import { useCan, useMembership } from "@/session/session";
import { t } from "@/strings";
import { CreateKeyDialog } from "./create-key";
import { useRevokeKey, writeKeysQuery } from "./queries";

const route = getRouteApi("/$tenant/projects/$project/keys");

export function KeysPage() {
  const project = useProject();
  const { tenant } = useMembership();
  usePageTitle(t.projects.keys, project.name, tenant.name);
  const can = useCan();
  const search = route.useSearch();
  const patch = useSearchPatch();
  const query = useQuery(writeKeysQuery(tenant.slug, project.id));
  const revoke = useRevokeKey(project.id);
  const [leaving, setLeaving] = useState<WriteKey | null>(null);
  const canCreate = can("write_key.create") && project.status === "active";
  const canRevoke = can("write_key.revoke");
  const columns = useColumns(canRevoke ? setLeaving : undefined);
  const open = (isOpen: boolean) => patch({ new: isOpen ? "1" : undefined }, { replace: true });
  const createButton = canCreate ? (
    <Button variant="primary" icon={Plus} onClick={() => open(true)}>
      {t.keys.create}
    </Button>
  ) : null;
  return (
    <>
      <div className="mb-3 flex flex-wrap items-center gap-x-4 gap-y-2">
        <p className="min-w-0 flex-1 basis-72 text-sm text-muted">{t.keys.text}</p>
        {createButton}
      </div>
      <DataTable
        name="write-keys"
        label={t.keys.title}
        columns={columns}
        query={query}
        rowId={(key) => key.id}
        rowClass={(key) => (key.revoked_at ? "text-muted" : undefined)}
        empty={
          <EmptyState
            icon={KeyRound}
            title={t.keys.empty}
            text={canCreate ? t.keys.emptyText : t.keys.emptyReader}
            action={
              canCreate ? (
                <Button variant="primary" onClick={() => open(true)}>
                  {t.keys.createDo}
                </Button>
              ) : null
            }
          />
        }
      />
      <CreateKeyDialog open={canCreate && search.new === "1"} onOpenChange={open} />
      {leaving ? (
        <ConfirmDialog
          open
          onOpenChange={() => setLeaving(null)}
          title={t.keys.revokeTitle(leaving.name)}
          text={t.keys.revokeText}
          action={t.keys.revoke}
          word={leaving.name}
          onConfirm={async () => {
            await revoke.mutateAsync(leaving.id);
            notifyDone(t.keys.revokeDone(leaving.name));
          }}
        />
      ) : null}
    </>
  );
}

function useColumns(onRevoke: ((key: WriteKey) => void) | undefined): ColumnDef<WriteKey>[] {
  return useMemo(() => {
    const columns: ColumnDef<WriteKey>[] = [
      {
        id: "name",
        header: t.keys.name,
        enableHiding: false,
        meta: { className: "min-w-32 font-medium" },
        cell: ({ row }) => row.original.name,
      },
      { id: "prefix", header: t.keys.prefix, cell: ({ row }) => <code className="font-mono text-xs">{row.original.prefix}</code> },
      {
        id: "status",
        header: t.common.status,
        cell: ({ row }) => (row.original.revoked_at ? <Badge>{t.keys.revoked}</Badge> : <Badge tone="success">{t.keys.active}</Badge>),
      },
      { id: "used", header: t.common.lastUsed, cell: ({ row }) => <Time at={row.original.last_used_at} /> },
      {
        id: "created",
        header: t.common.created,
        meta: { className: "max-md:hidden" },
        cell: ({ row }) => (
          <span className="whitespace-nowrap">
            <Time at={row.original.created_at} />
            {row.original.created_by ? <span className="text-muted"> · {row.original.created_by.name}</span> : null}
          </span>
        ),
      },
    ];
    if (!onRevoke) return columns;
    columns.push({
      id: "actions",
      header: t.common.actions,
      enableHiding: false,
      meta: { className: "text-right" },
      cell: ({ row }) =>
        row.original.revoked_at ? null : (
          <Button size="sm" variant="quiet-danger" onClick={() => onRevoke(row.original)}>
            {t.keys.revoke}
          </Button>
        ),
    });
    return columns;
  }, [onRevoke]);
}
