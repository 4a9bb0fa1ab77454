// Mounts the toaster with the first message.
import { lazy, Suspense, useEffect, useState } from "react";
import { onFirstMessage } from "@/patterns/notify";

const Toaster = lazy(() => import("./toaster"));

export function Toasts() {
  const [isWanted, setWanted] = useState(false);
  useEffect(() => onFirstMessage(() => setWanted(true)), []);
  if (!isWanted) return null;
  return (
    <Suspense>
      <Toaster />
    </Suspense>
  );
}
