// stage.mjs - starts tests/programs/realtime_server.c for a test and drives it, with
// helpers for raw sockets and the real socket.io-client.
import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { io } from "socket.io-client";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const program = process.env.REALTIME_SERVER ?? path.resolve(root, process.env.BUILD ?? "build", "realtime_server");

export const project = (n) => `00000000-0000-7000-8000-0000000000${n.toString(16).padStart(2, "0")}`;
export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until check() is true, at most ms. */
export async function until(check, ms = 3000) {
  const end = Date.now() + ms;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`not true within ${ms} ms: ${check}`);
    await pause(10);
  }
}

export class Stage {
  static async start(env = {}, mode = "product") {
    const stage = new Stage();
    stage.process = spawn(program, ["0", mode], { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(stage.process.stdout, "data");
    stage.port = Number(line.toString());
    stage.url = `http://127.0.0.1:${stage.port}`;
    stage.sockets = [];
    return stage;
  }

  async stop() {
    for (const socket of this.sockets) socket.disconnect();
    if (this.process.exitCode === null) {
      this.process.kill("SIGTERM");
      await once(this.process, "exit");
    }
    if (this.process.exitCode !== 0) throw new Error(`the server ended with ${this.process.exitCode} ${this.process.signalCode}`);
  }

  async control(what, params = {}, body) {
    const answer = await fetch(`${this.url}/control/${what}?${new URLSearchParams(params)}`, { method: "POST", body: body && JSON.stringify(body) });
    return what === "metrics" ? answer.text() : answer.json();
  }

  emit(name, subject = project(1), payload = { id: subject }, tenant = "acme") {
    return this.control("emit", { name, subject, tenant }, payload);
  }

  async metric(name) {
    const text = await this.control("metrics");
    return Number(new RegExp(`^bulkhead_realtime_${name.replace(/[{}"]/g, "\\$&")} (\\d+)$`, "m").exec(text)?.[1]);
  }

  /** A real client; every event lands in client.seen as [name, payload]. */
  client(token, options = {}) {
    const { tenant = "acme", ...rest } = options;
    const client = io(this.url, { auth: { token, tenant }, forceNew: true, transports: ["websocket"], reconnectionDelay: 50, reconnectionDelayMax: 50, ...rest });
    client.seen = [];
    client.onAny((name, payload) => client.seen.push([name, payload]));
    this.sockets.push(client);
    return client;
  }

  async connected(token, options) {
    const client = this.client(token, options);
    await new Promise((done, failed) => {
      client.once("connect", done);
      client.once("connect_error", failed);
    });
    return client;
  }

  async refused(token, options) {
    const client = this.client(token, options);
    return new Promise((done, failed) => {
      client.once("connect_error", done);
      client.once("connect", () => failed(new Error("it was let in")));
    });
  }

  raw(query = "", options = {}) {
    return fetch(`${this.url}/socket.io/?${query}`, options);
  }

  /** An Engine.IO session over polling; returns its sid and helpers. */
  async polling() {
    const open = JSON.parse((await (await this.raw("EIO=4&transport=polling")).text()).slice(1));
    const query = `EIO=4&transport=polling&sid=${open.sid}`;
    return { ...open, query, get: () => this.raw(query), post: (body, options = {}) => this.raw(query, { method: "POST", body, ...options }) };
  }
}

/** A WebSocket of bytes: what a correct library would never send. */
export class Bytes {
  static async open(port, target, fields = "", tail = Buffer.alloc(0)) {
    const bytes = new Bytes();
    bytes.socket = net.connect(port, "127.0.0.1");
    bytes.data = Buffer.alloc(0);
    bytes.ended = false;
    bytes.socket.on("data", (chunk) => (bytes.data = Buffer.concat([bytes.data, chunk])));
    bytes.socket.on("close", () => (bytes.ended = true));
    bytes.socket.on("error", () => {});
    const head = `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${fields}\r\n`;
    bytes.socket.write(Buffer.concat([Buffer.from(head), tail]));
    await until(() => bytes.data.includes("\r\n\r\n") || bytes.ended);
    const end = bytes.data.indexOf("\r\n\r\n") + 4;
    bytes.head = bytes.data.subarray(0, end).toString();
    bytes.data = bytes.data.subarray(end);
    return bytes;
  }

  /** A masked frame; first is the first byte, e.g. 0x81. */
  static frame(first, payload = "", { masked = true, form = 0 } = {}) {
    const data = Buffer.from(payload);
    const length = form === 16 || (form === 0 && data.length > 125 && data.length < 65536) ? 126 : form === 64 || data.length >= 65536 ? 127 : data.length;
    const head = Buffer.alloc(length === 126 ? 4 : length === 127 ? 10 : 2);
    head[0] = first;
    head[1] = (masked ? 0x80 : 0) | length;
    if (length === 126) head.writeUInt16BE(data.length, 2);
    if (length === 127) head.writeBigUInt64BE(BigInt(data.length), 2);
    if (!masked) return Buffer.concat([head, data]);
    const mask = Buffer.from([0x12, 0x34, 0x56, 0x78]);
    return Buffer.concat([head, mask, Buffer.from(data.map((byte, i) => byte ^ mask[i % 4]))]);
  }

  send(...frames) {
    this.socket.write(Buffer.concat(frames));
  }

  /** Frames received so far: [first byte, payload]. */
  frames() {
    const list = [];
    for (let at = 0; at + 2 <= this.data.length; ) {
      let n = this.data[at + 1] & 0x7f;
      let head = 2;
      if (n === 126) [n, head] = [this.data.readUInt16BE(at + 2), 4];
      else if (n === 127) [n, head] = [Number(this.data.readBigUInt64BE(at + 2)), 10];
      if (at + head + n > this.data.length) break;
      list.push([this.data[at], this.data.subarray(at + head, at + head + n)]);
      at += head + n;
    }
    return list;
  }

  /** The code of the server's close frame (1005: it had none). */
  async closeCode() {
    let found;
    await until(() => (found = this.frames().find(([first]) => first === 0x88)) || this.ended);
    if (!found) return undefined;
    return found[1].length >= 2 ? found[1].readUInt16BE(0) : 1005;
  }

  end() {
    this.socket.destroy();
  }
}
