// Code that is meant to be copied.
import clsx from "clsx";
import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { t } from "@/strings";
import { Button } from "./button";

async function copyText(text: string): Promise<void> {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "sr-only";
  (document.activeElement?.closest("[role=dialog]") ?? document.body).appendChild(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function CopyButton({ text, label = t.common.copy, className }: { text: string; label?: string; className?: string }) {
  const [isDone, setDone] = useState(false);
  useEffect(() => {
    if (!isDone) return;
    const timer = window.setTimeout(() => setDone(false), 1600);
    return () => window.clearTimeout(timer);
  }, [isDone]);
  return (
    <Button
      size="sm"
      icon={isDone ? Check : Copy}
      className={className}
      onClick={() => void copyText(text).then(() => setDone(true))}
    >
      <span aria-live="polite">{isDone ? t.common.copied : label}</span>
    </Button>
  );
}

export function CodeBlock({ code, label, className }: { code: string; label: string; className?: string }) {
  return (
    <div className={clsx("rounded-md border bg-subtle", className)}>
      <div className="flex items-center justify-between gap-2 border-b py-1 pr-1 pl-3">
        <span className="text-xs font-medium text-muted">{label}</span>
        <CopyButton text={code} />
      </div>
      <pre tabIndex={0} role="region" aria-label={label} className="max-h-80 overflow-auto p-3 font-mono text-xs leading-5">
        <code>{code}</code>
      </pre>
    </div>
  );
}
