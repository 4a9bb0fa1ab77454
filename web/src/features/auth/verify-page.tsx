import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { api } from "@/api/client";
import { keys } from "@/api/query";
import { buttonClass } from "@/patterns/button";
import { problemOf, ProblemNotice } from "@/patterns/problem";
import { Bone } from "@/patterns/states";
import { t } from "@/strings";
import { AuthFrame } from "./frame";

const route = getRouteApi("/verify/$token");

export function VerifyPage() {
  const { token } = route.useParams();
  const client = useQueryClient();
  // A query, so that the token is spent once even if the page is drawn twice.
  const { isSuccess, error } = useQuery({
    queryKey: ["verify", token],
    queryFn: async () => {
      await api<void>("/api/v1/auth/verify", { method: "POST", body: { token }, anonymous: true });
      return true;
    },
    retry: false,
    staleTime: Infinity,
  });
  useEffect(() => {
    if (isSuccess) void client.invalidateQueries({ queryKey: keys.me, exact: true });
  }, [client, isSuccess]);
  if (isSuccess) {
    return (
      <AuthFrame title={t.auth.verifyTitle} text={t.auth.verifyDone}>
        <Link to="/" className={buttonClass("primary")}>
          {t.auth.toApp}
        </Link>
      </AuthFrame>
    );
  }
  if (error) {
    const problem = problemOf(error);
    const isSpent = problem.status >= 400 && problem.status < 500;
    return (
      <AuthFrame title={t.auth.verifyFailed} text={isSpent ? t.auth.verifyFailedText : undefined}>
        {isSpent ? null : <ProblemNotice problem={problem} />}
        <Link to="/me/profile" className={buttonClass("secondary", "md", "mt-1")}>
          {t.auth.toProfile}
        </Link>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title={t.auth.verifyTitle} text={t.auth.verifyBusy}>
      <Bone className="h-8 w-32" />
    </AuthFrame>
  );
}
