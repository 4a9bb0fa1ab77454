// The JSON contract as the interface reads it: the generated schema, and where that says no more
// than "a free object", what the server really puts there.
import type * as S from "./schema";

export type {
  ApiKey,
  EventItem as EventRow,
  Invitation,
  InvitationPreview as PublicInvitation,
  DevMail as Mail,
  DevMailShort as MailSummary,
  Me,
  Member,
  MembershipOfUser as Membership,
  Overview,
  PermissionInfo,
  Problem,
  Project,
  Rejection,
  Role as RoleInfo,
  RoleListOut as Roles,
  Series,
  SessionItem as Device,
  SessionOpened as Session,
  Tenant,
  Usage as ProjectUsage,
  User,
  WriteKey,
} from "./schema";

export type Role = string;
export type Permission = string;
export type InvitationStatus = S.Invitation["status"];
export type EventType = S.EventItem["type"];
export type UsageFigure = S.OverviewUsage;

export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
  total?: number;
}

/** The answer to the making of a key carries the key, this once. */
export interface WithSecret {
  key: string;
}

export interface AuditEntry extends Omit<S.AuditEntry, "changes"> {
  changes: Record<string, { old?: unknown; new?: unknown }>;
}

export interface Activity extends Omit<S.ActivityItem, "actor"> {
  actor?: { id?: string | null; name?: string | null } | null;
}

export interface Ledger extends Omit<S.Ledger, "rejected"> {
  rejected: Record<string, number>;
}

export interface EventFull extends Omit<S.EventDetail, "enrichment"> {
  enrichment?: Record<string, unknown> | null;
}

/** An event as the live view gets it over the socket. */
export type EventShort = Pick<
  S.EventItem,
  "id" | "type" | "name" | "user_id" | "anonymous_id" | "timestamp" | "received_at" | "properties"
>;

export interface EventBatch {
  project_id: string;
  events: EventShort[];
  /** So many more came in the same batch and are only counted. */
  omitted?: number;
}
