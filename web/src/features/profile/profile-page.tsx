// The person's own data and password.
import { zodResolver } from "@hookform/resolvers/zod";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import { api } from "@/api/client";
import { keys } from "@/api/query";
import type { Problem } from "@/api/types";
import { Badge } from "@/patterns/badge";
import { Button, buttonClass } from "@/patterns/button";
import { Field, Input, PasswordInput } from "@/patterns/field";
import { UnsavedGuard } from "@/patterns/guard";
import { notifyDone } from "@/patterns/notify";
import { Card, PageHeader, Section, usePageTitle } from "@/patterns/page";
import { placeFaults, ProblemNotice } from "@/patterns/problem";
import { newPassword, personName, required } from "@/features/auth/schemas";
import { useMe } from "@/session/session";
import { t } from "@/strings";
import { resendVerification } from "./verify-notice";

export function ProfilePage() {
  usePageTitle(t.profile.title);
  const me = useMe();
  return (
    <>
      <PageHeader
        title={t.profile.title}
        text={t.profile.text}
        actions={
          <Link to="/me/sessions" className={buttonClass()}>
            {t.profile.sessions}
          </Link>
        }
      />
      <div className="max-w-xl">
        <Section title={t.profile.person}>
          <Card className="p-5">
            <PersonForm />
          </Card>
        </Section>
        <Section title={t.profile.password} text={t.profile.passwordText}>
          <Card className="p-5">
            <PasswordForm />
          </Card>
        </Section>
        <Section title={t.profile.memberships}>
          <Card>
            <ul>
              {me.tenants.map(({ tenant, role }) => (
                <li key={tenant.id} className="flex min-h-11 items-center justify-between gap-3 border-b px-4 py-2 text-sm last:border-0">
                  <Link to="/$tenant" params={{ tenant: tenant.slug }} className="min-w-0 rounded-sm font-medium break-words hover:text-brand">
                    {tenant.name}
                  </Link>
                  <Badge>{t.roles[role] ?? role}</Badge>
                </li>
              ))}
            </ul>
          </Card>
        </Section>
      </div>
    </>
  );
}

const personSchema = z.object({ name: personName });

function PersonForm() {
  const { user } = useMe();
  const client = useQueryClient();
  const [problem, setProblem] = useState<Problem | null>(null);
  const form = useForm({ resolver: zodResolver(personSchema), defaultValues: { name: user.name } });
  const { errors, isSubmitting, isDirty } = form.formState;
  const submit = form.handleSubmit(async (body) => {
    setProblem(null);
    try {
      await api<unknown>("/api/v1/me", { method: "PATCH", body });
      form.reset(body);
      await client.invalidateQueries({ queryKey: keys.me, exact: true });
      notifyDone(t.profile.saved);
    } catch (error) {
      setProblem(placeFaults(error, form));
    }
  });
  return (
    <form noValidate onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <UnsavedGuard dirty={isDirty && !isSubmitting} />
      <ProblemNotice problem={problem} />
      <Field label={t.profile.name} error={errors.name?.message}>
        <Input {...form.register("name")} autoComplete="name" />
      </Field>
      <Field label={t.profile.email}>
        <Input value={user.email} readOnly type="email" />
      </Field>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <span className="flex items-center gap-2">
          {user.email_verified ? (
            <Badge tone="success">{t.profile.verified}</Badge>
          ) : (
            <>
              <Badge tone="warning">{t.profile.unverified}</Badge>
              <Button size="sm" onClick={() => void resendVerification()}>
                {t.profile.resend}
              </Button>
            </>
          )}
        </span>
        <Button type="submit" variant="primary" busy={isSubmitting} disabled={!isDirty}>
          {t.common.save}
        </Button>
      </div>
    </form>
  );
}

const passwordSchema = z.object({ current_password: required, password: newPassword });

function PasswordForm() {
  const { user } = useMe();
  const client = useQueryClient();
  const [problem, setProblem] = useState<Problem | null>(null);
  const form = useForm({ resolver: zodResolver(passwordSchema), defaultValues: { current_password: "", password: "" } });
  const { errors, isSubmitting } = form.formState;
  const submit = form.handleSubmit(async (body) => {
    setProblem(null);
    try {
      await api<void>("/api/v1/me/password", { method: "POST", body });
      form.reset();
      void client.invalidateQueries({ queryKey: keys.devices });
      notifyDone(t.profile.changed);
    } catch (error) {
      setProblem(placeFaults(error, form));
    }
  });
  return (
    <form noValidate onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <input type="email" autoComplete="username" value={user.email} readOnly hidden />
      <ProblemNotice problem={problem} />
      <Field label={t.profile.current} error={errors.current_password?.message}>
        <PasswordInput {...form.register("current_password")} autoComplete="current-password" />
      </Field>
      <Field label={t.auth.newPassword} hint={t.auth.passwordHint} error={errors.password?.message}>
        <PasswordInput {...form.register("password")} autoComplete="new-password" />
      </Field>
      <div className="flex justify-end">
        <Button type="submit" busy={isSubmitting}>
          {t.profile.change}
        </Button>
      </div>
    </form>
  );
}
