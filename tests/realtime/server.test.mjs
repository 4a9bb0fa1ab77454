// server.test.mjs - the real program at BASE_URL (and BASE_URL_2, a second node on the
// same database): what the interface relies on, and the wall between organisations.
//
//   tools/with_server.py --nodes 2 -- node --test tests/realtime/server.test.mjs
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { io } from "socket.io-client";
import { until } from "./stage.mjs";

const base = process.env.BASE_URL;
const second = process.env.BASE_URL_2;
const options = { skip: base ? false : "BASE_URL is not set" };
const sockets = [];
let acme, globex;

class Person {
  static async register(organization) {
    const person = new Person();
    const stamp = `${Date.now()}${Math.random()}`.replace(".", "");
    const answer = await person.call("POST", "/api/v1/auth/register", { name: "Ann Onym", email: `rt${stamp}@example.org`, password: "Correct-Horse-42!", organization: { name: organization }, mode: "token" });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    person.token = answer.body.access_token;
    person.email = answer.body.user.email;
    person.tenant = answer.body.tenants[0].tenant;
    person.path = `/api/v1/t/${person.tenant.slug}`;
    return person;
  }

  async call(method, path, body, node = base, token = this.token) {
    const answer = await fetch(node + path, { method, body: body && JSON.stringify(body), headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) } });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : undefined, headers: answer.headers };
  }

  socket(node = base, more = {}) {
    const client = io(node, { auth: { tenant: this.tenant.slug, token: this.token }, forceNew: true, transports: ["websocket"], reconnectionDelay: 50, ...more });
    client.seen = [];
    client.onAny((name, payload) => client.seen.push([name, payload]));
    sockets.push(client);
    return new Promise((done, failed) => {
      client.once("connect", () => done(client));
      client.once("connect_error", failed);
    });
  }

  async project(name = "Shop") {
    const answer = await this.call("POST", `${this.path}/projects`, { name });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer.body.id;
  }
}

before(async () => {
  if (base) [acme, globex] = [await Person.register("Acme"), await Person.register("Globex")];
});
after(() => sockets.forEach((client) => client.disconnect()));

for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]])
  test(`a project made through the API arrives over ${transports}`, options, async () => {
    const client = await acme.socket(base, { transports });
    const id = await acme.project(`By ${transports}`);
    await until(() => client.seen.some(([name, payload]) => name === "project:created" && payload.id === id));
    client.disconnect();
  });

test("an open project hears its ingested events live", options, async () => {
  const client = await acme.socket();
  const id = await acme.project();
  assert.deepEqual(await client.emitWithAck("join:entity", { type: "project", id }), { ok: true });
  const key = (await acme.call("POST", `${acme.path}/projects/${id}/keys`, { name: "site" })).body.key;
  const answer = await fetch(`${base}/v1/track`, { method: "POST", headers: { "content-type": "application/json", authorization: `Basic ${Buffer.from(`${key}:`).toString("base64")}` }, body: JSON.stringify({ userId: "u1", event: "Order Completed", messageId: "m1" }) });
  assert.equal(answer.status, 200);
  await until(() => client.seen.some(([name]) => name === "event:received"));
  const [, payload] = client.seen.find(([name]) => name === "event:received");
  assert.equal(payload.project_id, id);
  assert.equal(payload.events[0].name, "Order Completed");
  client.disconnect();
});

