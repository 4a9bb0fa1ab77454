// What to do with a problem document: faults of known fields go to the form's fields, the rest is
// shown with title, detail and request id so that a person can report it.
import { CircleAlert } from "lucide-react";
import type { FieldValues, Path, UseFormReturn } from "react-hook-form";
import { ApiError } from "@/api/client";
import type { Problem } from "@/api/types";
import { t } from "@/strings";

export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  const detail = error instanceof Error ? error.message : "";
  return { type: "about:blank", title: t.errors.crashed, status: 0, code: "interface", detail, request_id: "" };
}

export function problemText(problem: Problem): string {
  if (problem.code === "network") return t.common.noNetwork;
  return problem.detail || problem.title;
}

/** Puts `errors[].field` on the form's fields; answers the problem if something is left to say. */
export function placeFaults<T extends FieldValues>(error: unknown, form: UseFormReturn<T>): Problem | null {
  const problem = problemOf(error);
  const names = new Set(flatten(form.getValues()));
  const left = (problem.errors ?? []).filter((fault) => {
    const name = fault.field.replace(/^\//, "").replaceAll("/", ".");
    if (!names.has(name)) return true;
    form.setError(name as Path<T>, { type: fault.code, message: fault.message }, { shouldFocus: true });
    return false;
  });
  const placed = (problem.errors?.length ?? 0) - left.length;
  if (placed > 0 && left.length === 0) return null;
  return { ...problem, errors: left };
}

function flatten(values: FieldValues, before = ""): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const path = `${before}${name}`;
    const isGroup = typeof value === "object" && value !== null && !Array.isArray(value);
    return isGroup ? [path, ...flatten(value as FieldValues, `${path}.`)] : [path];
  });
}

export function ProblemNotice({ problem }: { problem: Problem | null }) {
  if (!problem) return null;
  return (
    <div role="alert" className="flex gap-2.5 rounded-md border border-danger/30 bg-danger-soft px-3 py-2.5 text-sm">
      <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-danger" />
      <div className="min-w-0">
        <p className="font-medium text-danger">{problem.code === "network" ? t.common.noNetwork : problem.title}</p>
        {problem.detail && problem.detail !== problem.title ? <p className="text-text">{problem.detail}</p> : null}
        {problem.errors?.map((fault) => (
          <p key={`${fault.field}${fault.code}`} className="text-text">
            {fault.message}
          </p>
        ))}
        {problem.request_id ? (
          <p className="mt-1 font-mono text-2xs break-all text-muted">{t.common.requestId(problem.request_id)}</p>
        ) : null}
      </div>
    </div>
  );
}
