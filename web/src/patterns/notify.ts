// Short messages at the edge of the screen: what was done, or why it was not. The code that draws
// them is loaded with the first message.
import { t } from "@/strings";
import { problemOf, problemText } from "./problem";

type Sonner = typeof import("sonner");
let wanted: (() => void) | null = null;
let settle: (sonner: Sonner) => void = () => undefined;
const mounted = new Promise<Sonner>((resolve) => {
  settle = resolve;
});

/** The shell says how to mount the toaster; the toaster says when it listens. */
export function onFirstMessage(mount: () => void): void {
  wanted = mount;
}
export function toasterListens(sonner: Sonner): void {
  settle(sonner);
}

function toaster(): Promise<Sonner> {
  wanted?.();
  return mounted;
}

export function notifyDone(text: string): void {
  void toaster().then(({ toast }) => toast.success(text));
}

export function notifyProblem(error: unknown): void {
  const problem = problemOf(error);
  const description = problem.request_id ? t.common.requestId(problem.request_id) : undefined;
  void toaster().then(({ toast }) => toast.error(problemText(problem), { description, duration: 8000 }));
}
