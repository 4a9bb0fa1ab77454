// What was refused, and why.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import type { ColumnDef } from "@tanstack/react-table";
import { BugOff, ChevronDown, ChevronRight } from "lucide-react";
import { useMemo } from "react";
import { api, inTenant } from "@/api/client";
import { keys } from "@/api/query";
import type { Page, Rejection } from "@/api/types";
import { Badge } from "@/patterns/badge";
import { IconButton } from "@/patterns/button";
import { CodeBlock } from "@/patterns/copy";
import { DataTable } from "@/patterns/data-table";
import { ChoiceFilter, ClearFilters, useSearchPatch } from "@/patterns/filters";
import { Time } from "@/patterns/format";
import { usePageTitle } from "@/patterns/page";
import { EmptyState } from "@/patterns/states";
import { useProject } from "@/features/projects/project-frame";
import { useMembership } from "@/session/session";
import { t } from "@/strings";

const route = getRouteApi("/$tenant/projects/$project/debugger");

export function DebuggerPage() {
  const project = useProject();
  const { tenant } = useMembership();
  usePageTitle(t.projects.debugger, project.name, tenant.name);
  const { code, cursor, open } = route.useSearch();
  const patch = useSearchPatch();
  const query = useQuery({
    queryKey: keys.tenant(tenant.slug, "rejections", project.id, { code, cursor }),
    queryFn: ({ signal }) =>
      api<Page<Rejection>>(inTenant(tenant.slug, `/projects/${project.id}/rejections`), { query: { code, cursor }, signal }),
    placeholderData: keepPreviousData,
    refetchInterval: 10_000,
  });
  const columns = useColumns(open, (id) => patch({ open: id, cursor }, { replace: true }));
  return (
    <>
      <p className="mb-3 text-sm text-muted">{t.debugger.text}</p>
      <DataTable
        name="rejections"
        label={t.debugger.title}
        columns={columns}
        query={query}
        rowId={(row) => row.id}
        cursor={cursor}
        onCursor={(to) => patch({ cursor: to, open: undefined })}
        openId={open}
        detail={(row) => <CodeBlock label={t.debugger.payload} code={row.payload} className="max-w-4xl" />}
        filters={
          <>
            <ChoiceFilter
              label={t.debugger.reason}
              value={code}
              onChange={(value) => patch({ code: value, open: undefined })}
              every={t.debugger.everyReason}
              options={Object.entries(t.codes).map(([value, label]) => ({ value, label }))}
            />
            <ClearFilters active={Boolean(code)} onClear={() => patch({ code: undefined, open: undefined })} />
          </>
        }
        empty={
          code ? (
            <EmptyState title={t.debugger.noMatch} />
          ) : (
            <EmptyState icon={BugOff} title={t.debugger.empty} text={t.debugger.emptyText} />
          )
        }
      />
    </>
  );
}

function useColumns(open: string | undefined, onOpen: (id: string | undefined) => void): ColumnDef<Rejection>[] {
  return useMemo(
    () => [
      {
        id: "actions",
        header: t.common.actions,
        enableHiding: false,
        meta: { className: "w-12 !px-2" },
        cell: ({ row: { original } }) => {
          const isOpen = open === original.id;
          return (
            <IconButton
              label={t.debugger.inspect}
              icon={isOpen ? ChevronDown : ChevronRight}
              aria-expanded={isOpen}
              onClick={() => onOpen(isOpen ? undefined : original.id)}
            />
          );
        },
      },
      {
        id: "code",
        header: t.debugger.reason,
        cell: ({ row }) => <Badge tone="danger">{t.codes[row.original.code] ?? row.original.code}</Badge>,
      },
      { id: "message", header: t.debugger.message, meta: { className: "min-w-52" }, cell: ({ row }) => row.original.message },
      {
        id: "message_id",
        header: t.events.messageId,
        meta: { className: "max-lg:hidden" },
        cell: ({ row }) => <code className="font-mono text-xs text-muted">{row.original.message_id ?? t.common.none}</code>,
      },
      { id: "at", header: t.debugger.at, cell: ({ row }) => <Time at={row.original.at} /> },
    ],
    [open, onOpen],
  );
}
