import { zodResolver } from "@hookform/resolvers/zod";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import { api } from "@/api/client";
import type { Problem } from "@/api/types";
import { Button } from "@/patterns/button";
import { Field, PasswordInput } from "@/patterns/field";
import { notifyDone } from "@/patterns/notify";
import { placeFaults, ProblemNotice } from "@/patterns/problem";
import { t } from "@/strings";
import { AuthFrame, linkClass } from "./frame";
import { newPassword } from "./schemas";

const route = getRouteApi("/reset/$token");
const schema = z.object({ password: newPassword });
type Values = z.infer<typeof schema>;

export function ResetPage() {
  const { token } = route.useParams();
  const navigate = useNavigate();
  const [problem, setProblem] = useState<Problem | null>(null);
  const form = useForm<Values>({ resolver: zodResolver(schema), defaultValues: { password: "" } });
  const { errors, isSubmitting } = form.formState;
  const submit = form.handleSubmit(async ({ password }) => {
    setProblem(null);
    try {
      await api<void>("/api/v1/auth/reset", { method: "POST", body: { token, password }, anonymous: true });
      notifyDone(t.auth.resetDone);
      await navigate({ to: "/login" });
    } catch (error) {
      setProblem(placeFaults(error, form));
    }
  });
  return (
    <AuthFrame
      title={t.auth.resetTitle}
      footer={
        <Link to="/forgot" className={linkClass}>
          {t.auth.forgot}
        </Link>
      }
    >
      <form noValidate onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <ProblemNotice problem={problem} />
        <Field label={t.auth.newPassword} hint={t.auth.passwordHint} error={errors.password?.message}>
          <PasswordInput {...form.register("password")} autoComplete="new-password" autoFocus />
        </Field>
        <Button type="submit" variant="primary" busy={isSubmitting} className="h-9">
          {t.auth.resetDo}
        </Button>
      </form>
    </AuthFrame>
  );
}
