// bad_input.test.mjs - what hostile and careless clients send: the right answer, never a 500,
// nothing of an acknowledged event lost, and the books balance afterwards.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import { after, before, test } from "node:test";
import zlib from "node:zlib";
import { Server, pause, until } from "./stage.mjs";

let server, owner;
const track = (more = {}) => ({ type: "track", event: "A", userId: "u", messageId: `m-${Math.random()}`, ...more });

before(async () => {
  server = await Server.start();
  owner = await server.owner();
});
after(async () => {
  server.checkBooks();
  await server.stop();
});

test("the answer of success is exactly what the specification says", async () => {
  const answer = await owner.send("/v1/batch", { batch: [track(), track({ messageId: "twice" }), track({ messageId: "twice" }), { type: "track", messageId: "x" }] });
  assert.equal(answer.status, 200);
  const { quota, ...rest } = answer.json;
  assert.deepEqual(rest, {
    success: true, accepted: 2, duplicates: 1,
    rejected: [{ index: 3, messageId: "x", code: "missing_event", message: "A track call needs the name of the event." }],
  });
  assert.deepEqual(Object.keys(quota), ["used", "limit", "state"]);
  assert.equal(quota.state, "ok");
});

test("every address, with and without a slash, long and short", async () => {
  const bodies = () => ({
    track: { event: "A" }, identify: { traits: {} }, page: { name: "P" }, screen: { name: "S" }, group: { groupId: "g" }, alias: { previousId: "p" },
    batch: { batch: [track()] }, import: { batch: [track()] },
  });
  for (const name of Object.keys(bodies()))
    for (const path of [`/v1/${name}`, `/v1/${name}/`, ...(name === "import" ? [] : [`/v1/${name[0]}`, `/v1/${name[0]}/`])]) {
      const answer = await owner.send(path, { userId: "u", ...bodies()[name] });
      assert.equal(answer.status, 200, `${path}: ${answer.text}`);
      assert.equal(answer.json.accepted, 1, path);
    }
  assert.equal((await owner.send("/v1/m", { series: [] })).status, 200);
});

test("the key: Basic, Bearer, body, query; wrong ones are 401 and tell the SDKs why", async () => {
  const none = { authorization: "" };
  const body = JSON.stringify(track());
  const path = "/v1/track";
  assert.equal((await owner.send(path, body, { authorization: `Bearer ${owner.key}` })).status, 200);
  assert.equal((await owner.send(path, body, { authorization: `Basic ${Buffer.from(owner.key).toString("base64")}` })).status, 200);
  delete none.authorization;
  const plain = (p, b) => fetch(server.url + p, { method: "POST", body: b });
  assert.equal((await plain(`${path}?writeKey=${owner.key}`, body)).status, 200);
  assert.equal((await plain(path, JSON.stringify({ ...track(), writeKey: owner.key }))).status, 200);
  for (const answer of [await plain(path, body), await plain(`${path}?writeKey=bh_wk_invented0000000000`, body)]) {
    assert.equal(answer.status, 401);
    const refusal = await answer.json();
    assert.equal(refusal.success, false);
    assert.ok(refusal.error && refusal.message && refusal.code);
  }
});

test("broken bodies are 400 with a JSON object", async () => {
  for (const body of ["", "{", "null", "7", '"text"', "[]", '{"batch":7}', '{"a":1}x', "\u0000", '{"batch":[{]}', Buffer.from([0xff, 0xfe])]) {
    const answer = await owner.send("/v1/batch", body);
    assert.equal(answer.status, 400, JSON.stringify(String(body)));
    assert.equal(answer.json.success, false);
  }
});

