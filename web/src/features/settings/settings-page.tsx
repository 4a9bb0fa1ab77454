// What holds for the whole organisation.
import { zodResolver } from "@hookform/resolvers/zod";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import { api, ApiError, inTenant } from "@/api/client";
import { keys } from "@/api/query";
import type { Problem, Tenant } from "@/api/types";
import { Button } from "@/patterns/button";
import { Field, Input, Select } from "@/patterns/field";
import { UnsavedGuard } from "@/patterns/guard";
import { notifyDone } from "@/patterns/notify";
import { Card, PageHeader, usePageTitle } from "@/patterns/page";
import { placeFaults, ProblemNotice } from "@/patterns/problem";
import { Bone, QueryView } from "@/patterns/states";
import { useCan, useMembership } from "@/session/session";
import { tenantQuery } from "@/shell/shell";
import { t } from "@/strings";

z.config({ jitless: true });
const schema = z.object({
  name: z.string().check(z.trim(), z.minLength(1, t.validation.required), z.maxLength(100, t.validation.tooLong(100))),
  time_zone: z.string(),
  currency: z.string(),
});
type Values = z.infer<typeof schema>;

export function SettingsPage() {
  const { tenant } = useMembership();
  usePageTitle(t.settings.title, tenant.name);
  const query = useQuery(tenantQuery(tenant.slug));
  return (
    <>
      <PageHeader title={t.settings.title} text={t.settings.text} />
      <Card className="max-w-xl p-5">
        <QueryView query={query} loading={<Bone className="h-64" />}>
          {(data) => <SettingsForm tenant={data} />}
        </QueryView>
      </Card>
    </>
  );
}

/** The list of the browser, and the present value should the browser not know it. */
function listed(kind: "timeZone" | "currency", present: string): string[] {
  const all = new Set(Intl.supportedValuesOf(kind));
  if (kind === "timeZone") all.add("UTC");
  all.add(present);
  return [...all].sort();
}

function SettingsForm({ tenant }: { tenant: Tenant }) {
  const isEditable = useCan()("tenant.update");
  const client = useQueryClient();
  const [problem, setProblem] = useState<Problem | null>(null);
  const values: Values = { name: tenant.name, time_zone: tenant.time_zone, currency: tenant.currency };
  const form = useForm<Values>({ resolver: zodResolver(schema), defaultValues: values, values, resetOptions: { keepDirtyValues: true } });
  const { errors, isSubmitting, isDirty } = form.formState;
  const submit = form.handleSubmit(async (body) => {
    setProblem(null);
    try {
      const saved = await api<Tenant>(inTenant(tenant.slug), { method: "PATCH", body, version: tenant.version });
      form.reset({ name: saved.name, time_zone: saved.time_zone, currency: saved.currency });
      client.setQueryData(tenantQuery(tenant.slug).queryKey, saved);
      void client.invalidateQueries({ queryKey: keys.me, exact: true });
      notifyDone(t.settings.saved);
    } catch (error) {
      const left = placeFaults(error, form);
      const isStale = error instanceof ApiError && error.status === 412;
      setProblem(left && isStale ? { ...left, detail: t.common.changedElsewhere } : left);
      if (isStale) void client.invalidateQueries({ queryKey: keys.tenant(tenant.slug, "tenant") });
    }
  });
  return (
    <form noValidate onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <UnsavedGuard dirty={isDirty && !isSubmitting} />
      {isEditable ? null : <p className="text-sm text-muted">{t.settings.readOnly}</p>}
      <ProblemNotice problem={problem} />
      <Field label={t.settings.name} error={errors.name?.message}>
        <Input {...form.register("name")} readOnly={!isEditable} autoComplete="organization" />
      </Field>
      <Field label={t.settings.slug} hint={t.settings.slugHint}>
        <Input value={`${window.location.host}/${tenant.slug}`} readOnly />
      </Field>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={t.settings.timeZone} hint={t.settings.timeZoneHint} error={errors.time_zone?.message}>
          <Select {...form.register("time_zone", { disabled: !isEditable })}>
            {listed("timeZone", tenant.time_zone).map((zone) => (
              <option key={zone}>{zone}</option>
            ))}
          </Select>
        </Field>
        <Field label={t.settings.currency} hint={t.settings.currencyHint} error={errors.currency?.message}>
          <Select {...form.register("currency", { disabled: !isEditable })}>
            {listed("currency", tenant.currency).map((currency) => (
              <option key={currency}>{currency}</option>
            ))}
          </Select>
        </Field>
      </div>
      {isEditable ? (
        <div className="flex justify-end">
          <Button type="submit" variant="primary" busy={isSubmitting} disabled={!isDirty}>
            {t.common.save}
          </Button>
        </div>
      ) : null}
    </form>
  );
}
