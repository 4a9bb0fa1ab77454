// socketio.test.mjs - the real socket.io-client: transports, rooms and their walls,
// recovery, rights that change, readers that do not read.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Bytes, pause, project, Stage, until } from "./stage.mjs";

let stage;
before(async () => (stage = await Stage.start({ RT_RECOVERY_MS: "1500", RT_OUTBOUND: "300000" })));
after(() => stage.stop());

const names = (client) => client.seen.map(([name]) => name);
const drop = (client) => client.io.engine.close(); // as if the network had gone

for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]])
  test(`events and acknowledgements over ${transports.join(" then ")}`, async () => {
    const client = await stage.connected("ann@acme", { transports });
    if (transports.length === 2) await until(() => client.io.engine.transport.name === "websocket");
    assert.deepEqual(await client.emitWithAck("join:entity", { type: "project", id: project(1) }), { ok: true });
    await stage.emit("project:created", project(1), { id: project(1), name: "Größe €" });
    await until(() => client.seen.length === 1);
    assert.deepEqual(client.seen[0], ["project:created", { id: project(1), name: "Größe €" }]);
    assert.deepEqual(await client.emitWithAck("leave:entity", { type: "project", id: project(1) }), { ok: true });
    client.disconnect();
  });

test("an event reaches a socket once, whatever rooms it sits in", async () => {
  const client = await stage.connected("ann@acme");
  await client.emitWithAck("join:entity", { type: "project", id: project(1) });
  await stage.emit("project:updated", project(1));
  await stage.emit("member:joined", project(2));
  await until(() => names(client).includes("member:joined"));
  assert.deepEqual(names(client), ["project:updated", "member:joined"]);
  client.disconnect();
});

test("who is nobody, or nobody there, is refused with a problem", async () => {
  const nobody = await stage.refused(undefined);
  assert.equal(nobody.data.status, 401);
  const stranger = await stage.refused("ann@acme", { tenant: "globex" });
  assert.equal(stranger.data.status, 404);
  const vague = await stage.refused("ann@acme", { tenant: null });
  assert.equal(vague.data.status, 404);
});

test("another namespace is refused", async () => {
  const client = stage.client("ann@acme");
  const admin = client.io.socket("/admin", { auth: {} });
  const error = await new Promise((done) => (admin.on("connect_error", done), admin.connect()));
  assert.equal(error.message, "Invalid namespace");
  client.disconnect();
});

test("rooms of others: foreign tenant, missing row, missing permission, nonsense", async () => {
  const ann = await stage.connected("ann@acme");
  const nora = await stage.connected("nora@acme"); // may not read projects
  const join = (client, body) => client.emitWithAck("join:entity", body);
  assert.equal((await join(ann, { type: "project", id: project(0x20) })).status, 404);
  assert.equal((await join(ann, { type: "tenant", id: project(1) })).status, 404);
  assert.equal((await join(ann, { type: "user", id: project(1) })).status, 404);
  assert.equal((await join(nora, { type: "project", id: project(1) })).status, 403);
  assert.equal((await join(ann, { type: "project:x", id: project(1) })).status, 422);
  assert.equal((await join(ann, { type: "project", id: "1 or 1=1" })).status, 422);
  assert.equal((await join(ann, null)).status, 422);
  assert.equal((await ann.emitWithAck("make:coffee", {})).status, 404);
  ann.disconnect();
  nora.disconnect();
});

test("nobody hears what is not theirs", async () => {
  const ann = await stage.connected("ann@acme");
  const gus = await stage.connected("gus@globex", { tenant: "globex" });
  const nora = await stage.connected("nora@acme");
  await stage.emit("project:created", project(1));
  await stage.emit("secret:leaked", project(1)); // an event nobody has declared
  await stage.emit("member:joined", project(3));
  await stage.emit("member:joined", project(0x21), { id: project(0x21) }, "globex");
  await until(() => names(ann).length >= 2 && names(nora).length >= 1 && names(gus).length >= 1);
  await pause(50);
  assert.deepEqual(names(ann), ["project:created", "member:joined"]);
  assert.deepEqual(names(nora), ["member:joined"]);
  assert.deepEqual(gus.seen, [["member:joined", { id: project(0x21) }]]);
  for (const client of [ann, gus, nora]) client.disconnect();
});