test("any content type, gzip, chunked", async () => {
  const packed = () => zlib.gzipSync(JSON.stringify({ batch: [track()] }));
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/json", "image/png"]) {
    assert.equal((await owner.send("/v1/batch", packed(), { "content-type": type })).json.accepted, 1, type);
    assert.equal((await owner.send("/v1/track", JSON.stringify(track()), { "content-type": type })).json.accepted, 1, type);
  }
  const stream = new Blob([JSON.stringify(track())]).stream();
  const answer = await fetch(`${server.url}/v1/track?writeKey=${owner.key}`, { method: "POST", body: stream, duplex: "half" });
  assert.equal((await answer.json()).accepted, 1);
});

test("a gzip bomb and an oversized body are 413 and cheap", async () => {
  const bomb = zlib.gzipSync(Buffer.alloc(1 << 30, "0"), { level: 9 });
  assert.ok(bomb.length < 2 << 20);
  const started = Date.now();
  assert.equal((await owner.send("/v1/batch", bomb)).status, 413);
  assert.ok(Date.now() - started < 2000);
  const large = await owner.send("/v1/batch", JSON.stringify({ batch: [], x: "x".repeat(5 << 20) })).catch((fault) => ({ fault }));
  assert.ok(large.fault || large.status === 413);
  assert.equal((await owner.send("/v1/track", JSON.stringify(track()))).status, 200);
});

test("one bad event never fails its batch", async () => {
  let deep = {};
  for (let i = 0; i < 300; i++) deep = { a: deep };
  const batch = [
    track({ properties: { x: "x".repeat(33 * 1024) } }), track({ properties: deep }), track({ userId: null }), track({ timestamp: "soon" }),
    { type: "group", userId: "u" }, { type: "alias", userId: "u" }, { type: "dance", userId: "u" }, 7, null, "x", [], track({ properties: 7 }), track(),
  ];
  const answer = await owner.send("/v1/batch", { batch });
  assert.equal(answer.status, 200);
  assert.equal(answer.json.accepted, 1);
  assert.deepEqual(answer.json.rejected.map((r) => r.code), [
    "event_too_large", "event_too_large", "no_identity", "invalid_timestamp", "missing_group", "missing_previous", "invalid_type",
    "not_an_object", "not_an_object", "not_an_object", "not_an_object", "invalid_type",
  ]);
  const page = await owner.call("GET", `${owner.path}/rejections?code=missing_group`);
  assert.equal(page.items[0].code, "missing_group");
});

test("NUL, lone surrogates, odd bytes and huge numbers are stored, not refused", async () => {
  const body = Buffer.concat([
    Buffer.from('{"event":"a\\u0000b","userId":"\\ud800x","messageId":"odd-1","properties":{"big":1e999999,"small":1e-99999,"long":'),
    Buffer.from("9".repeat(3000)), Buffer.from(',"exact":12345678901234567890.123,"bytes":"'), Buffer.from([0xff, 0xc0, 0x00]), Buffer.from('"}}'),
  ]);
  const answer = await owner.send("/v1/track", body);
  assert.deepEqual([answer.status, answer.json?.accepted], [200, 1], answer.text);
  const [event] = await owner.events("&name=" + encodeURIComponent("a\ufffdb"));
  assert.equal(event.user_id, "\ufffdx");
  assert.equal(event.properties.big, null);
  assert.equal(event.properties.bytes, "???");
});

test("very long ids and names are stored; the enricher goes on", async () => {
  const long = crypto.randomBytes(10000).toString("hex"); // what does not compress does not fit an index
  const answer = await owner.send("/v1/batch", { batch: [track({ userId: long }), track({ event: long }), track({ anonymousId: long }), track({ messageId: long })] });
  assert.equal(answer.json.accepted, 4);
  await server.followed(owner);
  assert.ok(Number(server.ask("select count(*) from analytics.dead_letters")) >= 1, "an id no index can hold is a dead letter");
});

