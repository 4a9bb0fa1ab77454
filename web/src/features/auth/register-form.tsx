// Registration: with an organisation of one's own, or through an invitation into another.
import { zodResolver } from "@hookform/resolvers/zod";
import { useState } from "react";
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import { api } from "@/api/client";
import type { Me, Problem, Session } from "@/api/types";
import { Button } from "@/patterns/button";
import { Field, Input, PasswordInput } from "@/patterns/field";
import { placeFaults, ProblemNotice } from "@/patterns/problem";
import { enter } from "@/session/session";
import { t } from "@/strings";
import { email, newPassword, personName, slug, slugOf } from "./schemas";

const person = z.object({ name: personName, email, password: newPassword });
const founder = z.extend(person, { organization: z.object({ name: personName, slug }) });
type Values = z.infer<typeof founder>;

interface Props {
  invitation?: { token: string; email: string };
  onDone: (me: Me) => void | Promise<void>;
}

export function RegisterForm({ invitation, onDone }: Props) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isSlugOwn, setSlugOwn] = useState(false);
  const form = useForm<Values>({
    resolver: (values, context, options) =>
      invitation
        ? (zodResolver(person)(values, context, options as never) as never)
        : zodResolver(founder)(values, context, options),
    defaultValues: { name: "", email: invitation?.email ?? "", password: "", organization: { name: "", slug: "" } },
  });
  const { errors, isSubmitting } = form.formState;
  const address = form.watch("organization.slug");
  const submit = form.handleSubmit(async ({ name, email, password, organization }) => {
    setProblem(null);
    const body = invitation ? { name, email, password, invitation_token: invitation.token } : { name, email, password, organization };
    try {
      const session = await api<Session>("/api/v1/auth/register", { method: "POST", body, anonymous: true });
      await onDone(await enter(session));
    } catch (error) {
      setProblem(placeFaults(error, form));
    }
  });
  return (
    <form noValidate onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <ProblemNotice problem={problem} />
      <Field label={t.auth.yourName} error={errors.name?.message}>
        <Input {...form.register("name")} autoComplete="name" autoFocus />
      </Field>
      <Field label={t.auth.email} error={errors.email?.message}>
        <Input {...form.register("email")} type="email" autoComplete="username" readOnly={invitation !== undefined} />
      </Field>
      <Field label={t.auth.password} hint={t.auth.passwordHint} error={errors.password?.message}>
        <PasswordInput {...form.register("password")} autoComplete="new-password" />
      </Field>
      {invitation ? null : (
        <>
          <Field label={t.auth.organisation} error={errors.organization?.name?.message}>
            <Input
              {...form.register("organization.name", {
                onChange: (event: { target: { value: string } }) => {
                  if (!isSlugOwn) form.setValue("organization.slug", slugOf(event.target.value));
                },
              })}
              autoComplete="organization"
            />
          </Field>
          <Field
            label={t.auth.slug}
            hint={<span className="break-all">{t.auth.slugHint(window.location.host, address)}</span>}
            error={errors.organization?.slug?.message}
          >
            <Input {...form.register("organization.slug", { onChange: () => setSlugOwn(true) })} autoCapitalize="none" spellCheck={false} />
          </Field>
        </>
      )}
      <Button type="submit" variant="primary" busy={isSubmitting} className="h-9">
        {invitation ? t.invite.registerAndJoin : t.auth.register}
      </Button>
    </form>
  );
}
