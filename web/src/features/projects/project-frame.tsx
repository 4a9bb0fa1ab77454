// The frame of one project: its name, its tabs, and what can be done with it.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, Outlet } from "@tanstack/react-router";
import { Archive, ArchiveRestore, FolderX, MoreHorizontal, Pencil } from "lucide-react";
import { createContext, useContext, useState } from "react";
import { ApiError } from "@/api/client";
import type { Project } from "@/api/types";
import { Badge } from "@/patterns/badge";
import { buttonClass, IconButton } from "@/patterns/button";
import { ConfirmDialog } from "@/patterns/dialog";
import { Menu, MenuItem } from "@/patterns/menu";
import { notifyDone, notifyProblem } from "@/patterns/notify";
import { PageHeader } from "@/patterns/page";
import { Bone, EmptyState, ErrorState } from "@/patterns/states";
import { useCan, useMembership } from "@/session/session";
import { t } from "@/strings";
import { ProjectDialog } from "./project-dialog";
import { projectQuery, useProjectStep, useUpdateProject } from "./queries";

const route = getRouteApi("/$tenant/projects/$project");
const ProjectContext = createContext<Project | null>(null);

export function useProject(): Project {
  const project = useContext(ProjectContext);
  if (!project) throw new Error("no project in the address");
  return project;
}

export function ProjectFrame() {
  const { tenant } = useMembership();
  const { project: id } = route.useParams();
  const { data: project, error, refetch } = useQuery(projectQuery(tenant.slug, id));
  if (!project && error) {
    const isGone = error instanceof ApiError && (error.status === 404 || error.status === 422 || error.status === 400);
    if (!isGone) return <ErrorState error={error} onRetry={() => void refetch()} />;
    return (
      <>
        <h1 className="sr-only">{t.projects.missing}</h1>
        <EmptyState
          icon={FolderX}
          title={t.projects.missing}
          text={t.projects.missingText}
          action={
            <Link to="/$tenant/projects" params={{ tenant: tenant.slug }} className={buttonClass()}>
              {t.projects.toList}
            </Link>
          }
        />
      </>
    );
  }
  if (!project) {
    return (
      <div role="status" aria-label={t.app.loading}>
        <Bone className="mb-4 h-7 w-56" />
        <Bone className="mb-6 h-8 w-full" />
        <Bone className="h-72 w-full" />
      </div>
    );
  }
  return (
    <ProjectContext value={project}>
      <PageHeader
        title={
          <>
            {project.name}
            {project.status === "archived" ? <Badge>{t.projects.archived}</Badge> : null}
          </>
        }
        text={project.description || undefined}
        actions={<ProjectMenu project={project} />}
      >
        {project.status === "archived" ? (
          <p className="mt-3 rounded-md border bg-subtle px-3 py-2 text-sm text-muted">{t.projects.archivedNotice}</p>
        ) : null}
        <Tabs id={project.id} />
      </PageHeader>
      <Outlet />
    </ProjectContext>
  );
}

function Tabs({ id }: { id: string }) {
  const { tenant } = useMembership();
  const can = useCan();
  const tabs = [
    { to: "/$tenant/projects/$project/live", label: t.projects.live, needs: "event.read" },
    { to: "/$tenant/projects/$project/explorer", label: t.projects.explorer, needs: "event.read" },
    { to: "/$tenant/projects/$project/chart", label: t.projects.chart, needs: "event.read" },
    { to: "/$tenant/projects/$project/debugger", label: t.projects.debugger, needs: "event.read" },
    { to: "/$tenant/projects/$project/ledger", label: t.projects.ledger, needs: "event.read" },
    { to: "/$tenant/projects/$project/keys", label: t.projects.keys, needs: "write_key.read" },
  ] as const;
  return (
    <nav aria-label={t.projects.tabs} className="mt-3 -mb-px overflow-x-auto border-b">
      <ul className="flex gap-1">
        {tabs
          .filter((tab) => can(tab.needs))
          .map((tab) => (
            <li key={tab.to}>
              <Link
                to={tab.to}
                params={{ tenant: tenant.slug, project: id }}
                activeOptions={{ includeSearch: false }}
                className="block border-b-2 border-transparent px-2.5 py-2 text-sm whitespace-nowrap text-muted -outline-offset-2 hover:text-text"
                activeProps={{ className: "!border-brand !text-text font-medium" }}
              >
                {tab.label}
              </Link>
            </li>
          ))}
      </ul>
    </nav>
  );
}

function ProjectMenu({ project }: { project: Project }) {
  const can = useCan();
  const [opened, setOpened] = useState<"edit" | "archive" | null>(null);
  const update = useUpdateProject(project);
  const archive = useProjectStep(project, "archive");
  const restore = useProjectStep(project, "restore");
  const isArchived = project.status === "archived";
  const canUpdate = can("project.update");
  const canArchive = can("project.archive");
  if (!canUpdate && !canArchive) return null;
  const bringBack = () =>
    restore.mutateAsync().then(
      () => notifyDone(t.projects.restoreDone(project.name)),
      (error: unknown) => notifyProblem(error),
    );
  return (
    <>
      <Menu trigger={<IconButton label={t.projects.options} icon={MoreHorizontal} variant="secondary" />}>
        {canUpdate ? (
          <MenuItem icon={Pencil} onSelect={() => setOpened("edit")}>
            {t.projects.edit}
          </MenuItem>
        ) : null}
        {canArchive && isArchived ? (
          <MenuItem icon={ArchiveRestore} onSelect={() => void bringBack()}>
            {t.projects.restore}
          </MenuItem>
        ) : null}
        {canArchive && !isArchived ? (
          <MenuItem icon={Archive} danger onSelect={() => setOpened("archive")}>
            {t.projects.archive}
          </MenuItem>
        ) : null}
      </Menu>
      <ProjectDialog
        project={project}
        open={opened === "edit"}
        onOpenChange={(open) => setOpened(open ? "edit" : null)}
        onSubmit={async (values) => {
          await update.mutateAsync(values);
          notifyDone(t.common.saved);
          setOpened(null);
        }}
      />
      <ConfirmDialog
        open={opened === "archive"}
        onOpenChange={(open) => setOpened(open ? "archive" : null)}
        title={t.projects.archiveTitle(project.name)}
        text={t.projects.archiveText}
        action={t.projects.archive}
        onConfirm={async () => {
          await archive.mutateAsync();
          notifyDone(t.projects.archiveDone(project.name));
        }}
      />
    </>
  );
}
