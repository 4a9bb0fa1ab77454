// TanStack Query's client and the names under which server state is kept. Keys begin with the
// tenant, so that a change of one noun can be told to everything that shows it.
import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "./client";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      retry: (count, error) => count < 1 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
      refetchOnWindowFocus: true,
    },
    mutations: { retry: false },
  },
});

export const keys = {
  me: ["me"] as const,
  devices: ["me", "sessions"] as const,
  tenant: (tenant: string, ...rest: unknown[]) => ["t", tenant, ...rest] as const,
};
