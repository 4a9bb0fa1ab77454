// Projects: what is read and what is changed.
import { keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, ApiError, inTenant, type QueryValue } from "@/api/client";
import { keys } from "@/api/query";
import type { Page, Project } from "@/api/types";
import { useTenant } from "@/session/session";

export const projectsQuery = (tenant: string, query: Record<string, QueryValue> = {}) =>
  queryOptions({
    queryKey: keys.tenant(tenant, "projects", "list", query),
    queryFn: ({ signal }) => api<Page<Project>>(inTenant(tenant, "/projects"), { query, signal }),
    placeholderData: keepPreviousData,
  });

export const projectQuery = (tenant: string, id: string) =>
  queryOptions({
    queryKey: keys.tenant(tenant, "projects", "one", id),
    queryFn: ({ signal }) => api<Project>(inTenant(tenant, `/projects/${encodeURIComponent(id)}`), { signal }),
  });

export interface ProjectValues {
  name: string;
  description?: string;
}

function useProjectChange<V>(change: (tenant: string, values: V) => Promise<Project>) {
  const tenant = useTenant();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (values: V) => change(tenant, values),
    onSuccess: async (project) => {
      client.setQueryData(projectQuery(tenant, project.id).queryKey, project);
      await client.invalidateQueries({ queryKey: keys.tenant(tenant, "projects", "list") });
      void client.invalidateQueries({ queryKey: keys.tenant(tenant, "overview") });
    },
    // Changed by somebody else in between: the next try is made on their version.
    onError: (error) => {
      if (error instanceof ApiError && error.status === 412) void client.invalidateQueries({ queryKey: keys.tenant(tenant, "projects") });
    },
  });
}

export const useCreateProject = () =>
  useProjectChange((tenant, body: ProjectValues) => api<Project>(inTenant(tenant, "/projects"), { method: "POST", body }));

export const useUpdateProject = (project: Project) =>
  useProjectChange((tenant, body: ProjectValues) =>
    api<Project>(inTenant(tenant, `/projects/${project.id}`), { method: "PATCH", body, version: project.version }),
  );

export const useProjectStep = (project: Project, step: "archive" | "restore") =>
  useProjectChange((tenant, _: void) => api<Project>(inTenant(tenant, `/projects/${project.id}/${step}`), { method: "POST" }));
