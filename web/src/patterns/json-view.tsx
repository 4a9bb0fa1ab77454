// JSON with colours, for reading. Coloured by a small tokenizer over the pretty-printed text, so
// nothing is ever parsed as HTML.
import clsx from "clsx";
import { useMemo, type ReactNode } from "react";

const token = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;

function paint(text: string): ReactNode[] {
  const out: ReactNode[] = [];
  let end = 0;
  for (const match of text.matchAll(token)) {
    if (match.index > end) out.push(text.slice(end, match.index));
    const [whole, string, colon, word] = match;
    const kind = string ? (colon ? "json-key" : "json-string") : word ? "json-word" : "json-number";
    out.push(
      <span key={match.index} className={kind}>
        {string ?? whole}
      </span>,
    );
    if (colon) out.push(colon);
    end = match.index + whole.length;
  }
  out.push(text.slice(end));
  return out;
}

export function JsonView({ value, label, className }: { value: unknown; label: string; className?: string }) {
  const painted = useMemo(() => paint(JSON.stringify(value, null, 2) ?? ""), [value]);
  return (
    <pre
      tabIndex={0}
      role="region"
      aria-label={label}
      className={clsx("overflow-auto rounded-md border bg-subtle p-3 font-mono text-xs leading-5 break-words whitespace-pre-wrap", className)}
    >
      {painted}
    </pre>
  );
}
