// stage.mjs - a real server process with a data folder of its own, and an owner with a
// project on it. The database is asked directly where a test must not trust the API.
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const binary = path.resolve(root, process.env.BUILD ?? "build", "bulkhead");

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until check() answers something true and gives it back. */
export async function until(check, ms = 15000) {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await check();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`not true within ${ms} ms: ${check}`);
    await pause(50);
  }
}

async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

export class Server {
  static async start(env = {}, data = undefined) {
    const server = new Server();
    server.isOwner = data === undefined;
    server.data = data ?? fs.mkdtempSync("/tmp/bh-i");
    fs.chmodSync(server.data, 0o755);
    server.port = await freePort();
    server.url = `http://127.0.0.1:${server.port}`;
    const clean = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(BULKHEAD_|SMTP_|DATABASE_URL|NODE_TEST)/.test(name)),
    );
    server.env = {
      ...clean, BULKHEAD_RATE_API: "1000000", BULKHEAD_INGEST_RATE: "1000000", BULKHEAD_PLAN_EVENTS: "10000000",
      BULKHEAD_DEVELOPMENT: "true", LOG_LEVEL: "warn", PORT: String(server.port), BULKHEAD_DATA: server.data, ...env,
    };
    await server.run();
    return server;
  }

  /** Starts the process (again) on the same port and data. */
  async run() {
    const log = fs.openSync(path.join(this.data, `server-${this.port}.log`), "a");
    this.process = spawn(binary, ["serve"], { env: this.env, cwd: this.data, stdio: ["ignore", log, log] });
    fs.closeSync(log);
    await until(async () => {
      if (this.process.exitCode !== null) throw new Error(`the server ended at start:\n${this.log()}`);
      return fetch(`${this.url}/readyz`).then((answer) => answer.status === 200, () => false);
    }, 60000);
  }

  log() {
    return fs.readFileSync(path.join(this.data, `server-${this.port}.log`), "utf8").slice(-4000);
  }

  async end(signal) {
    if (this.process.exitCode !== null || this.process.signalCode) return;
    const ended = new Promise((done) => this.process.once("exit", done));
    this.process.kill(signal);
    await ended;
  }

  kill() {
    return this.end("SIGKILL");
  }

  async stop() {
    await this.end("SIGTERM");
    if (this.isOwner) fs.rmSync(this.data, { recursive: true, force: true });
    if (this.process.exitCode !== 0) throw new Error(`the server ended with ${this.process.exitCode ?? this.process.signalCode}`);
  }

  /** One value, as superuser, past every wall. */
  ask(sql) {
    const args = ["-h", path.join(this.data, "postgres.run"), "-U", "postgres", "-d", "bulkhead", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql];
    return execFileSync("psql", args, { encoding: "utf8" }).trim();
  }

  /** A person with an organisation, a project and its key. */
  async owner(name = `o${Math.random().toString(36).slice(2)}`) {
    const owner = new Owner(this);
    const session = await owner.call("POST", "/api/v1/auth/register", {
      name: "Test Owner", email: `${name}@example.org`, password: "Correct-Horse-42", mode: "token",
      organization: { name },
    });
    owner.token = session.access_token;
    owner.tenant = session.tenants[0].tenant;
    owner.base = `/api/v1/t/${owner.tenant.slug}`;
    owner.project = await owner.call("POST", `${owner.base}/projects`, { name: "First" });
    owner.path = `${owner.base}/projects/${owner.project.id}`;
    owner.key = (await owner.call("POST", `${owner.path}/keys`, { name: "Test" })).key;
    return owner;
  }

  /** Every figure agrees with every other, whatever happened. */
  checkBooks() {
    const faults = this.ask(`
      select 'usage of ' || coalesce(e.project_id, u.project_id) || ': ' || coalesce(e.n, 0) || ' events, ' || coalesce(u.n, 0) || ' counted'
      from (select project_id, count(*) n from analytics.events group by 1) e
      full join (select project_id, sum(events) n from analytics.usage group by 1) u using (project_id)
      where coalesce(e.n, 0) <> coalesce(u.n, 0)
      union all select 'ledger of ' || project_id from analytics.ledger
      where received <> accepted + duplicates + rejected + over_quota
      union all select 'accepted of ' || l.project_id from (select project_id, sum(accepted) n from analytics.ledger group by 1) l
      left join (select project_id, count(*) n from analytics.events group by 1) e using (project_id) where l.n <> coalesce(e.n, 0)
      union all select 'rejected of ' || l.project_id from (select project_id, sum(rejected) n from analytics.ledger group by 1) l
      left join (select project_id, sum(events) n from analytics.ledger_rejections group by 1) r using (project_id) where l.n <> coalesce(r.n, 0)
      union all select 'doubled: ' || message_id from analytics.events group by project_id, message_id having count(*) > 1
      union all select 'batches of ' || project_id from (select project_id, sum(events) n from analytics.batches group by 1) b
      join (select project_id, count(*) n from analytics.events group by 1) e using (project_id) where b.n <> e.n`);
    if (faults) throw new Error(faults);
  }

  /** Waits until the enricher has passed everything of a project. */
  followed(owner) {
    return until(() => this.ask(`select not exists (select 1 from analytics.lanes l left join analytics.follower_cursors c
      using (tenant_id, project_id, lane) where l.project_id = '${owner.project.id}' and l.batch_no > coalesce(c.no, 0))`) === "t", 60000);
  }
}

export class Owner {
  constructor(server) {
    this.server = server;
  }

  async raw(method, path, body, headers = {}) {
    const all = { ...(this.token ? { authorization: `Bearer ${this.token}` } : {}), ...headers };
    if (body !== undefined) all["content-type"] ??= "application/json";
    const answer = await fetch(this.server.url + path, {
      method, headers: all, body: body === undefined || typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, json: text.startsWith("{") ? JSON.parse(text) : undefined };
  }

  async call(method, path, body) {
    const answer = await this.raw(method, path, body);
    if (answer.status > 299) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  /** To an ingestion address, with the write key (or another). */
  send(path, body, headers = {}, key = this.key) {
    const authorization = `Basic ${Buffer.from(`${key}:`).toString("base64")}`;
    return this.raw("POST", path, body, { authorization, ...headers });
  }

  ledger() {
    return this.call("GET", `${this.path}/ledger`);
  }

  /** All events, page by page. */
  async events(query = "") {
    const items = [];
    let cursor = "";
    do {
      const page = await this.call("GET", `${this.path}/events?limit=200${query}${cursor && `&cursor=${cursor}`}`);
      items.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor);
    return items;
  }
}