test("volatile messages go to the room alone and carry no offset", async () => {
  const inside = await stage.connected("ann@acme");
  const outside = await stage.connected("bob@acme");
  await inside.emitWithAck("join:entity", { type: "project", id: project(1) });
  let extra;
  inside.on("event:received", (...args) => (extra = args));
  await stage.control("broadcast", { room: `project:${project(1)}`, name: "event:received" }, { project_id: project(1), events: [] });
  await until(() => extra);
  assert.deepEqual(extra, [{ project_id: project(1), events: [] }]);
  assert.deepEqual(outside.seen, []);
  inside.disconnect();
  outside.disconnect();
});

test("a lost client comes back and has missed nothing, in order", async () => {
  const client = await stage.connected("ann@acme");
  await client.emitWithAck("join:entity", { type: "project", id: project(1) });
  await stage.emit("project:created", project(1), { n: 0 });
  await until(() => client.seen.length === 1);
  const sid = client.id;
  const back = new Promise((done) => client.once("connect", done));
  drop(client);
  for (let n = 1; n <= 50; n++) await stage.emit("project:updated", project(n % 2 ? 1 : 5), { n });
  await back;
  assert.equal(client.recovered, true);
  assert.equal(client.id, sid);
  await stage.emit("project:updated", project(1), { n: 51 });
  await until(() => client.seen.length === 52);
  assert.deepEqual(client.seen.map(([, { n }]) => n), [...Array(52).keys()]);
  await stage.control("broadcast", { room: `project:${project(1)}`, name: "event:received" }, { still: "in the room" });
  await until(() => names(client).includes("event:received"));
  client.disconnect();
});

test("also one that had not heard anything yet, and twice in a row", async () => {
  const client = await stage.connected("ann@acme");
  for (let round = 1; round <= 2; round++) {
    const back = new Promise((done) => client.once("connect", done));
    drop(client);
    await stage.emit("member:joined", project(round), { round });
    await back;
    assert.equal(client.recovered, true);
    await until(() => client.seen.length === round);
  }
  client.disconnect();
});

test("recovery is complete or not at all", async () => {
  const client = await stage.connected("ann@acme");
  await stage.emit("member:joined");
  await until(() => client.seen.length === 1);
  const back = new Promise((done) => client.once("connect", done));
  drop(client);
  await stage.emit("member:joined", project(1), { lost: true });
  await stage.control("trim");
  await stage.emit("member:joined", project(1), { kept: true });
  await back;
  assert.equal(client.recovered, false);
  await stage.emit("member:updated");
  await until(() => names(client).includes("member:updated"));
  assert.ok(!client.seen.some(([, payload]) => payload.lost));
  client.disconnect();
});

test("too late is too late", async () => {
  const client = await stage.connected("ann@acme", { reconnectionDelay: 2000, reconnectionDelayMax: 2000, randomizationFactor: 0 });
  await stage.emit("member:joined");
  await until(() => client.seen.length === 1);
  const back = new Promise((done) => client.once("connect", done));
  drop(client);
  await back;
  assert.equal(client.recovered, false);
  client.disconnect();
});

test("somebody else's pid is worth nothing, and does them no harm", async () => {
  const ann = await stage.connected("ann@acme");
  const pid = ann._pid;
  const thief = await stage.connected("bob@acme", { auth: { token: "bob@acme", tenant: "acme", pid, offset: "0" } });
  assert.notEqual(thief._pid, pid);
  assert.deepEqual(thief.seen, []);
  assert.equal(ann.connected, true);
  const back = new Promise((done) => ann.once("connect", done));
  drop(ann);
  await back;
  assert.equal(ann.recovered, true);
  ann.disconnect();
  thief.disconnect();
});

test("who left by intent does not recover", async () => {
  const client = await stage.connected("ann@acme");
  const pid = client._pid;
  client.disconnect();
  const again = await stage.connected("ann@acme", { auth: { token: "ann@acme", tenant: "acme", pid, offset: "0" } });
  assert.notEqual(again._pid, pid);
  again.disconnect();
});

