// The sign-in form: used by the page, by an invitation, and by the dialog of an ended session.
import { zodResolver } from "@hookform/resolvers/zod";
import { useState } from "react";
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import { api } from "@/api/client";
import type { Me, Problem, Session } from "@/api/types";
import { Button } from "@/patterns/button";
import { Checkbox, Field, Input, PasswordInput } from "@/patterns/field";
import { placeFaults, ProblemNotice } from "@/patterns/problem";
import { enter } from "@/session/session";
import { t } from "@/strings";
import { email, required } from "./schemas";

const schema = z.object({ email, password: required, remember: z.boolean() });
type Values = z.infer<typeof schema>;

interface Props {
  knownEmail?: string;
  action?: string;
  onDone: (me: Me) => void | Promise<void>;
}

export function LoginForm({ knownEmail, action = t.auth.signIn, onDone }: Props) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const form = useForm<Values>({
    resolver: zodResolver(schema),
    defaultValues: { email: knownEmail ?? "", password: "", remember: true },
  });
  const { errors, isSubmitting } = form.formState;
  const submit = form.handleSubmit(async (values) => {
    setProblem(null);
    try {
      const session = await api<Session>("/api/v1/auth/login", { method: "POST", body: values, anonymous: true });
      await onDone(await enter(session));
    } catch (error) {
      setProblem(placeFaults(error, form));
    }
  });
  return (
    <form noValidate onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <ProblemNotice problem={problem} />
      <Field label={t.auth.email} error={errors.email?.message}>
        <Input {...form.register("email")} type="email" autoComplete="username" readOnly={knownEmail !== undefined} autoFocus={!knownEmail} />
      </Field>
      <Field label={t.auth.password} error={errors.password?.message}>
        <PasswordInput {...form.register("password")} autoComplete="current-password" autoFocus={Boolean(knownEmail)} />
      </Field>
      <Checkbox {...form.register("remember")} label={t.auth.remember} />
      <Button type="submit" variant="primary" busy={isSubmitting} className="h-9">
        {action}
      </Button>
    </form>
  );
}
