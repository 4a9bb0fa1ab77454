// The one door to the server. It adds the CSRF token and idempotency key, turns problem documents
// into ApiError, and when a session has ended it waits for the person to sign in again in place
// and then repeats the request, so that no work is lost.
import type { Problem } from "./types";

export class ApiError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.name = "ApiError";
    this.problem = problem;
  }
  get status(): number {
    return this.problem.status;
  }
  get code(): string {
    return this.problem.code;
  }
}

export type QueryValue = string | number | boolean | null | undefined;

export interface Call {
  method?: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  body?: unknown;
  query?: Record<string, QueryValue>;
  version?: number;
  signal?: AbortSignal;
  /** An answer of 401 is the caller's own business (sign-in form, first look at /me). */
  anonymous?: boolean;
}

let csrf: string | null = null;
let signInAgain: (() => Promise<void>) | null = null;
let renewCsrf: (() => Promise<void>) | null = null;

export function setCsrfToken(token: string | null | undefined): void {
  csrf = token ?? null;
}

/** What to do when a session has ended, and how to fetch a fresh CSRF token. */
export function onSessionLoss(again: () => Promise<void>, renew: () => Promise<void>): void {
  signInAgain = again;
  renewCsrf = renew;
}

function address(path: string, query: Call["query"]): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback: Problem = {
    type: "about:blank",
    title: response.statusText || `HTTP ${response.status}`,
    status: response.status,
    code: `http_${response.status}`,
    detail: "",
    request_id: response.headers.get("x-request-id") ?? "",
  };
  try {
    const sent = (await response.json()) as Partial<Problem>;
    return { ...fallback, ...sent };
  } catch {
    return fallback;
  }
}

async function send(path: string, call: Call, idempotency: string | null): Promise<Response> {
  const method = call.method ?? "GET";
  const headers: Record<string, string> = { Accept: "application/json" };
  if (call.body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrf) headers["X-CSRF-Token"] = csrf;
  if (idempotency) headers["Idempotency-Key"] = idempotency;
  if (call.version !== undefined) headers["If-Match"] = `"${call.version}"`;
  try {
    return await fetch(address(path, call.query), {
      method,
      headers,
      credentials: "same-origin",
      body: call.body === undefined ? undefined : JSON.stringify(call.body),
      signal: call.signal,
    });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiError({ type: "about:blank", title: "No connection", status: 0, code: "network", detail: "", request_id: "" });
  }
}

export async function api<T>(path: string, call: Call = {}): Promise<T> {
  const isKeyed = call.method === "POST" && !call.anonymous;
  const idempotency = isKeyed ? newKey() : null;
  let response = await send(path, call, idempotency);
  if (response.status === 401 && !call.anonymous && signInAgain) {
    await signInAgain();
    response = await send(path, call, idempotency);
  }
  if (response.status === 403 && !call.anonymous && renewCsrf) {
    const problem = await problemOf(response.clone());
    if (problem.code.includes("csrf")) {
      await renewCsrf();
      response = await send(path, call, idempotency);
    }
  }
  if (!response.ok) throw new ApiError(await problemOf(response));
  if (response.status === 204 || response.headers.get("content-length") === "0") return undefined as T;
  return (await response.json()) as T;
}

/** randomUUID exists in secure contexts only; a server on a plain LAN address must work too. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

export const inTenant = (tenant: string, rest = "") => `/api/v1/t/${encodeURIComponent(tenant)}${rest}`;