test("SQL and HTML in every text come back as they went in", async () => {
  const evil = `'; drop table analytics.events; -- <script>alert(1)</script> \\ " {{x}} %s`;
  await owner.send("/v1/track", track({ event: evil, userId: evil, properties: { [evil]: evil } }));
  const [event] = await owner.events(`&name=${encodeURIComponent(evil)}&user_id=${encodeURIComponent(evil)}`);
  assert.equal(event.properties[evil], evil);
});

test("the clock is repaired; what the client said is kept; too old and too early are flagged", async () => {
  const now = Date.now();
  const iso = (ms) => new Date(now + ms).toISOString();
  const hour = 3600e3;
  await owner.send("/v1/batch", {
    sentAt: iso(-5 * hour),
    batch: [track({ messageId: "slow", timestamp: iso(-5 * hour - 10000) })],
  });
  await owner.send("/v1/batch", { batch: [track({ messageId: "old", timestamp: iso(-40 * 24 * hour) }), track({ messageId: "early", timestamp: iso(hour) })] });
  const events = Object.fromEntries((await owner.events()).map((e) => [e.message_id, e]));
  assert.ok(Math.abs(Date.parse(events.slow.timestamp) - (now - 10000)) < 3000);
  assert.deepEqual(events.slow.flags, ["clock_repaired"]);
  assert.deepEqual(events.old.flags, ["late"]);
  assert.equal(Date.parse(events.old.timestamp), now - 40 * 24 * hour);
  assert.deepEqual(events.early.flags, ["ahead"]);
  const detail = await owner.call("GET", `${owner.path}/events/${events.slow.id}`);
  assert.equal(detail.original_timestamp, iso(-5 * hour - 10000));
});

test("a revoked key, an archived project and a foreign tenant", async () => {
  const other = await server.owner();
  const made = await owner.call("POST", `${owner.path}/keys`, { name: "short-lived" });
  assert.equal((await owner.send("/v1/track", track(), {}, made.key)).status, 200);
  const elsewhere = await other.raw("DELETE", `${other.path}/keys/${made.id}`);
  assert.equal(elsewhere.status, 404);
  await owner.call("DELETE", `${owner.path}/keys/${made.id}`);
  assert.equal((await owner.send("/v1/track", track(), {}, made.key)).status, 401);
  for (const path of ["", "/events", "/ledger", "/usage", "/series", "/rejections", "/profiles", "/keys"]) {
    assert.equal((await other.raw("GET", owner.path + path)).status, 404, path);
    assert.equal((await other.raw("GET", owner.path.replace(owner.tenant.slug, other.tenant.slug) + path)).status, 404, path);
  }
  assert.equal((await other.send("/v1/track", track())).json.accepted, 1);
  await other.call("POST", `${other.path}/archive`);
  assert.equal((await other.send("/v1/track", track())).status, 403);
  await other.call("POST", `${other.path}/restore`);
  await pause(1100);
  assert.equal((await other.send("/v1/track", track())).status, 200);
  assert.equal((await other.ledger()).received, 2);
});

test("a frozen organisation is refused from the commit on, and back afterwards", async () => {
  const guest = await server.owner();
  assert.equal((await guest.send("/v1/track", track())).status, 200);
  server.ask(`update tenants.tenants set status = 'frozen' where id = '${guest.tenant.id}'`);
  const refused = await guest.send("/v1/track", track());
  assert.equal(refused.status, 403);
  assert.equal(refused.json.success, false);
  server.ask(`update tenants.tenants set status = 'active' where id = '${guest.tenant.id}'`);
  await pause(1100);
  assert.equal((await guest.send("/v1/track", track())).status, 200);
  assert.equal(server.ask(`select count(*) from analytics.events where tenant_id = '${guest.tenant.id}'`), "2");
});

