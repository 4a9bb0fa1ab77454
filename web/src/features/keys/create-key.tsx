// A new write key: its name, then the key once, with ready snippets.
import { zodResolver } from "@hookform/resolvers/zod";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import type { Problem, WithSecret } from "@/api/types";
import { Button, buttonClass } from "@/patterns/button";
import { Dialog, DialogActions } from "@/patterns/dialog";
import { Field, Input } from "@/patterns/field";
import { placeFaults, ProblemNotice } from "@/patterns/problem";
import { Secret } from "@/patterns/secret";
import { useProject } from "@/features/projects/project-frame";
import { useMembership } from "@/session/session";
import { t } from "@/strings";
import { useCreateKey } from "./queries";
import { Snippets } from "./snippets";

z.config({ jitless: true });
const schema = z.object({ name: z.string().check(z.trim(), z.minLength(1, t.validation.required), z.maxLength(100, t.validation.tooLong(100))) });
type Values = z.infer<typeof schema>;

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function CreateKeyDialog({ open, onOpenChange }: Props) {
  const [made, setMade] = useState<WithSecret | null>(null);
  const close = () => {
    setMade(null);
    onOpenChange(false);
  };
  return (
    <Dialog
      open={open || made !== null}
      onOpenChange={close}
      wide={made !== null}
      sticky={made !== null}
      title={made ? t.keys.secretTitle : t.keys.createTitle}
    >
      {made ? <Made secret={made.key} onClose={close} /> : <NameForm onMade={setMade} onCancel={close} />}
    </Dialog>
  );
}

function NameForm({ onMade, onCancel }: { onMade: (made: WithSecret) => void; onCancel: () => void }) {
  const project = useProject();
  const create = useCreateKey(project.id);
  const [problem, setProblem] = useState<Problem | null>(null);
  const form = useForm<Values>({ resolver: zodResolver(schema), defaultValues: { name: "" } });
  const submit = form.handleSubmit(async ({ name }) => {
    setProblem(null);
    try {
      onMade(await create.mutateAsync(name));
    } catch (error) {
      setProblem(placeFaults(error, form));
    }
  });
  return (
    <form noValidate onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <ProblemNotice problem={problem} />
      <Field label={t.keys.name} hint={t.keys.nameHint} error={form.formState.errors.name?.message}>
        <Input {...form.register("name")} autoComplete="off" autoFocus />
      </Field>
      <DialogActions>
        <Button onClick={onCancel}>{t.common.cancel}</Button>
        <Button type="submit" variant="primary" busy={form.formState.isSubmitting}>
          {t.keys.createDo}
        </Button>
      </DialogActions>
    </form>
  );
}

function Made({ secret, onClose }: { secret: string; onClose: () => void }) {
  const project = useProject();
  const { tenant } = useMembership();
  return (
    <div className="flex flex-col gap-5">
      <Secret value={secret} text={t.keys.secretText} copyLabel={t.keys.copyKey} />
      <section>
        <h3 className="mb-2 text-sm font-semibold">{t.keys.snippets}</h3>
        <Snippets writeKey={secret} />
      </section>
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={onClose}>{t.keys.secretDone}</Button>
        <Link
          to="/$tenant/projects/$project/live"
          params={{ tenant: tenant.slug, project: project.id }}
          className={buttonClass("primary")}
        >
          {t.keys.watch}
        </Link>
      </div>
    </div>
  );
}