test("a key hears the live view only if it may read events", options, async () => {
  const id = await acme.project("Keys");
  const key = (await acme.call("POST", `${acme.path}/projects/${id}/keys`, { name: "site" })).body.key;
  const listen = async (scopes, project_id) => {
    const made = await acme.call("POST", `${acme.path}/api-keys`, { name: "k", scopes, project_id });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    return acme.socket(base, { auth: { tenant: acme.tenant.slug, token: made.body.key } });
  };
  const reader = await listen(["project.read", "event.read"], id);
  const deaf = [await listen(["project.read"]), await listen(["event.write"], id), await listen(["role.read"], id)];
  assert.deepEqual(await deaf[0].emitWithAck("join:entity", { type: "project", id }), { ok: true });
  await fetch(`${base}/v1/track`, { method: "POST", headers: { "content-type": "application/json", authorization: `Basic ${Buffer.from(`${key}:`).toString("base64")}` }, body: JSON.stringify({ userId: "u1", event: "Private", messageId: "m-keys" }) });
  await until(() => reader.seen.some(([name]) => name === "event:received"));
  await acme.call("PATCH", `${acme.path}/projects/${id}`, { name: "Keys of ours" });
  await until(() => deaf[0].seen.some(([name]) => name === "project:updated"));
  for (const client of deaf) assert.ok(!client.seen.some(([name]) => name === "event:received"));
  for (const client of [reader, ...deaf]) client.disconnect();
});

test("another organisation hears and opens nothing", options, async () => {
  const spy = await globex.socket();
  const id = await acme.project("Secret");
  assert.equal((await spy.emitWithAck("join:entity", { type: "project", id })).status, 404);
  await assert.rejects(globex.socket(base, { auth: { tenant: acme.tenant.slug, token: globex.token } }), (error) => error.data.status === 404);
  await assert.rejects(globex.socket(base, { auth: { tenant: acme.tenant.id, token: globex.token } }), (error) => error.data.status === 404);
  await assert.rejects(globex.socket(base, { auth: { tenant: globex.tenant.slug, token: `${globex.token}x` } }), (error) => error.data.status === 401);
  const own = await globex.project("Own");
  await until(() => spy.seen.some(([, payload]) => payload.id === own));
  assert.deepEqual(spy.seen.map(([, payload]) => payload.id), [own]);
  const stream = await fetch(`${base}${acme.path}/stream`, { headers: { authorization: `Bearer ${globex.token}` } });
  assert.equal(stream.status, 404);
  const topic = await fetch(`${base}${globex.path}/stream?topics=project:${id}`, { headers: { authorization: `Bearer ${globex.token}` } });
  assert.equal(topic.status, 404);
  spy.disconnect();
});

test("a lost client comes back and has missed nothing", options, async () => {
  const client = await acme.socket();
  await acme.project("Before");
  await until(() => client.seen.length >= 1);
  const back = new Promise((done) => client.once("connect", done));
  client.io.engine.close();
  const id = await acme.project("Meanwhile");
  await back;
  assert.equal(client.recovered, true);
  await until(() => client.seen.some(([, payload]) => payload.id === id));
  assert.equal(new Set(client.seen.map(([, payload]) => payload.id)).size, client.seen.length);
  client.disconnect();
});

test("SSE replays from Last-Event-ID", options, async () => {
  const read = async (lastId, enough) => {
    const abort = new AbortController();
    const answer = await fetch(`${base}${acme.path}/stream`, { signal: abort.signal, headers: { authorization: `Bearer ${acme.token}`, ...(lastId ? { "last-event-id": lastId } : {}) } });
    assert.equal(answer.status, 200);
    let text = "";
    for await (const chunk of answer.body) {
      text += new TextDecoder().decode(chunk);
      if (enough(text)) break;
    }
    abort.abort();
    return text;
  };
  const [, place] = /id: (\d+)\nevent: ready/.exec(await read(undefined, (text) => text.includes("event: ready\ndata:")));
  const ids = [await acme.project("One"), await acme.project("Two")];
  const text = await read(place, (so_far) => ids.every((id) => so_far.includes(id)));
  assert.ok(text.indexOf(ids[0]) < text.indexOf(ids[1]));
  assert.match(await read("999999999", (so_far) => so_far.includes("event:")), /event: reset/);
});

