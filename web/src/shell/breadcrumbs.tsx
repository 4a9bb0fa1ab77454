// Where one is, from the matched routes. A route says its word in `staticData.crumb`; the crumb of
// a project is the project's name.
import { useQuery } from "@tanstack/react-query";
import { Link, useMatches } from "@tanstack/react-router";
import { ChevronRight } from "lucide-react";
import { Fragment } from "react";
import { projectQuery } from "@/features/projects/queries";
import { useMembership } from "@/session/session";
import { t } from "@/strings";

export interface Crumb {
  crumb?: string;
  /** The crumb is the name of the project in the address. */
  isProject?: boolean;
}

declare module "@tanstack/react-router" {
  interface StaticDataRouteOption extends Crumb {}
}

export function Breadcrumbs() {
  const matches = useMatches().filter(({ staticData }) => staticData.crumb ?? staticData.isProject);
  return (
    <nav aria-label={t.shell.breadcrumbs} className="min-w-0 shrink">
      <ol className="flex min-w-0 items-center gap-1 text-sm">
        {matches.map((match, i) => {
          const isLast = i === matches.length - 1;
          const id = (match.params as { project?: string }).project;
          const label = match.staticData.isProject && id ? <ProjectName id={id} /> : match.staticData.crumb;
          return (
            <Fragment key={match.id}>
              {i > 0 ? <ChevronRight aria-hidden className="size-3.5 shrink-0 text-muted max-sm:hidden" /> : null}
              <li className={isLast ? "min-w-0 truncate font-medium" : "min-w-0 truncate max-sm:hidden"}>
                {isLast ? (
                  <span aria-current="page">{label}</span>
                ) : (
                  <Link to={match.pathname} className="rounded-sm text-muted hover:text-text">
                    {label}
                  </Link>
                )}
              </li>
            </Fragment>
          );
        })}
      </ol>
    </nav>
  );
}

function ProjectName({ id }: { id: string }) {
  const { tenant } = useMembership();
  const { data } = useQuery(projectQuery(tenant.slug, id));
  return <>{data?.name ?? t.projects.one}</>;
}