test("at most ten connections for one person", async () => {
  const clients = [];
  for (let i = 0; i < 10; i++) clients.push(await stage.connected("tess@acme"));
  const error = await stage.refused("tess@acme", { reconnection: false });
  assert.equal(error.data.status, 429);
  clients.pop().disconnect();
  await until(async () => (await stage.metric('sockets{kind="socketio"}')) <= 10);
  clients.push(await stage.connected("tess@acme"));
  for (const client of clients) client.disconnect();
});

test("revoked: told why, closed within a second, and no way back", async () => {
  const client = await stage.connected("eve@acme");
  const gone = new Promise((done) => client.once("disconnect", done));
  await stage.control("revoke", { user: "eve" });
  const started = Date.now();
  assert.equal(await gone, "io server disconnect");
  assert.ok(Date.now() - started < 1000);
  assert.deepEqual(client.seen, [["session:ended", { code: "session_ended", detail: "Your session has ended." }]]);
  const error = await stage.refused("eve@acme");
  assert.equal(error.data.status, 401);
});

test("an expired token: the client may come back by itself, with a new one", async () => {
  let token = "oldie@acme";
  const client = await stage.connected(undefined, { auth: (answer) => answer({ tenant: "acme", token }) });
  const gone = new Promise((done) => client.once("disconnect", done));
  token = "fresh@acme";
  await stage.control("revoke", { user: "oldie" });
  assert.equal(await gone, "transport close");
  assert.equal(client.seen[0][1].code, "token_expired");
  await until(() => client.connected);
  assert.equal(client.recovered, false);
  client.disconnect();
});

test("revoked while away: nothing is replayed", async () => {
  const client = await stage.connected("mal@acme");
  await stage.emit("member:joined");
  await until(() => client.seen.length === 1);
  const refused = new Promise((done) => client.once("connect_error", done));
  drop(client);
  await stage.control("revoke", { user: "mal" });
  await stage.emit("member:joined");
  assert.equal((await refused).data.status, 401);
  assert.equal(client.seen.length, 1);
});

test("fewer rights: the rooms go, the connection stays", async () => {
  const client = await stage.connected("low@acme");
  await client.emitWithAck("join:entity", { type: "project", id: project(1) });
  await stage.control("demote", { user: "low" });
  await stage.emit("member:updated"); // asks for a look at everybody's rights
  await pause(500);
  await stage.emit("project:updated", project(1));
  await stage.control("broadcast", { room: `project:${project(1)}`, name: "event:received" }, {});
  await stage.emit("member:joined");
  await until(() => names(client).includes("member:joined"));
  assert.deepEqual(names(client), ["member:updated", "member:joined"]);
  assert.equal((await client.emitWithAck("join:entity", { type: "project", id: project(1) })).status, 403);
  client.disconnect();
});

test("binary attachments arrive, wrong ones close", async () => {
  const client = await stage.connected("ann@acme");
  const got = new Promise((done) => client.once("message-back", (...args) => done(args)));
  client.emit("message", Buffer.from([1, 2]), { deep: [Buffer.from([3])] });
  const [first, second] = await got;
  assert.deepEqual([[...first], [...second.deep[0]]], [[1, 2], [3]]);
  client.disconnect();
  const cases = [
    ['451-["m",{"_placeholder":true,"num":7}]', Buffer.from([1])],
    ['451-["m",{"_placeholder":true,"num":0}]', "2text in between"],
    ['4511-["m"]'],
    ["42{}"],
    ["44{}"],
    ['42/admin,["m"]'],
    ["40{}"],
    ["4x"],
  ];
  for (const packets of cases) {
    const bytes = await Bytes.open(stage.port, "/socket.io/?EIO=4&transport=websocket");
    bytes.send(Bytes.frame(0x81, '40{"tenant":"acme","token":"raw@acme"}'));
    await until(() => bytes.frames().length >= 2);
    bytes.send(...packets.map((p) => Bytes.frame(typeof p === "string" ? 0x81 : 0x82, p)));
    assert.equal(await bytes.closeCode(), 1005, packets[0]);
    bytes.end();
  }
});

