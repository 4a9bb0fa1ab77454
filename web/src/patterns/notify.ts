// Short messages at the edge of the screen: what was done, or why it was not.
import { toast } from "sonner";
import { t } from "@/strings";
import { problemOf, problemText } from "./problem";

export function notifyDone(text: string): void {
  toast.success(text);
}

export function notifyProblem(error: unknown): void {
  const problem = problemOf(error);
  const description = problem.request_id ? t.common.requestId(problem.request_id) : undefined;
  toast.error(problemText(problem), { description, duration: 8000 });
}
