import { getRouteApi, Link, useRouter } from "@tanstack/react-router";
import { ownAddress } from "@/session/next";
import { t } from "@/strings";
import { AuthFrame, linkClass } from "./frame";
import { LoginForm } from "./login-form";

const route = getRouteApi("/login");

export function LoginPage() {
  const { next } = route.useSearch();
  const router = useRouter();
  return (
    <AuthFrame
      title={t.auth.signInTitle}
      footer={
        <>
          {t.auth.noAccount}{" "}
          <Link to="/register" className={linkClass}>
            {t.auth.register}
          </Link>
        </>
      }
    >
      <LoginForm
        onDone={async () => {
          const to = ownAddress(next);
          await (to ? router.navigate({ href: to }) : router.navigate({ to: "/" }));
        }}
      />
      <p className="mt-4 text-center text-sm">
        <Link to="/forgot" className={linkClass}>
          {t.auth.forgot}
        </Link>
      </p>
    </AuthFrame>
  );
}
