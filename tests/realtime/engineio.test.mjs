// engineio.test.mjs - Engine.IO v4 on the wire: handshake, polling, heartbeat, upgrade and
// every error the reference server has (reference/jobs-and-realtime.md 3.1).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { Bytes, pause, Stage, until } from "./stage.mjs";

let stage;
before(async () => (stage = await Stage.start({ RT_PING_MS: "300", RT_TIMEOUT_MS: "200", RT_UPGRADE_MS: "500" }, "engineio")));
after(() => stage.stop());

const text = async (answer) => (await answer).text();

function socket(query) {
  const ws = new WebSocket(`${stage.url.replace("http", "ws")}/socket.io/?${query}`);
  ws.got = [];
  ws.on("message", (data, binary) => ws.got.push(binary ? data : data.toString()));
  ws.on("error", () => {});
  ws.next = async () => {
    await until(() => ws.got.length > 0);
    return ws.got.shift();
  };
  ws.closed = new Promise((done) => ws.on("close", (code) => done(code)));
  ws.opened = new Promise((done) => ws.on("open", done));
  return ws;
}

test("a handshake has exactly its five keys", async () => {
  const answer = await stage.raw("EIO=4&transport=polling&t=abc&theirs=1");
  assert.equal(answer.headers.get("content-type"), "text/plain; charset=UTF-8");
  assert.equal(answer.headers.get("cache-control"), "no-store");
  const body = await answer.text();
  const open = JSON.parse(body.slice(1));
  assert.equal(body[0], "0");
  assert.deepEqual(Object.keys(open), ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]);
  assert.match(open.sid, /^[\w-]{20}$/);
  assert.deepEqual(open.upgrades, ["websocket"]);
  const ws = socket("EIO=4&transport=websocket");
  assert.deepEqual(JSON.parse((await ws.next()).slice(1)).upgrades, []);
  ws.close();
});

test("errors have the reference's codes", async () => {
  const cases = [
    ["EIO=4", "GET", 400, 0],
    ["EIO=4&transport=abc", "GET", 400, 0],
    ["EIO=4&transport=polling&sid=unknown", "GET", 400, 1],
    ["EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA", "GET", 400, 1],
    ["EIO=4&transport=polling", "POST", 400, 2],
    ["EIO=4&transport=websocket", "GET", 400, 3],
    ["EIO=3&transport=polling", "GET", 400, 5],
    ["transport=polling", "GET", 400, 5],
  ];
  for (const [query, method, status, code] of cases) {
    const answer = await stage.raw(query, { method });
    assert.equal(answer.status, status, query);
    assert.equal((await answer.json()).code, code, query);
  }
});

test("a foreign origin is refused on polling and on upgrade", async () => {
  const answer = await stage.raw("EIO=4&transport=polling", { headers: { Origin: "http://evil.example" } });
  assert.equal(answer.status, 403);
  assert.equal((await answer.json()).code, 4);
  const bytes = await Bytes.open(stage.port, "/socket.io/?EIO=4&transport=websocket", "Origin: http://evil.example\r\n");
  assert.match(bytes.head, /^HTTP\/1.1 403/);
  const good = await stage.raw("EIO=4&transport=polling", { headers: { Origin: "http://good.example" } });
  assert.equal(good.headers.get("access-control-allow-origin"), "http://good.example");
  assert.equal(good.headers.get("access-control-allow-credentials"), "true");
});

test("payloads come back as they were sent", async () => {
  for (const body of ["4hello", "4a\x1e4b\x1e4€", "4x\x1ebAQIDBA=="]) {
    const session = await stage.polling();
    assert.equal(await text(session.post(body)), "ok");
    assert.equal(await text(session.get()), body);
  }
});

test("whatever is not a packet closes the session", async () => {
  for (const [body, options] of [["abc"], ["4a\x1e\x1e4b"], ["2"], ["0{}"], ["b*notbase64*"], [""], [new Uint8Array([0x34, 0xff])], ["4a", { headers: { "content-type": "application/octet-stream" } }]]) {
    const session = await stage.polling();
    const answer = await session.post(body, options);
    assert.ok(answer.status === 400 || (await answer.text()) === "ok", String(body));
    assert.equal((await session.get()).status, 400, String(body));
  }
});

