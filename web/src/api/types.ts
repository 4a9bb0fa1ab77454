// The JSON contract as the interface reads it. One file on purpose: when the generated
// schema.ts exists, this file becomes a list of re-exports and nothing else changes.

export type Role = string;
export type Permission = string;

export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail?: string;
  request_id?: string;
  errors?: FieldFault[];
}
export interface FieldFault {
  field: string;
  code: string;
  message: string;
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
  total?: number;
}

export interface PersonRef {
  id: string;
  name: string;
}

export interface User {
  id: string;
  name: string;
  email: string;
  email_verified: boolean;
  created_at: string;
}
export interface TenantRef {
  id: string;
  slug: string;
  name: string;
  status: string;
}
export interface Membership {
  tenant: TenantRef;
  role: Role;
  permissions: Permission[];
  joined_at: string;
}
export interface Me {
  user: User;
  tenants: Membership[];
  csrf_token: string | null;
  session_id: string;
}
export interface Session {
  user: User;
  tenants: Membership[];
  csrf_token?: string;
}
export interface Device {
  id: string;
  device: string;
  browser: string;
  os: string;
  ip: string;
  mode: "cookie" | "token";
  created_at: string;
  last_seen_at: string;
  expires_at: string;
  current: boolean;
}

export interface Tenant {
  id: string;
  slug: string;
  name: string;
  status: string;
  time_zone: string;
  currency: string;
  locale: string;
  created_at: string;
  updated_at: string;
  version: number;
}
export interface Member {
  user_id: string;
  name: string;
  email: string;
  role: Role;
  joined_at: string;
  last_active_at: string | null;
  invited_by: PersonRef | null;
}
export type InvitationStatus = "pending" | "accepted" | "revoked" | "expired";
export interface Invitation {
  id: string;
  email: string;
  role: Role;
  status: InvitationStatus;
  invited_by: PersonRef | null;
  created_at: string;
  expires_at: string;
}
export interface PublicInvitation {
  email: string;
  role: Role;
  tenant: { name: string; slug: string };
  inviter_name: string;
  account_exists: boolean;
  expires_at: string;
}
export interface RoleInfo {
  name: Role;
  title: string;
  rank: number;
  permissions: Permission[];
}
export interface PermissionInfo {
  name: Permission;
  title: string;
  module: string;
}
export interface Roles extends Page<RoleInfo> {
  catalogue: PermissionInfo[];
}
export interface ApiKey {
  id: string;
  name: string;
  prefix: string;
  scopes: Permission[];
  project_id: string | null;
  created_at: string;
  created_by: PersonRef | null;
  expires_at: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
}
export interface AuditEntry {
  id: string;
  at: string;
  actor: { id: string | null; name: string; kind: "user" | "api_key" | "system" };
  action: string;
  noun: string;
  object_id: string | null;
  ip: string | null;
  user_agent: string | null;
  request_id: string | null;
  changes: Record<string, { old?: unknown; new?: unknown }> | null;
  outcome: "ok" | "refused";
}

export type UsageState = "ok" | "warned" | "overage" | "disabled";
export interface UsageFigure {
  period: string;
  used: number;
  limit: number | null;
  state: UsageState;
}
export interface Overview {
  events_today: number;
  events_last_minute: number;
  usage: UsageFigure;
  projects: number;
  members: number;
  series: { at: string; count: number }[];
}
export interface Activity {
  seq: number | string;
  type: string;
  at: string;
  actor: PersonRef | null;
  subject: string | null;
  payload: Record<string, unknown>;
}

export interface Project {
  id: string;
  name: string;
  slug: string;
  description: string;
  status: "active" | "archived";
  created_at: string;
  updated_at: string;
  version: number;
  events_24h: number;
}
export interface WriteKey {
  id: string;
  name: string;
  prefix: string;
  created_at: string;
  created_by: PersonRef | null;
  last_used_at: string | null;
  revoked_at: string | null;
}
export interface WithSecret {
  key: string;
}

export type EventType = "track" | "identify" | "page" | "screen" | "group" | "alias";
export interface EventShort {
  id: string;
  type: EventType;
  name: string | null;
  user_id: string | null;
  anonymous_id: string | null;
  timestamp: string;
  received_at: string;
  properties: Record<string, unknown>;
}
export interface EventRow extends EventShort {
  message_id: string;
  context: Record<string, unknown>;
  flags: string[];
}
export interface EventFull extends EventRow {
  traits: Record<string, unknown> | null;
  enrichment: Record<string, unknown> | null;
  original_timestamp: string | null;
}
export interface EventBatch {
  project_id: string;
  events: EventShort[];
}
export interface Ledger {
  received: number;
  accepted: number;
  duplicates: number;
  rejected: Record<string, number>;
  over_quota: number;
}
export interface ProjectUsage extends UsageFigure {
  days: { day: string; count: number }[];
}
export interface Series {
  interval: "hour" | "day";
  complete_until: string | null;
  names: string[];
  points: { at: string; name: string; count: number }[];
}
export interface Rejection {
  id: string;
  at: string;
  code: string;
  message: string;
  message_id: string | null;
  payload: string;
}

export interface MailSummary {
  id: string;
  to: string;
  subject: string;
  at: string;
}
export interface Mail extends MailSummary {
  from: string;
  text: string;
  html: string | null;
}