test("an event before CONNECT is done closes, even in the same payload", async () => {
  const session = await stage.polling();
  await session.post('40{"tenant":"acme","token":"ann@acme"}\x1e42["message"]');
  assert.equal((await session.get()).status, 400);
});

test("a reader that does not read is cut; the others notice nothing", async () => {
  const bytes = await Bytes.open(stage.port, "/socket.io/?EIO=4&transport=websocket");
  bytes.send(Bytes.frame(0x81, '40{"tenant":"acme","token":"slow@acme"}'));
  await until(() => bytes.frames().length >= 2);
  bytes.socket.pause();
  const good = await stage.connected("ann@acme");
  const before = await stage.metric('ended_total{reason="slow"}');
  const payload = { id: project(1), pad: "x".repeat(100_000) };
  for (let i = 1; i <= 200 && (await stage.metric('ended_total{reason="slow"}')) === before; i++) {
    await stage.emit("project:updated", project(1), payload);
    await until(() => good.seen.length >= i); // who reads keeps up
  }
  assert.equal(await stage.metric('ended_total{reason="slow"}'), before + 1);
  assert.equal(good.connected, true);
  bytes.end();
  good.disconnect();
});

test("a polling client that does not poll is cut as well", async () => {
  const session = await stage.polling();
  await session.post('40{"tenant":"acme","token":"lazy@acme"}');
  await pause(50);
  for (let i = 0; i < 5; i++) await stage.emit("project:updated", project(1), { pad: "x".repeat(100_000) });
  assert.equal((await session.get()).status, 400);
});

test("a flood of messages ends the connection", async () => {
  const bytes = await Bytes.open(stage.port, "/socket.io/?EIO=4&transport=websocket");
  bytes.send(Bytes.frame(0x81, '40{"tenant":"acme","token":"loud@acme"}'));
  await until(() => bytes.frames().length >= 2);
  bytes.send(...Array(1100).fill(Bytes.frame(0x81, '42["noise"]')));
  assert.equal(await bytes.closeCode(), 1008);
  bytes.end();
});

test("an address cannot fill the house with connections that say nothing", async (t) => {
  const other = await Stage.start({ RT_STRANGERS: "5" });
  t.after(() => other.stop());
  const known = await other.connected("ann@acme");
  const sessions = [];
  for (let i = 0; i < 5; i++) sessions.push(await other.polling());
  assert.equal((await other.raw("EIO=4&transport=polling")).status, 503);
  assert.match((await Bytes.open(other.port, "/socket.io/?EIO=4&transport=websocket")).head, /^HTTP\/1.1 503/);
  assert.equal(await (await sessions[0].post('40{"tenant":"acme","token":"bob@acme"}')).text(), "ok");
  assert.match(await (await sessions[0].get()).text(), /^40/);
  assert.equal((await other.raw("EIO=4&transport=polling")).status, 200);
  assert.equal(known.connected, true);
});

test("stopping: every client is told, and the server is gone in time", async () => {
  const other = await Stage.start();
  const ws = await other.connected("ann@acme", { reconnection: false });
  const polling = await other.connected("bob@acme", { reconnection: false, transports: ["polling"] });
  const reasons = Promise.all([ws, polling].map((c) => new Promise((done) => c.once("disconnect", (reason, details) => done([reason, details])))));
  const raw = await Bytes.open(other.port, "/api/v1/t/acme/ws", "Authorization: Bearer cy@acme\r\n");
  const started = Date.now();
  other.process.kill("SIGTERM");
  for (const [reason] of await reasons) assert.ok(["transport close", "transport error"].includes(reason), reason);
  assert.equal(await raw.closeCode(), 1001);
  await other.stop();
  assert.ok(Date.now() - started < 3000);
});

test("nothing is left behind", async () => {
  for (const client of stage.sockets) client.disconnect();
  await until(async () => (await stage.metric('sockets{kind="socketio"}')) === 0);
  assert.equal(await stage.metric("rooms"), 0);
});