test("a body over the limit is 413 and the session lives", async () => {
  const session = await stage.polling();
  assert.equal((await session.post("4" + "x".repeat(1_000_001))).status, 413);
  await session.post("4still here");
  assert.equal(await text(session.get()), "4still here");
});

test("two polls at once end the session", async () => {
  const session = await stage.polling();
  const first = session.get();
  await pause(30);
  const second = await session.get();
  assert.equal(second.status, 400);
  assert.equal(await text(first), "1");
  assert.equal((await session.get()).status, 400);
});

test("the server pings; silence ends the session in time", async () => {
  const session = await stage.polling();
  for (let i = 0; i < 3; i++) {
    assert.equal(await text(session.get()), "2");
    await session.post("3");
  }
  const silent = await stage.polling();
  await pause(500);
  assert.equal((await silent.get()).status, 400);
  const ws = socket("EIO=4&transport=websocket");
  await ws.next();
  assert.equal(await ws.next(), "2");
  assert.equal(await ws.closed, 1005);
});

test("a client that pings is closed", async () => {
  const ws = socket("EIO=4&transport=websocket");
  await ws.next();
  ws.send("2");
  assert.equal(await ws.closed, 1005);
});

test("a poll whose connection breaks ends the session", async () => {
  const session = await stage.polling();
  const abort = new AbortController();
  const poll = stage.raw(session.query, { signal: abort.signal }).catch(() => {});
  await pause(50);
  abort.abort();
  await poll;
  await until(async () => (await session.post("3")).status === 400);
});

test("close by the client answers the waiting poll with noop", async () => {
  const session = await stage.polling();
  const poll = session.get();
  await pause(30);
  await session.post("1");
  assert.equal(await text(poll), "6");
  assert.equal((await session.get()).status, 400);
});

test("an upgrade moves what waits, in order, exactly once", async () => {
  const session = await stage.polling();
  const ws = socket(`EIO=4&transport=websocket&sid=${session.sid}`);
  await ws.opened;
  ws.send("2probe");
  assert.equal(await ws.next(), "3probe");
  assert.equal(await text(session.get()), "6");
  await session.post("4one\x1e4two");
  ws.send("5");
  ws.send("4three");
  assert.equal(await ws.next(), "4one");
  assert.equal(await ws.next(), "4two");
  assert.equal(await ws.next(), "4three");
  assert.deepEqual(await (await session.get()).json(), { code: 3, message: "Bad request" });
  ws.close();
});

test("a probe that says something else, or nothing, leaves the session on polling", async () => {
  const session = await stage.polling();
  const wrong = socket(`EIO=4&transport=websocket&sid=${session.sid}`);
  await wrong.opened;
  wrong.send("5"); // before the probe
  assert.equal(await wrong.closed, 1005);
  await session.post("4still polling");
  assert.equal(await text(session.get()), "4still polling");
});

test("a second socket for a session is let in and closed", async () => {
  const session = await stage.polling();
  const ws = socket(`EIO=4&transport=websocket&sid=${session.sid}`);
  await ws.opened;
  const other = socket(`EIO=4&transport=websocket&sid=${session.sid}`);
  assert.equal(await other.closed, 1005);
  ws.send("2probe");
  await ws.next();
  ws.send("5");
  ws.send("4hello");
  assert.equal(await ws.next(), "4hello");
  ws.close();
});

test("an upgrade for an unknown session is plain 400 and the connection ends", async () => {
  const bytes = await Bytes.open(stage.port, "/socket.io/?EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAAAAAA");
  assert.match(bytes.head, /^HTTP\/1.1 400/);
  await until(() => bytes.ended);
  assert.match(bytes.data.toString(), /Session ID unknown/);
});

test("a first frame in the same packet as the handshake is read", async () => {
  const bytes = await Bytes.open(stage.port, "/socket.io/?EIO=4&transport=websocket", "", Bytes.frame(0x81, "4quick"));
  await until(() => bytes.frames().length >= 2);
  assert.equal(bytes.frames()[1][1].toString(), "4quick");
  bytes.end();
});

test("binary frames are echoed raw", async () => {
  const ws = socket("EIO=4&transport=websocket");
  await ws.next();
  ws.send(Buffer.from([1, 2, 3]));
  assert.deepEqual([...(await ws.next())], [1, 2, 3]);
  ws.close();
});
