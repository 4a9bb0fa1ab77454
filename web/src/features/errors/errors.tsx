// Nothing here, and something broke.
import { Link } from "@tanstack/react-router";
import { Compass, ServerCrash } from "lucide-react";
import { useQuery } from "@tanstack/react-query";
import { useContext } from "react";
import { buttonClass } from "@/patterns/button";
import { problemOf, problemText } from "@/patterns/problem";
import { EmptyState } from "@/patterns/states";
import { usePageTitle } from "@/patterns/page";
import { meQuery, TenantContext } from "@/session/session";
import { t } from "@/strings";

export function NotFoundPage() {
  usePageTitle(t.errors.notFound);
  const { data: me } = useQuery({ ...meQuery, enabled: false });
  // Inside the shell there is a <main> already.
  const Frame = useContext(TenantContext) ? "div" : "main";
  return (
    <Frame className="grid min-h-[70dvh] place-items-center">
      <h1 className="sr-only">{t.errors.notFound}</h1>
      <EmptyState
        icon={Compass}
        title={t.errors.notFound}
        text={t.errors.notFoundText}
        action={
          me && me.tenants.length > 0 ? (
            me.tenants.slice(0, 6).map(({ tenant }) => (
              <Link key={tenant.id} to="/$tenant" params={{ tenant: tenant.slug }} className={buttonClass()}>
                {tenant.name}
              </Link>
            ))
          ) : (
            <Link to="/" className={buttonClass("primary")}>
              {t.errors.toHome}
            </Link>
          )
        }
      />
    </Frame>
  );
}

export function Crashed({ error }: { error: unknown }) {
  usePageTitle(t.errors.crashed);
  const problem = problemOf(error);
  return (
    <div role="alert" className="grid min-h-[60dvh] place-items-center">
      <EmptyState
        icon={ServerCrash}
        title={problem.status === 0 && problem.code === "network" ? t.common.noNetwork : t.errors.crashed}
        text={problem.status > 0 ? problemText(problem) : t.errors.crashedText}
        action={
          <button type="button" className={buttonClass("primary")} onClick={() => window.location.reload()}>
            {t.errors.reload}
          </button>
        }
      />
    </div>
  );
}
