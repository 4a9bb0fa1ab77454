// stream.test.mjs - server-sent events and the plain WebSocket: the same events, replayed
// from the id the client last saw, or honestly reset.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { EventSource } from "eventsource";
import { WebSocket } from "ws";
import { project, Stage, until } from "./stage.mjs";

let stage;
before(async () => (stage = await Stage.start()));
after(() => stage.stop());

const types = ["ready", "reset", "project:created", "project:updated", "member:joined", "event:received", "session:ended"];

function stream(token, { topics, lastId } = {}) {
  const query = topics ? `?topics=${topics}` : "";
  const source = new EventSource(`${stage.url}/api/v1/t/acme/stream${query}`, {
    fetch: (url, options) => fetch(url, { ...options, headers: { ...options.headers, authorization: `Bearer ${token}`, ...(lastId !== undefined && !options.headers["Last-Event-ID"] ? { "last-event-id": String(lastId) } : {}) } }),
  });
  source.seen = [];
  for (const type of types) source.addEventListener(type, (event) => source.seen.push([type, JSON.parse(event.data), event.lastEventId]));
  return source;
}

test("a stream begins with its place and carries seq as id", async () => {
  const source = stream("ann@acme");
  await until(() => source.seen.length === 1);
  assert.equal(source.seen[0][0], "ready");
  const { seq } = await stage.emit("project:created", project(1), { id: project(1), text: "a\"b€" });
  await until(() => source.seen.length === 2);
  assert.deepEqual(source.seen[1], ["project:created", { id: project(1), text: "a\"b€" }, String(seq)]);
  source.close();
  const answer = await fetch(`${stage.url}/api/v1/t/acme/stream`, { headers: { authorization: "Bearer ann@acme" } });
  assert.equal(answer.headers.get("content-type"), "text/event-stream");
  assert.match(answer.headers.get("cache-control"), /no-store/);
  assert.equal(answer.headers.get("x-accel-buffering"), "no");
  await answer.body.cancel();
});

test("Last-Event-ID replays what was missed, once, in order", async () => {
  const { seq } = await stage.emit("project:created", project(1), { n: 0 });
  for (let n = 1; n <= 20; n++) await stage.emit("project:updated", project(1), { n });
  const source = stream("ann@acme", { lastId: seq });
  for (let n = 21; n <= 40; n++) await stage.emit("project:updated", project(1), { n });
  await until(() => source.seen.length === 40);
  assert.deepEqual(source.seen.map(([, { n }]) => n), Array.from({ length: 40 }, (_, i) => i + 1));
  source.close();
});

test("an id that is too old, or of another world, is a reset", async () => {
  const { seq } = await stage.emit("member:joined");
  await stage.control("trim");
  await stage.emit("member:joined");
  for (const lastId of [seq - 5, 10_000_000, "nonsense"]) {
    const source = stream("ann@acme", { lastId });
    await until(() => source.seen.length >= 1);
    if (lastId !== "nonsense") assert.equal(source.seen[0][0], "reset", String(lastId));
    source.close();
  }
});

test("topics filter, permissions filter more", async () => {
  const all = stream("ann@acme");
  const some = stream("ann@acme", { topics: "project:created,member" });
  const nora = stream("nora@acme");
  await until(() => [all, some, nora].every((s) => s.seen.length === 1));
  await stage.emit("project:created");
  await stage.emit("project:updated");
  await stage.emit("member:joined");
  await until(() => [all, some, nora].every((s) => s.seen.at(-1)[0] === "member:joined"));
  const names = (s) => s.seen.slice(1).map(([name]) => name);
  assert.deepEqual(names(all), ["project:created", "project:updated", "member:joined"]);
  assert.deepEqual(names(some), ["project:created", "member:joined"]);
  assert.deepEqual(names(nora), ["member:joined"]);
  for (const s of [all, some, nora]) s.close();
});

test("the plain WebSocket: hello, join, event, leave, foreign rooms", async () => {
  const ws = new WebSocket(`${stage.url.replace("http", "ws")}/api/v1/t/acme/ws`, { headers: { authorization: "Bearer ann@acme" } });
  const got = [];
  ws.on("message", (data) => got.push(JSON.parse(data)));
  const ask = async (request) => {
    const n = got.length;
    ws.send(JSON.stringify(request));
    await until(() => got.length > n);
    return got.at(-1);
  };
  await until(() => got.length === 1);
  assert.equal(got[0].type, "hello");
  assert.deepEqual(await ask({ type: "join", noun: "project", id: project(1), ref: 1 }), { type: "joined", ref: 1 });
  const foreign = await ask({ type: "join", noun: "project", id: project(0x20), ref: "two" });
  assert.equal(foreign.problem.status, 404);
  assert.equal(foreign.ref, "two");
  const { seq } = await stage.emit("project:updated", project(1), { id: project(1) });
  await until(() => got.at(-1).type === "event");
  assert.deepEqual(got.at(-1), { type: "event", seq, name: "project:updated", payload: { id: project(1) } });
  await stage.control("broadcast", { room: `project:${project(1)}`, name: "event:received" }, { live: true });
  await until(() => got.at(-1).name === "event:received");
  assert.equal(got.at(-1).seq, null);
  assert.deepEqual(await ask({ type: "leave", noun: "project", id: project(1) }), { type: "left" });
  ws.close();
});

test("a stream whose person is revoked ends with a word", async () => {
  const source = stream("out@acme");
  await until(() => source.seen.length === 1);
  await stage.control("revoke", { user: "out" });
  await until(() => source.seen.some(([name]) => name === "session:ended"));
  source.close();
});

test("the eleventh connection of a person is refused in HTTP", async () => {
  const open = [];
  for (let i = 0; i < 10; i++) open.push(await fetch(`${stage.url}/api/v1/t/acme/stream`, { headers: { authorization: "Bearer tess@acme" } }));
  const answer = await fetch(`${stage.url}/api/v1/t/acme/stream`, { headers: { authorization: "Bearer tess@acme" } });
  assert.equal(answer.status, 429);
  for (const one of open) await one.body.cancel();
});