test("who signs out is out at once", options, async () => {
  const person = await Person.register("Brief");
  const client = await person.socket(base, { reconnection: false });
  const gone = new Promise((done) => client.once("disconnect", done));
  assert.equal((await person.call("DELETE", `/api/v1/me/sessions/${(await person.call("GET", "/api/v1/me")).body.session_id}`)).status, 204);
  const started = Date.now();
  assert.equal(await gone, "io server disconnect");
  assert.ok(Date.now() - started < 2000);
});

/** The token in the newest letter to somebody whose subject fits. */
async function token_mailed(email, subject) {
  let letter;
  await until(async () => {
    const { items } = (await acme.call("GET", "/dev/mail/messages")).body;
    return (letter = items.find((item) => JSON.stringify(item.to).includes(email) && subject.test(item.subject)));
  }, 15000);
  const { text } = (await acme.call("GET", `/dev/mail/messages/${letter.id}`)).body;
  return /[\w-]{40,}/.exec(text.slice(text.indexOf("http")))[0];
}

/** A member of acme, by invitation and mail. */
async function colleague(role) {
  const email = `rt${Date.now()}${Math.random()}`.replace(".", "") + "@example.org";
  await acme.call("POST", "/api/v1/auth/verify", { token: await token_mailed(acme.email, /confirm|verify/i) });
  const invited = await acme.call("POST", `${acme.path}/invitations`, { email, role });
  assert.equal(invited.status, 201, JSON.stringify(invited.body));
  const person = new Person();
  const answer = await person.call("POST", "/api/v1/auth/register", { name: "Cole Ague", email, password: "Correct-Horse-42!", invitation_token: await token_mailed(email, /invit/i), mode: "token" });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return Object.assign(person, { token: answer.body.access_token, id: answer.body.user.id, tenant: acme.tenant, path: acme.path });
}

test("a viewer hears what a viewer may; removed, they hear nothing within a second", options, async () => {
  const viewer = await colleague("viewer");
  const client = await viewer.socket(base, { reconnection: false });
  const id = await acme.project("For all");
  await until(() => client.seen.some(([name]) => name === "project:created"));
  assert.deepEqual(await client.emitWithAck("join:entity", { type: "project", id }), { ok: true });
  await acme.call("POST", `${acme.path}/projects/${id}/keys`, { name: "secret" });
  await acme.call("PATCH", `${acme.path}/projects/${id}`, { name: "For all of us" });
  await until(() => client.seen.some(([name]) => name === "project:updated"));
  assert.ok(!client.seen.some(([name]) => name.startsWith("key:")), "keys are not a viewer's business");
  const gone = new Promise((done) => client.once("disconnect", done));
  const started = Date.now();
  assert.equal((await acme.call("DELETE", `${acme.path}/members/${viewer.id}`)).status, 204);
  assert.equal(await gone, "io server disconnect");
  assert.ok(Date.now() - started < 2000);
  assert.equal(client.seen.at(-1)[0], "session:ended");
  assert.equal(client.seen.at(-1)[1].code, "access_ended");
});

test("two nodes: what happens on one is heard on the other", { skip: second ? false : "BASE_URL_2 is not set" }, async () => {
  const login = await acme.call("POST", "/api/v1/auth/login", { email: acme.email, password: "Correct-Horse-42!", mode: "token" }, second);
  const token = login.body.access_token; // its issuer is that node's own address
  const here = await acme.socket(base);
  const there = await acme.socket(second, { auth: { tenant: acme.tenant.slug, token } });
  const id = await acme.project("Two nodes");
  for (const client of [here, there]) await until(() => client.seen.some(([, payload]) => payload.id === id));
  const started = Date.now();
  await acme.call("PATCH", `${acme.path}/projects/${id}`, { name: "Renamed" }, second, token);
  for (const client of [here, there]) await until(() => client.seen.some(([name]) => name === "project:updated"));
  assert.ok(Date.now() - started < 1000);
  for (const client of [here, there]) client.disconnect();
});
