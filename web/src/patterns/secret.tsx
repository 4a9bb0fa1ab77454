// A secret that is shown once: the key itself, and a sentence that says so.
import { TriangleAlert } from "lucide-react";
import { CopyButton } from "./copy";

export function Secret({ value, text, copyLabel }: { value: string; text: string; copyLabel: string }) {
  return (
    <div className="flex flex-col gap-2">
      <p className="flex items-start gap-2 text-sm text-warning">
        <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" strokeWidth={1.75} />
        {text}
      </p>
      <div className="flex items-center gap-2 rounded-md border bg-subtle p-2">
        <code data-secret className="min-w-0 flex-1 font-mono text-xs break-all">
          {value}
        </code>
        <CopyButton text={value} label={copyLabel} />
      </div>
    </div>
  );
}
