import { zodResolver } from "@hookform/resolvers/zod";
import { useState } from "react";
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import type { Problem } from "@/api/types";
import { Button } from "@/patterns/button";
import { Dialog, DialogActions } from "@/patterns/dialog";
import { Field, Input, Select } from "@/patterns/field";
import { notifyDone } from "@/patterns/notify";
import { placeFaults, ProblemNotice } from "@/patterns/problem";
import { t } from "@/strings";
import { useInvite } from "./queries";
import { useRoles } from "./roles";

z.config({ jitless: true });
const schema = z.object({
  email: z.string().check(z.trim(), z.minLength(1, t.validation.required), z.email(t.validation.email)),
  role: z.string(),
});
type Values = z.infer<typeof schema>;

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function InviteDialog({ open, onOpenChange }: Props) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={t.team.inviteTitle} text={t.team.inviteText}>
      <InviteForm onClose={() => onOpenChange(false)} />
    </Dialog>
  );
}

function InviteForm({ onClose }: { onClose: () => void }) {
  const invite = useInvite();
  const { givable } = useRoles();
  const [problem, setProblem] = useState<Problem | null>(null);
  const form = useForm<Values>({ resolver: zodResolver(schema), defaultValues: { email: "", role: "member" } });
  const { errors, isSubmitting } = form.formState;
  const submit = form.handleSubmit(async (values) => {
    setProblem(null);
    try {
      await invite.mutateAsync(values);
      notifyDone(t.team.invited(values.email));
      onClose();
    } catch (error) {
      setProblem(placeFaults(error, form));
    }
  });
  return (
    <form noValidate onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <ProblemNotice problem={problem} />
      <Field label={t.common.email} error={errors.email?.message}>
        <Input {...form.register("email")} type="email" autoComplete="off" autoFocus />
      </Field>
      <Field label={t.common.role} error={errors.role?.message}>
        <Select value={form.watch("role")} onChange={(event) => form.setValue("role", event.target.value)}>
          {givable.map((role) => (
            <option key={role.name} value={role.name}>
              {t.roles[role.name] ?? role.title}
            </option>
          ))}
        </Select>
      </Field>
      <DialogActions>
        <Button onClick={onClose}>{t.common.cancel}</Button>
        <Button type="submit" variant="primary" busy={isSubmitting}>
          {t.team.inviteDo}
        </Button>
      </DialogActions>
    </form>
  );
}
