// Who changed what, when, from where, and what it was before.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import type { ColumnDef } from "@tanstack/react-table";
import { ChevronDown, ChevronRight, ScrollText } from "lucide-react";
import { useMemo } from "react";
import { api, inTenant } from "@/api/client";
import { keys } from "@/api/query";
import type { AuditEntry, Page } from "@/api/types";
import { Badge } from "@/patterns/badge";
import { IconButton } from "@/patterns/button";
import { DataTable } from "@/patterns/data-table";
import { ChoiceFilter, ClearFilters, TimeFilter, useSearchPatch } from "@/patterns/filters";
import { Time } from "@/patterns/format";
import { PageHeader, usePageTitle } from "@/patterns/page";
import { EmptyState } from "@/patterns/states";
import { membersQuery } from "@/features/team/queries";
import { useCan, useMembership } from "@/session/session";
import { t } from "@/strings";
import { AuditDetail } from "./audit-detail";

const route = getRouteApi("/$tenant/audit");

export function AuditPage() {
  const { tenant } = useMembership();
  usePageTitle(t.audit.title, tenant.name);
  const can = useCan();
  const { cursor, open, ...filters } = route.useSearch();
  const patch = useSearchPatch();
  const query = useQuery({
    queryKey: keys.tenant(tenant.slug, "audit", { ...filters, cursor }),
    queryFn: ({ signal }) => api<Page<AuditEntry>>(inTenant(tenant.slug, "/audit"), { query: { ...filters, cursor, limit: 50 }, signal }),
    placeholderData: keepPreviousData,
  });
  const people = useQuery({ ...membersQuery(tenant.slug, { limit: 200 }), enabled: can("member.read") });
  const set = (name: keyof typeof filters) => (value: string | undefined) => patch({ [name]: value, open: undefined });
  const columns = useColumns(open, (id) => patch({ open: id, cursor }, { replace: true }));
  const isFiltered = Object.keys(filters).length > 0;
  return (
    <>
      <PageHeader title={t.audit.title} text={t.audit.text} />
      <DataTable
        name="audit"
        label={t.audit.title}
        choosable
        columns={columns}
        query={query}
        rowId={(entry) => entry.id}
        cursor={cursor}
        onCursor={(to) => patch({ cursor: to, open: undefined })}
        openId={open}
        detail={(entry) => <AuditDetail entry={entry} />}
        filters={
          <>
            <ChoiceFilter
              label={t.audit.actor}
              value={filters.actor}
              onChange={set("actor")}
              every={t.audit.everyone}
              options={(people.data?.items ?? []).map((member) => ({ value: member.user_id, label: member.name }))}
            />
            <ChoiceFilter
              label={t.audit.noun}
              value={filters.noun}
              onChange={set("noun")}
              every={t.audit.everyNoun}
              options={choices(t.audit.nouns, query.data?.items.map((entry) => entry.noun), filters.noun)}
            />
            <ChoiceFilter
              label={t.audit.action}
              value={filters.action}
              onChange={set("action")}
              every={t.audit.everyAction}
              options={choices(t.audit.actions, query.data?.items.map((entry) => entry.action), filters.action)}
            />
            <TimeFilter label={t.common.from} value={filters.from} onChange={set("from")} />
            <TimeFilter label={t.common.to} value={filters.to} onChange={set("to")} />
            <ClearFilters
              active={isFiltered}
              onClear={() => patch({ actor: undefined, noun: undefined, action: undefined, from: undefined, to: undefined, open: undefined })}
            />
          </>
        }
        empty={
          isFiltered ? (
            <EmptyState title={t.audit.noMatch} text={t.audit.noMatchText} />
          ) : (
            <EmptyState icon={ScrollText} title={t.audit.empty} text={t.audit.emptyText} />
          )
        }
      />
    </>
  );
}

/** The words of the catalogue, and whatever else the server uses in what is shown. */
function choices(known: Record<string, string>, seen: string[] | undefined, chosen: string | undefined) {
  const values = new Set([...Object.keys(known), ...(seen ?? []), ...(chosen ? [chosen] : [])]);
  return [...values].sort().map((value) => ({ value, label: known[value] ?? value.replaceAll("_", " ") }));
}

function useColumns(open: string | undefined, onOpen: (id: string | undefined) => void): ColumnDef<AuditEntry>[] {
  return useMemo(
    () => [
      {
        id: "actions",
        header: t.audit.details,
        enableHiding: false,
        meta: { className: "w-12 !px-2" },
        cell: ({ row: { original: entry } }) => {
          const isOpen = open === entry.id;
          return (
            <IconButton
              label={t.audit.showDetails(`${entry.action} ${entry.noun}`)}
              icon={isOpen ? ChevronDown : ChevronRight}
              aria-expanded={isOpen}
              onClick={() => onOpen(isOpen ? undefined : entry.id)}
            />
          );
        },
      },
      { id: "when", header: t.audit.when, cell: ({ row }) => <Time at={row.original.at} /> },
      {
        id: "who",
        header: t.audit.who,
        meta: { className: "min-w-32 font-medium" },
        cell: ({ row }) => row.original.actor.name || t.common.system,
      },
      {
        id: "what",
        header: t.audit.what,
        meta: { className: "min-w-44" },
        cell: ({ row: { original: entry } }) => (
          <span>
            {t.audit.actions[entry.action] ?? entry.action} <span className="text-muted">{t.audit.nouns[entry.noun] ?? entry.noun.replaceAll("_", " ")}</span>
          </span>
        ),
      },
      {
        id: "changed",
        header: t.audit.object,
        meta: { className: "max-lg:hidden text-muted" },
        cell: ({ row }) => <span className="line-clamp-1">{Object.keys(row.original.changes ?? {}).slice(0, 5).join(", ")}</span>,
      },
      { id: "ip", header: t.audit.ip, meta: { className: "max-md:hidden" }, cell: ({ row }) => <span className="font-mono text-xs">{row.original.ip}</span> },
      {
        id: "outcome",
        header: t.audit.outcome,
        cell: ({ row }) =>
          row.original.outcome === "refused" ? <Badge tone="danger">{t.audit.refused}</Badge> : <Badge tone="success">{t.audit.ok}</Badge>,
      },
    ],
    [open, onOpen],
  );
}
