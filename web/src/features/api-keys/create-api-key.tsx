// A new API key: what it may do, for how long; then the key once.
import { zodResolver } from "@hookform/resolvers/zod";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useForm, type UseFormReturn } from "react-hook-form";
import * as z from "zod/mini";
import type { PermissionInfo, Problem, WithSecret } from "@/api/types";
import { Button } from "@/patterns/button";
import { CodeBlock } from "@/patterns/copy";
import { Dialog, DialogActions } from "@/patterns/dialog";
import { Checkbox, Field, Input, Select } from "@/patterns/field";
import { placeFaults, ProblemNotice } from "@/patterns/problem";
import { Secret } from "@/patterns/secret";
import { projectsQuery } from "@/features/projects/queries";
import { rolesQuery } from "@/features/team/queries";
import { useCan, useMembership, useTenant } from "@/session/session";
import { t } from "@/strings";
import { useCreateApiKey } from "./queries";

z.config({ jitless: true });
const schema = z.object({
  name: z.string().check(z.trim(), z.minLength(1, t.validation.required), z.maxLength(100, t.validation.tooLong(100))),
  scopes: z.array(z.string()).check(z.minLength(1, t.validation.scopes)),
  project_id: z.string(),
  expires_at: z.string(),
  environment: z.enum(["live", "test"]),
});
type Values = z.infer<typeof schema>;

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function CreateApiKeyDialog({ open, onOpenChange }: Props) {
  const tenant = useTenant();
  const [made, setMade] = useState<WithSecret | null>(null);
  const close = () => {
    setMade(null);
    onOpenChange(false);
  };
  return (
    <Dialog open={open || made !== null} onOpenChange={close} wide sticky={made !== null} title={made ? t.apiKeys.secretTitle : t.apiKeys.createTitle}>
      {made ? (
        <div className="flex flex-col gap-4">
          <Secret value={made.key} text={t.apiKeys.secretText} copyLabel={t.keys.copyKey} />
          <CodeBlock
            label={t.apiKeys.tryIt}
            code={`curl ${window.location.origin}/api/v1/t/${tenant}/projects \\\n  -H 'Authorization: Bearer ${made.key}'`}
          />
          <DialogActions>
            <Button variant="primary" onClick={close}>
              {t.keys.secretDone}
            </Button>
          </DialogActions>
        </div>
      ) : (
        <ApiKeyForm onMade={setMade} onCancel={close} />
      )}
    </Dialog>
  );
}

function ApiKeyForm({ onMade, onCancel }: { onMade: (made: WithSecret) => void; onCancel: () => void }) {
  const can = useCan();
  const tenant = useTenant();
  const create = useCreateApiKey();
  const [problem, setProblem] = useState<Problem | null>(null);
  const projects = useQuery({ ...projectsQuery(tenant, { limit: 200, status: "active" }), enabled: can("project.read") });
  const form = useForm<Values>({
    resolver: zodResolver(schema),
    defaultValues: { name: "", scopes: [], project_id: "", expires_at: "", environment: "live" },
  });
  const { errors, isSubmitting } = form.formState;
  const submit = form.handleSubmit(async ({ name, scopes, project_id, expires_at, environment }) => {
    setProblem(null);
    try {
      const made = await create.mutateAsync({
        name,
        scopes,
        environment,
        project_id: project_id || undefined,
        // The key is good until the end of the chosen day.
        expires_at: expires_at ? new Date(`${expires_at}T23:59:59`).toISOString() : undefined,
      });
      onMade(made);
    } catch (error) {
      setProblem(placeFaults(error, form));
    }
  });
  return (
    <form noValidate onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <ProblemNotice problem={problem} />
      <Field label={t.apiKeys.name} hint={t.apiKeys.nameHint} error={errors.name?.message}>
        <Input {...form.register("name")} autoComplete="off" autoFocus />
      </Field>
      <Scopes form={form} />
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={t.apiKeys.project} hint={t.apiKeys.projectHint} error={errors.project_id?.message}>
          <Select {...form.register("project_id")}>
            <option value="">{t.apiKeys.everyProject}</option>
            {projects.data?.items.map((project) => (
              <option key={project.id} value={project.id}>
                {project.name}
              </option>
            ))}
          </Select>
        </Field>
        <Field label={t.apiKeys.expires} hint={t.apiKeys.expiresHint} error={errors.expires_at?.message}>
          <Input {...form.register("expires_at")} type="date" min={new Date().toISOString().slice(0, 10)} />
        </Field>
        <Field label={t.apiKeys.environment} error={errors.environment?.message}>
          <Select {...form.register("environment")}>
            <option value="live">{t.apiKeys.live}</option>
            <option value="test">{t.apiKeys.test}</option>
          </Select>
        </Field>
      </div>
      <DialogActions>
        <Button onClick={onCancel}>{t.common.cancel}</Button>
        <Button type="submit" variant="primary" busy={isSubmitting}>
          {t.apiKeys.createDo}
        </Button>
      </DialogActions>
    </form>
  );
}

/** Permissions by module; only those that the person has can be given to a key, except event.write. */
function Scopes({ form }: { form: UseFormReturn<Values> }) {
  const { tenant } = useMembership();
  const can = useCan();
  const roles = useQuery(rolesQuery(tenant.slug));
  const offered = (roles.data?.catalogue ?? []).filter(({ name }) => can(name) || name === "event.write");
  const chosen = form.watch("scopes");
  const choose = (scopes: string[]) => form.setValue("scopes", scopes, { shouldValidate: form.formState.isSubmitted });
  const error = form.formState.errors.scopes?.message;
  return (
    <fieldset>
      <legend className="mb-1.5 flex w-full items-center text-sm font-medium">{t.apiKeys.scopes}</legend>
      <div className={`max-h-56 overflow-y-auto rounded-md border p-3 ${error ? "border-danger" : ""}`}>
        <div className="columns-1 gap-6 sm:columns-2">
          {byModule(offered).map(([module, list]) => (
            <div key={module} className="mb-3 break-inside-avoid">
              <p className="mb-1 text-2xs font-medium text-muted">{module}</p>
              <div className="flex flex-col gap-1.5">
                {list.map(({ name, title }) => (
                  <Checkbox
                    key={name}
                    label={title || name}
                    hint={title ? <span className="font-mono text-2xs">{name}</span> : undefined}
                    checked={chosen.includes(name)}
                    onChange={(event) => choose(event.target.checked ? [...chosen, name] : chosen.filter((scope) => scope !== name))}
                  />
                ))}
              </div>
            </div>
          ))}
        </div>
      </div>
      <div className="mt-1 flex flex-wrap items-center gap-1">
        <Button size="sm" variant="ghost" onClick={() => choose(offered.map(({ name }) => name))}>
          {t.apiKeys.scopesAll}
        </Button>
        <Button size="sm" variant="ghost" onClick={() => choose([])}>
          {t.apiKeys.scopesNone}
        </Button>
        {error ? (
          <p role="alert" className="text-xs text-danger">
            {error}
          </p>
        ) : null}
      </div>
    </fieldset>
  );
}

function byModule(list: PermissionInfo[]): [string, PermissionInfo[]][] {
  const groups = new Map<string, PermissionInfo[]>();
  for (const item of list) groups.set(item.module, [...(groups.get(item.module) ?? []), item]);
  return [...groups.entries()];
}
