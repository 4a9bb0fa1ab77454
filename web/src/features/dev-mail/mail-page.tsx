// The development mailbox: what would have been sent. Text only, with its links; the HTML part is
// shown as source, because foreign markup has no place under our content policy.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import clsx from "clsx";
import { ChevronLeft, Inbox, MailOpen, MailX } from "lucide-react";
import { useState, type ReactNode } from "react";
import { api, ApiError } from "@/api/client";
import type { Mail, Page } from "@/api/types";
import { Choice } from "@/patterns/choice";
import { Time, useFormat } from "@/patterns/format";
import { Card, PageHeader, usePageTitle } from "@/patterns/page";
import { Bone, EmptyState, QueryView } from "@/patterns/states";
import { Logo } from "@/shell/logo";
import { t } from "@/strings";

const route = getRouteApi("/dev/mail");

export function MailPage() {
  usePageTitle(t.mail.title);
  const { id } = route.useSearch();
  const query = useQuery({
    queryKey: ["dev-mail"],
    queryFn: ({ signal }) => api<Page<Mail>>("/dev/mail/messages", { signal, anonymous: true }),
    refetchInterval: 3_000,
  });
  const isOff = query.error instanceof ApiError && query.error.status === 404;
  return (
    <main className="mx-auto w-full max-w-6xl px-4 py-6 md:px-6">
      <Link to="/" className="mb-5 inline-flex items-center gap-2 rounded-sm text-sm font-medium text-muted hover:text-text">
        <Logo className="size-6" />
        {t.app.name}
      </Link>
      <PageHeader title={t.mail.title} text={t.mail.text} />
      {isOff ? (
        <Card>
          <EmptyState icon={MailX} title={t.mail.off} text={t.mail.offText} />
        </Card>
      ) : (
        <div className="grid items-start gap-4 md:grid-cols-[20rem_minmax(0,1fr)]">
          <Card className={clsx("overflow-hidden", id && "max-md:hidden")}>
            <QueryView query={query}>
              {({ items }) =>
                items.length === 0 ? <EmptyState icon={Inbox} title={t.mail.empty} text={t.mail.emptyText} /> : <MailList items={items} id={id} />
              }
            </QueryView>
          </Card>
          <Card className={id ? undefined : "max-md:hidden"}>
            {id ? <Message id={id} /> : <EmptyState icon={MailOpen} title={t.mail.inbox} text={t.mail.choose} />}
          </Card>
        </div>
      )}
    </main>
  );
}

function MailList({ items, id }: { items: Pick<Mail, "id" | "to" | "subject" | "at">[]; id: string | undefined }) {
  return (
    <ul aria-label={t.mail.inbox}>
      {items.map((mail) => (
        <li key={mail.id} className="border-b last:border-0">
          <Link
            to="/dev/mail"
            search={{ id: mail.id }}
            aria-current={mail.id === id ? "true" : undefined}
            className={clsx("block px-4 py-2.5 text-sm -outline-offset-2 hover:bg-hover/60", mail.id === id && "bg-brand-soft")}
          >
            <span className="block truncate font-medium">{mail.subject}</span>
            <span className="flex justify-between gap-2 text-xs text-muted">
              <span className="truncate">{mail.to}</span>
              <Time at={mail.at} />
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Message({ id }: { id: string }) {
  const format = useFormat();
  const [part, setPart] = useState<"text" | "html">("text");
  const query = useQuery({
    queryKey: ["dev-mail", id],
    queryFn: ({ signal }) => api<Mail>(`/dev/mail/messages/${encodeURIComponent(id)}`, { signal, anonymous: true }),
  });
  return (
    <QueryView query={query} loading={<Bone className="m-4 h-48" />}>
      {(mail) => (
        <article className="p-5">
          <Link to="/dev/mail" className="mb-3 inline-flex items-center gap-1 rounded-sm text-sm text-muted md:hidden">
            <ChevronLeft aria-hidden className="size-4" />
            {t.mail.inbox}
          </Link>
          <h2 className="text-lg font-semibold break-words">{mail.subject}</h2>
          <dl className="mt-2 mb-4 grid grid-cols-[4rem_minmax(0,1fr)] gap-y-0.5 text-xs">
            <dt className="text-muted">{t.mail.from}</dt>
            <dd className="break-all">{mail.from}</dd>
            <dt className="text-muted">{t.mail.to}</dt>
            <dd className="break-all">{mail.to}</dd>
            <dt className="text-muted">{t.mail.at}</dt>
            <dd>{format.full(mail.at)}</dd>
          </dl>
          {mail.html ? (
            <div className="mb-3">
              <Choice
                label={t.mail.inbox}
                value={part}
                onChange={setPart}
                options={[
                  { value: "text", label: t.mail.textPart },
                  { value: "html", label: t.mail.htmlPart },
                ]}
              />
            </div>
          ) : null}
          {part === "text" || !mail.html ? (
            <p className="text-sm break-words whitespace-pre-wrap">{withLinks(mail.text)}</p>
          ) : (
            <pre tabIndex={0} role="region" aria-label={t.mail.htmlPart} className="max-h-[32rem] overflow-auto rounded-md border bg-subtle p-3 font-mono text-xs whitespace-pre-wrap">
              {mail.html}
            </pre>
          )}
        </article>
      )}
    </QueryView>
  );
}

function withLinks(text: string): ReactNode[] {
  return text.split(/(https?:\/\/[^\s<>"]+)/).map((piece, i) =>
    i % 2 === 1 ? (
      <a key={i} href={piece} rel="noreferrer" className="rounded-sm font-medium break-all text-brand underline underline-offset-2">
        {piece}
      </a>
    ) : (
      piece
    ),
  );
}
