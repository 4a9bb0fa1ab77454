// All projects of the tenant.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import type { ColumnDef } from "@tanstack/react-table";
import { FolderKanban, Plus } from "lucide-react";
import { useMemo } from "react";
import type { Project } from "@/api/types";
import { Badge } from "@/patterns/badge";
import { Button } from "@/patterns/button";
import { DataTable } from "@/patterns/data-table";
import { ChoiceFilter, ClearFilters, TextFilter, useSearchPatch } from "@/patterns/filters";
import { Time, useFormat } from "@/patterns/format";
import { notifyDone } from "@/patterns/notify";
import { PageHeader, usePageTitle } from "@/patterns/page";
import { EmptyState } from "@/patterns/states";
import { useCan, useMembership } from "@/session/session";
import { t } from "@/strings";
import { projectsQuery, useCreateProject } from "./queries";
import { ProjectDialog } from "./project-dialog";

const route = getRouteApi("/$tenant/projects/");

export function ProjectsPage() {
  const { tenant } = useMembership();
  const search = route.useSearch();
  const patch = useSearchPatch();
  const navigate = useNavigate();
  const can = useCan();
  const create = useCreateProject();
  usePageTitle(t.projects.title, tenant.name);
  const query = useQuery(
    projectsQuery(tenant.slug, { q: search.q, status: search.status, sort: search.sort ?? "-created_at", cursor: search.cursor }),
  );
  const columns = useColumns(tenant.slug);
  const isFiltered = Boolean(search.q ?? search.status);
  const open = (isOpen: boolean) => patch({ new: isOpen ? "1" : undefined }, { replace: true });
  const canCreate = can("project.create");
  const createButton = canCreate ? (
    <Button variant="primary" icon={Plus} onClick={() => open(true)}>
      {t.projects.create}
    </Button>
  ) : null;
  return (
    <>
      <PageHeader title={t.projects.title} text={t.projects.text} actions={createButton} />
      <DataTable
        name="projects"
        label={t.projects.title}
        choosable
        columns={columns}
        query={query}
        rowId={(project) => project.id}
        sort={search.sort ?? "-created_at"}
        onSort={(sort) => patch({ sort })}
        cursor={search.cursor}
        onCursor={(cursor) => patch({ cursor })}
        filters={
          <>
            <TextFilter icon label={t.projects.searchHint} value={search.q} onChange={(q) => patch({ q }, { replace: true })} />
            <ChoiceFilter
              label={t.common.status}
              value={search.status}
              onChange={(status) => patch({ status })}
              every={t.projects.everyStatus}
              options={[
                { value: "active", label: t.projects.active },
                { value: "archived", label: t.projects.archived },
              ]}
            />
            <ClearFilters active={isFiltered} onClear={() => patch({ q: undefined, status: undefined })} />
          </>
        }
        empty={
          isFiltered ? (
            <EmptyState title={t.projects.noMatch} text={t.projects.noMatchText} />
          ) : (
            <EmptyState
              icon={FolderKanban}
              title={t.projects.empty}
              text={canCreate ? t.projects.emptyText : t.projects.emptyReader}
              action={createButton}
            />
          )
        }
      />
      <ProjectDialog
        open={canCreate && search.new === "1"}
        onOpenChange={open}
        onSubmit={async (values) => {
          const project = await create.mutateAsync(values);
          notifyDone(t.projects.created(project.name));
          await navigate({ to: "/$tenant/projects/$project/keys", params: { tenant: tenant.slug, project: project.id } });
        }}
      />
    </>
  );
}

function useColumns(tenant: string): ColumnDef<Project>[] {
  const format = useFormat();
  return useMemo(
    () => [
      {
        id: "name",
        header: t.projects.name,
        enableHiding: false,
        meta: { sort: "name", className: "min-w-44" },
        cell: ({ row: { original: project } }) => (
          <div className="min-w-0">
            <Link
              to="/$tenant/projects/$project/live"
              params={{ tenant, project: project.id }}
              className="rounded-sm font-medium break-words hover:text-brand"
            >
              {project.name}
            </Link>
            {project.description ? <p className="line-clamp-1 max-w-md text-xs text-muted">{project.description}</p> : null}
          </div>
        ),
      },
      {
        id: "events",
        header: t.projects.events24h,
        meta: { className: "text-right" },
        cell: ({ row }) => format.number(row.original.events_24h),
      },
      {
        id: "status",
        header: t.common.status,
        cell: ({ row }) =>
          row.original.status === "active" ? <Badge tone="success">{t.projects.active}</Badge> : <Badge>{t.projects.archived}</Badge>,
      },
      {
        id: "created",
        header: t.common.created,
        meta: { sort: "created_at", className: "max-sm:hidden" },
        cell: ({ row }) => <Time at={row.original.created_at} />,
      },
    ],
    [format, tenant],
  );
}
