// When a session ends in the middle of work: sign in here, and the waiting requests go on.
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { onSessionLoss } from "@/api/client";
import { queryClient } from "@/api/query";
import { meQuery } from "./session";

const SignInAgain = lazy(() => import("@/features/auth/sign-in-again"));

export function SessionEnded() {
  const [isAsking, setAsking] = useState(false);
  const waiting = useRef<(() => void)[]>([]);
  useEffect(() => {
    const ask = () =>
      new Promise<void>((resolve) => {
        waiting.current.push(resolve);
        setAsking(true);
      });
    const renew = async () => {
      await queryClient.fetchQuery({ ...meQuery, staleTime: 0 });
    };
    onSessionLoss(ask, renew);
  }, []);
  if (!isAsking) return null;
  const goOn = () => {
    setAsking(false);
    waiting.current.splice(0).forEach((resolve) => resolve());
  };
  return (
    <Suspense>
      <SignInAgain onDone={goOn} />
    </Suspense>
  );
}
