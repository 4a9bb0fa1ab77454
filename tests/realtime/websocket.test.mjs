// websocket.test.mjs - RFC 6455 on the wire: what a client may not send is answered with
// the close code the RFC names, never with silence and never with a crash.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Bytes, pause, Stage, until } from "./stage.mjs";

let stage;
before(async () => (stage = await Stage.start({ RT_USER_MAX: "1000" })));
after(() => stage.stop());

const live = "/api/v1/t/acme/ws";
const who = "Authorization: Bearer ann@acme\r\n";
const open = () => Bytes.open(stage.port, live, who);
const { frame } = Bytes;

const broken = [
  ["unmasked", [frame(0x81, "a", { masked: false })], 1002],
  ["reserved bit 1 without an extension", [frame(0xc1, "a")], 1002],
  ["reserved bit 2", [frame(0xa1, "a")], 1002],
  ["reserved bit 3", [frame(0x91, "a")], 1002],
  ["opcode 3", [frame(0x83, "a")], 1002],
  ["opcode 11", [frame(0x8b, "")], 1002],
  ["a fragmented ping", [frame(0x09, "a")], 1002],
  ["a ping of 126 bytes", [frame(0x89, "x".repeat(126))], 1002],
  ["a continuation of nothing", [frame(0x80, "a")], 1002],
  ["a new message inside a message", [frame(0x01, "a"), frame(0x81, "b")], 1002],
  ["a length that is not the shortest", [frame(0x81, "abc", { form: 16 })], 1002],
  ["bad UTF-8", [frame(0x81, Buffer.from([0xff]))], 1007],
  ["a character cut by fragments, then broken", [frame(0x01, Buffer.from([0xe2, 0x82])), frame(0x80, Buffer.from([0x41]))], 1007],
  ["a surrogate", [frame(0x81, Buffer.from([0xed, 0xa0, 0x80]))], 1007],
  ["over a megabyte in one frame", [frame(0x81, Buffer.alloc(1_000_001, 0x61)).subarray(0, 20)], 1009],
  ["over a megabyte in fragments", [frame(0x01, Buffer.alloc(600_000, 0x61)), frame(0x80, Buffer.alloc(600_000, 0x61))], 1009],
  ["binary where text is spoken", [frame(0x82, "a")], 1003],
  ["close with one byte", [frame(0x88, "x")], 1002],
  ["close 1005", [frame(0x88, Buffer.from([0x03, 0xed]))], 1002],
  ["close 2999", [frame(0x88, Buffer.from([0x0b, 0xb7]))], 1002],
];

for (const [name, frames, code] of broken)
  test(`${name}: ${code}`, async () => {
    const bytes = await open();
    bytes.send(...frames);
    assert.equal(await bytes.closeCode(), code);
    bytes.end();
  });

test("the same, one byte at a time", async () => {
  const bytes = await open();
  for (const byte of frame(0x81, Buffer.from([0xe2, 0x82, 0x41]))) {
    bytes.send(Buffer.from([byte]));
    await pause(1);
  }
  assert.equal(await bytes.closeCode(), 1007);
  bytes.end();
});

test("handshakes that are none", async () => {
  for (const [fields, status] of [["", 401], [`${who}Origin: http://evil.example\r\n`, 403]]) {
    const bytes = await Bytes.open(stage.port, live, fields);
    assert.match(bytes.head, new RegExp(`^HTTP/1.1 ${status}`));
    bytes.end();
  }
});

test("pings are answered with their payload, between fragments too", async () => {
  const bytes = await open();
  bytes.send(frame(0x01, '{"type":'), frame(0x89, "now"), frame(0x80, '"ping"}'));
  await until(() => bytes.frames().length >= 3);
  const [hello, pong, answer] = bytes.frames();
  assert.equal(JSON.parse(hello[1]).type, "hello");
  assert.deepEqual([pong[0], pong[1].toString()], [0x8a, "now"]);
  assert.equal(JSON.parse(answer[1]).type, "pong");
  bytes.end();
});

test("a close is echoed and the connection ended", async () => {
  const bytes = await open();
  bytes.send(frame(0x88, Buffer.from([0x0f, 0xa0, 0x62, 0x79, 0x65])));
  assert.equal(await bytes.closeCode(), 4000);
  await until(() => bytes.ended);
});

test("messages that are no request are told so", async () => {
  const bytes = await open();
  for (const text of ["nonsense", "[]", '{"type":"fly","ref":7}', '{"type":"join","noun":"project","id":"x","ref":"r"}', `${"[".repeat(50)}${"]".repeat(50)}`]) bytes.send(frame(0x81, text));
  await until(() => bytes.frames().length >= 6);
  const answers = bytes.frames().slice(1).map(([, data]) => JSON.parse(data));
  assert.deepEqual(answers.map((a) => a.type), Array(5).fill("error"));
  assert.equal(answers[2].ref, 7);
  assert.equal(answers[3].ref, "r");
  assert.equal(answers[3].problem.status, 422);
  bytes.end();
});

test("the server is alive after all that", async () => {
  const bytes = await open();
  bytes.send(frame(0x81, '{"type":"ping"}'));
  await until(() => bytes.frames().length >= 2);
  bytes.end();
  await until(async () => (await stage.metric('sockets{kind="websocket"}')) === 0);
});
