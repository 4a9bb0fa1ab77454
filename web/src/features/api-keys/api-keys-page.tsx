// Keys for programs that use the REST API.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import type { ColumnDef } from "@tanstack/react-table";
import { KeyRound, Plus } from "lucide-react";
import { useMemo, useState } from "react";
import type { ApiKey } from "@/api/types";
import { Badge } from "@/patterns/badge";
import { Button } from "@/patterns/button";
import { DataTable } from "@/patterns/data-table";
import { ConfirmDialog } from "@/patterns/dialog";
import { useSearchPatch } from "@/patterns/filters";
import { Time } from "@/patterns/format";
import { notifyDone } from "@/patterns/notify";
import { PageHeader, usePageTitle } from "@/patterns/page";
import { EmptyState } from "@/patterns/states";
import { useCan, useMembership } from "@/session/session";
import { t } from "@/strings";
import { CreateApiKeyDialog } from "./create-api-key";
import { apiKeysQuery, useRevokeApiKey } from "./queries";

const route = getRouteApi("/$tenant/api-keys");

export function ApiKeysPage() {
  const { tenant } = useMembership();
  usePageTitle(t.apiKeys.title, tenant.name);
  const can = useCan();
  const search = route.useSearch();
  const patch = useSearchPatch();
  const query = useQuery(apiKeysQuery(tenant.slug, search.cursor));
  const revoke = useRevokeApiKey();
  const [leaving, setLeaving] = useState<ApiKey | null>(null);
  const columns = useColumns(can("api_key.revoke") ? setLeaving : undefined);
  const canCreate = can("api_key.create");
  const open = (isOpen: boolean) => patch({ new: isOpen ? "1" : undefined }, { replace: true });
  const createButton = canCreate ? (
    <Button variant="primary" icon={Plus} onClick={() => open(true)}>
      {t.apiKeys.create}
    </Button>
  ) : null;
  return (
    <>
      <PageHeader title={t.apiKeys.title} text={t.apiKeys.text} actions={createButton} />
      <DataTable
        name="api-keys"
        label={t.apiKeys.title}
        columns={columns}
        query={query}
        rowId={(key) => key.id}
        rowClass={(key) => (key.revoked_at ? "text-muted" : undefined)}
        cursor={search.cursor}
        onCursor={(cursor) => patch({ cursor })}
        empty={<EmptyState icon={KeyRound} title={t.apiKeys.empty} text={t.apiKeys.emptyText} action={createButton} />}
      />
      <CreateApiKeyDialog open={canCreate && search.new === "1"} onOpenChange={open} />
      {leaving ? (
        <ConfirmDialog
          open
          onOpenChange={() => setLeaving(null)}
          title={t.apiKeys.revokeTitle(leaving.name)}
          text={t.apiKeys.revokeText}
          action={t.apiKeys.revoke}
          word={leaving.name}
          onConfirm={async () => {
            await revoke.mutateAsync(leaving.id);
            notifyDone(t.apiKeys.revokeDone(leaving.name));
          }}
        />
      ) : null}
    </>
  );
}

function StatusBadge({ apiKey }: { apiKey: ApiKey }) {
  if (apiKey.revoked_at) return <Badge>{t.apiKeys.revoked}</Badge>;
  if (apiKey.expires_at && new Date(apiKey.expires_at).getTime() < Date.now()) return <Badge tone="warning">{t.apiKeys.expired}</Badge>;
  return <Badge tone="success">{t.apiKeys.active}</Badge>;
}

function useColumns(onRevoke: ((key: ApiKey) => void) | undefined): ColumnDef<ApiKey>[] {
  return useMemo(() => {
    const columns: ColumnDef<ApiKey>[] = [
      {
        id: "name",
        header: t.apiKeys.name,
        enableHiding: false,
        meta: { className: "min-w-36 font-medium" },
        cell: ({ row }) => row.original.name,
      },
      { id: "prefix", header: t.apiKeys.prefix, cell: ({ row }) => <code className="font-mono text-xs">{row.original.prefix}</code> },
      {
        id: "scopes",
        header: t.apiKeys.scopes,
        meta: { className: "max-md:hidden" },
        cell: ({ row }) => <span title={row.original.scopes.join(", ")}>{t.apiKeys.scopeCount(row.original.scopes.length)}</span>,
      },
      { id: "status", header: t.common.status, cell: ({ row }) => <StatusBadge apiKey={row.original} /> },
      { id: "used", header: t.common.lastUsed, cell: ({ row }) => <Time at={row.original.last_used_at} /> },
      {
        id: "expires",
        header: t.common.expires,
        meta: { className: "max-lg:hidden" },
        cell: ({ row }) => <Time at={row.original.expires_at} />,
      },
      {
        id: "created",
        header: t.common.createdBy,
        meta: { className: "max-lg:hidden text-muted" },
        cell: ({ row }) => row.original.created_by?.name ?? t.common.unknown,
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
            {t.apiKeys.revoke}
          </Button>
        ),
    });
    return columns;
  }, [onRevoke]);
}
