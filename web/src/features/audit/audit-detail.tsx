// One entry opened: every field with its value before and after.
import type { ReactNode } from "react";
import type { AuditEntry } from "@/api/types";
import { useFormat } from "@/patterns/format";
import { t } from "@/strings";

function text(value: unknown): string {
  if (value === undefined || value === null || value === "") return t.audit.empty_value;
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function AuditDetail({ entry }: { entry: AuditEntry }) {
  const format = useFormat();
  const changes = Object.entries(entry.changes ?? {});
  return (
    <div className="flex max-w-5xl flex-col gap-4">
      {changes.length === 0 ? (
        <p className="text-sm text-muted">{t.audit.noChanges}</p>
      ) : (
        <table className="w-full table-fixed rounded-md border bg-surface text-xs">
          <thead>
            <tr className="border-b text-left text-muted">
              <th scope="col" className="h-8 w-1/4 px-3 font-medium">
                {t.audit.field}
              </th>
              <th scope="col" className="px-3 font-medium">
                {t.audit.before}
              </th>
              <th scope="col" className="px-3 font-medium">
                {t.audit.after}
              </th>
            </tr>
          </thead>
          <tbody>
            {changes.map(([field, { old: before, new: after }]) => (
              <tr key={field} className="border-b align-top last:border-0">
                <th scope="row" className="px-3 py-1.5 text-left font-medium break-words">
                  {field}
                </th>
                <Value value={before} className="bg-danger-soft/60" />
                <Value value={after} className="bg-success-soft/60" />
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <dl className="grid grid-cols-[6rem_minmax(0,1fr)] gap-x-3 gap-y-1 text-xs sm:grid-cols-[6rem_minmax(0,1fr)_6rem_minmax(0,1fr)]">
        <Fact label={t.audit.when}>{format.full(entry.at)}</Fact>
        <Fact label={t.audit.ip}>{entry.ip}</Fact>
        <Fact label={t.audit.objectId}>{entry.object_id}</Fact>
        <Fact label={t.audit.request}>{entry.request_id}</Fact>
        <Fact label={t.audit.agent}>{entry.user_agent}</Fact>
      </dl>
    </div>
  );
}

function Value({ value, className }: { value: unknown; className: string }) {
  const isEmpty = value === undefined || value === null || value === "";
  return (
    <td className={`px-3 py-1.5 font-mono break-words whitespace-pre-wrap ${isEmpty ? "text-muted italic" : className}`}>{text(value)}</td>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  if (!children) return null;
  return (
    <>
      <dt className="text-muted">{label}</dt>
      <dd className="font-mono break-all">{children}</dd>
    </>
  );
}