test("an API key that could mean several projects is asked which", async () => {
  const guest = await server.owner();
  const { key } = await guest.call("POST", `${guest.base}/api-keys`, { name: "k", scopes: ["event.write"] });
  const send = (query = "") => guest.raw("POST", `/v1/events${query}`, { name: "A", user_id: "u" }, { authorization: `Bearer ${key}` });
  assert.equal((await send()).json.accepted, 1);
  const second = await guest.call("POST", `${guest.base}/projects`, { name: "Second" });
  assert.equal((await send(`?project_id=${second.id}`)).json.accepted, 1);
  assert.equal((await send(`?project_id=${owner.project.id}`)).status, 400);
});

test("the database goes away and comes back: 503 for what is not stored, then everything as before", async () => {
  const guest = await server.owner();
  assert.equal((await guest.send("/v1/track", track({ messageId: "before" }))).status, 200);
  server.ask("select count(pg_terminate_backend(pid)) from pg_stat_activity where usename like 'bulkhead_%'");
  const answers = [];
  for (let n = 0; n < 10; n++) answers.push((await guest.send("/v1/track", track({ messageId: `after-${n}` }))).status);
  assert.ok(answers.every((status) => status === 200 || status === 503), String(answers));
  assert.equal(answers.at(-1), 200);
  const stored = Number(server.ask(`select count(*) from analytics.events where tenant_id = '${guest.tenant.id}'`));
  assert.equal(stored, 1 + answers.filter((status) => status === 200).length);
});

test("our own form with an API key needs event.write", async () => {
  const make = (scopes) => owner.call("POST", `${owner.base}/api-keys`, { name: "k", scopes, project_id: owner.project.id });
  const writer = await make(["event.write"]);
  const reader = await make(["event.read"]);
  const events = [{ name: "Own", user_id: 5, properties: { a: 1 }, message_id: "own-1" }];
  const send = (key, body) => owner.raw("POST", "/v1/events", body, { authorization: `Bearer ${key}` });
  for (const body of [events, { events }, events[0]]) assert.equal((await send(writer.key, JSON.stringify(body))).status, 200);
  assert.equal((await send(reader.key, JSON.stringify(events))).status, 403);
  const found = await owner.events("&name=Own");
  assert.deepEqual(found.map((e) => [e.user_id, e.message_id]), [["5", "own-1"]]);
});

test("the pixel is always a picture, and counts", async () => {
  for (const query of [`writeKey=${owner.key}&event=Opened&userId=px&colour=red`, "writeKey=wrong", ""]) {
    const answer = await fetch(`${server.url}/v1/pixel/track?${query}`);
    assert.equal(answer.headers.get("content-type"), "image/gif");
    assert.equal((await answer.arrayBuffer()).byteLength, 43);
  }
  const [event] = await owner.events("&name=Opened");
  assert.deepEqual([event.user_id, event.properties], ["px", { colour: "red" }]);
});

test("over the rate: 429 with whole seconds; over the plan: 200, counted, announced", async () => {
  const strict = await Server.start({ BULKHEAD_INGEST_RATE: "5", BULKHEAD_PLAN_EVENTS: "100" });
  try {
    const guest = await strict.owner();
    const answers = await Promise.all(Array.from({ length: 12 }, () => guest.send("/v1/track", track())));
    const limited = answers.filter((a) => a.status === 429);
    assert.ok(limited.length >= 5);
    assert.match(limited[0].headers.get("retry-after"), /^[1-9]\d*$/);
    assert.equal(limited[0].json.success, false);
    await pause(1500);
    const batch = Array.from({ length: 120 }, () => track());
    const answer = await guest.send("/v1/batch", { batch });
    assert.equal(answer.status, 200);
    assert.equal(answer.json.quota.state, "disabled");
    assert.ok(answer.json.rejected.every((r) => r.code === "over_quota"));
    const ledger = await guest.ledger();
    assert.equal(ledger.accepted, 100);
    assert.equal(ledger.over_quota, ledger.received - 100);
    await until(() => strict.ask("select count(*) from analytics.quota_notices") !== "0");
    strict.checkBooks();
  } finally {
    await strict.stop();
  }
});
