// Which roles a person may give: none above their own. The server decides; this only hides choices.
import { useQuery } from "@tanstack/react-query";
import type { Role, RoleInfo } from "@/api/types";
import { useCan, useMembership } from "@/session/session";
import { rolesQuery } from "./queries";

export function useRoles(): { all: RoleInfo[]; givable: RoleInfo[]; rankOf: (role: Role) => number; own: number } {
  const { tenant, role } = useMembership();
  const can = useCan();
  const { data } = useQuery({ ...rolesQuery(tenant.slug), enabled: can("role.read") });
  const all = (data?.items ?? []).toSorted((a, b) => b.rank - a.rank);
  const rankOf = (name: Role) => all.find((item) => item.name === name)?.rank ?? 0;
  const own = rankOf(role);
  return { all, givable: all.filter((item) => item.rank <= own), rankOf, own };
}
