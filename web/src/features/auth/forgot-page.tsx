import { zodResolver } from "@hookform/resolvers/zod";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import { api } from "@/api/client";
import type { Problem } from "@/api/types";
import { Button } from "@/patterns/button";
import { Field, Input } from "@/patterns/field";
import { placeFaults, ProblemNotice } from "@/patterns/problem";
import { t } from "@/strings";
import { AuthFrame, linkClass } from "./frame";
import { email } from "./schemas";

const schema = z.object({ email });
type Values = z.infer<typeof schema>;

export function ForgotPage() {
  const [sentTo, setSentTo] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const form = useForm<Values>({ resolver: zodResolver(schema), defaultValues: { email: "" } });
  const { errors, isSubmitting } = form.formState;
  const submit = form.handleSubmit(async (values) => {
    setProblem(null);
    try {
      await api<unknown>("/api/v1/auth/forgot", { method: "POST", body: values, anonymous: true });
      setSentTo(values.email);
    } catch (error) {
      setProblem(placeFaults(error, form));
    }
  });
  const footer = (
    <Link to="/login" className={linkClass}>
      {t.auth.backToSignIn}
    </Link>
  );
  if (sentTo) return <AuthFrame title={t.auth.forgotDone} text={t.auth.forgotDoneText(sentTo)} footer={footer} />;
  return (
    <AuthFrame title={t.auth.forgotTitle} text={t.auth.forgotText} footer={footer}>
      <form noValidate onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <ProblemNotice problem={problem} />
        <Field label={t.auth.email} error={errors.email?.message}>
          <Input {...form.register("email")} type="email" autoComplete="username" autoFocus />
        </Field>
        <Button type="submit" variant="primary" busy={isSubmitting} className="h-9">
          {t.auth.forgotSend}
        </Button>
      </form>
    </AuthFrame>
  );
}
