// Create or edit a project.
import { zodResolver } from "@hookform/resolvers/zod";
import { useState } from "react";
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import { ApiError } from "@/api/client";
import type { Problem, Project } from "@/api/types";
import { Button } from "@/patterns/button";
import { Dialog, DialogActions } from "@/patterns/dialog";
import { Field, Input, Textarea } from "@/patterns/field";
import { placeFaults, ProblemNotice } from "@/patterns/problem";
import { t } from "@/strings";

z.config({ jitless: true });

const schema = z.object({
  name: z.string().check(z.trim(), z.minLength(1, t.validation.required), z.maxLength(100, t.validation.tooLong(100))),
  description: z.string().check(z.trim(), z.maxLength(2000, t.validation.tooLong(2000))),
});
type Values = z.infer<typeof schema>;

interface Props {
  project?: Project;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onSubmit: (values: Values) => Promise<unknown>;
}

export function ProjectDialog({ project, open, onOpenChange, onSubmit }: Props) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={project ? t.projects.editTitle : t.projects.createTitle}
      text={project ? undefined : t.projects.createText}
    >
      <ProjectForm project={project} onSubmit={onSubmit} onCancel={() => onOpenChange(false)} />
    </Dialog>
  );
}

function ProjectForm({ project, onSubmit, onCancel }: Pick<Props, "project" | "onSubmit"> & { onCancel: () => void }) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const form = useForm<Values>({
    resolver: zodResolver(schema),
    defaultValues: { name: project?.name ?? "", description: project?.description ?? "" },
  });
  const { errors, isSubmitting } = form.formState;
  const submit = form.handleSubmit(async (values) => {
    setProblem(null);
    try {
      await onSubmit(values);
    } catch (error) {
      const left = placeFaults(error, form);
      setProblem(left && error instanceof ApiError && error.status === 412 ? { ...left, detail: t.common.changedElsewhere } : left);
    }
  });
  return (
    <form noValidate onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <ProblemNotice problem={problem} />
      <Field label={t.projects.name} hint={t.projects.nameHint} error={errors.name?.message}>
        <Input {...form.register("name")} autoComplete="off" autoFocus />
      </Field>
      <Field label={t.projects.description} hint={t.projects.descriptionHint} error={errors.description?.message}>
        <Textarea {...form.register("description")} />
      </Field>
      <DialogActions>
        <Button onClick={onCancel}>{t.common.cancel}</Button>
        <Button type="submit" variant="primary" busy={isSubmitting}>
          {project ? t.common.save : t.projects.createDo}
        </Button>
      </DialogActions>
    </form>
  );
}
