// derived.test.mjs - what follows from events: enrichment, sessions, profiles, aliases,
// roll-ups, live view; on two nodes that share one database.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { io } from "socket.io-client";
import { placesFile } from "./places.mjs";
import { Server, pause, until } from "./stage.mjs";

let one, two, owner;
const sockets = [];
const CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";
const GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
const at = (minutes) => new Date(Date.now() - 86400e3 + minutes * 60e3).toISOString();

before(async () => {
  const places = path.join(fs.mkdtempSync("/tmp/bh-mmdb"), "places.mmdb");
  fs.writeFileSync(places, placesFile("203.0.113.0", 24, { country: { iso_code: "DE", names: { en: "Germany" } }, city: { names: { en: "Hamburg" } } }));
  one = await Server.start({ BULKHEAD_GEOIP_FILE: places });
  two = await Server.start({ BULKHEAD_GEOIP_FILE: places, PUBLIC_URL: one.url }, one.data);
  owner = await one.owner();
});
after(async () => {
  for (const socket of sockets) socket.disconnect();
  one.checkBooks();
  await two.stop();
  await one.stop();
});

const send = (batch) => owner.send("/v1/batch", { batch });
const detail = async (name) => {
  const [event] = await owner.events(`&name=${encodeURIComponent(name)}`);
  return owner.call("GET", `${owner.path}/events/${event.id}`);
};

test("user agent, place, campaign, referrer", async () => {
  const page = (name, context) => ({ type: "page", name, anonymousId: `e-${name}`, context });
  await send([
    page("ad", { userAgent: CHROME, ip: "203.0.113.9", page: { url: "https://shop.example/?utm_source=g&utm_campaign=autumn+24&msclkid=42", referrer: "https://www.google.de/search?q=x" } }),
    page("bot", { userAgent: GOOGLEBOT, ip: "198.51.100.1", page: { url: "https://shop.example/a", referrer: "https://shop.example/" } }),
    page("mail", { page: { url: "https://shop.example/", referrer: "https://mail.google.com/mail" }, campaign: { name: "said", source: "letter" } }),
    page("odd", { userAgent: "\u0001\ufffd(((" + "x".repeat(3000), ip: "not an address", page: { url: "::::", referrer: "?" }, campaign: "text" }),
  ]);
  await one.followed(owner);
  const ad = (await detail("ad")).enrichment;
  assert.deepEqual([ad.browser.name, ad.os.name, ad.bot, ad.device.kind], ["Chrome", "Linux", false, "desktop"]);
  assert.deepEqual(ad.geo, { country: "DE", country_name: "Germany", city: "Hamburg" });
  assert.deepEqual(ad.campaign, { source: "g", name: "autumn 24", click_id: "42", click_id_kind: "msclkid" });
  assert.deepEqual(ad.referrer, { class: "search", host: "google.de" });
  const bot = (await detail("bot")).enrichment;
  assert.equal(bot.bot, true);
  assert.equal(bot.referrer.class, "internal");
  assert.equal(bot.geo, undefined);
  const mail = (await detail("mail")).enrichment;
  assert.deepEqual([mail.campaign, mail.referrer.class], [{ source: "letter", name: "said" }, "email"]);
  assert.ok((await detail("odd")).enrichment.session_id);
});

test("sessions end after thirty minutes; late events find theirs", async () => {
  const view = (minutes) => ({ type: "track", event: `s${minutes}`, anonymousId: "walker", timestamp: at(minutes) });
  await send([view(0), view(20)]);
  await one.followed(owner);
  await send([view(45), view(90), view(30)]);
  await one.followed(owner);
  const sessions = {};
  for (const m of [0, 20, 30, 45, 90]) sessions[m] = (await detail(`s${m}`)).enrichment.session_id;
  assert.equal(new Set([0, 20, 30, 45].map((m) => sessions[m])).size, 1);
  assert.notEqual(sessions[90], sessions[0]);
  assert.equal(one.ask("select string_agg(events::text, ',' order by started_at) from analytics.sessions where actor = 'a:walker'"), "4,1");
});

test("profiles: traits merge, an identify call and an alias call join two", async () => {
  await send([{ type: "track", event: "Looked", anonymousId: "anon-1" }, { type: "identify", anonymousId: "anon-1", traits: { a: 1, b: 1 } }]);
  await one.followed(owner);
  let profiles = (await owner.call("GET", `${owner.path}/profiles?q=anon-1`)).items;
  assert.deepEqual(profiles.map((p) => [p.user_id, p.anonymous_id, p.events, p.traits]), [[null, "anon-1", 2, { a: 1, b: 1 }]]);
  await send([{ type: "identify", anonymousId: "anon-1", userId: "ada", traits: { b: 2, c: 3 } }]);
  await one.followed(owner);
  await send([{ type: "track", event: "Bought", anonymousId: "anon-1" }, { type: "identify", userId: "ada", traits: { c: 4 } }]);
  await one.followed(owner);
  profiles = (await owner.call("GET", `${owner.path}/profiles?q=ada`)).items;
  assert.deepEqual(profiles.map((p) => [p.user_id, p.anonymous_id, p.events, p.traits]), [["ada", "anon-1", 5, { a: 1, b: 2, c: 4 }]]);
  assert.equal((await owner.call("GET", `${owner.path}/profiles?q=anon-1`)).items.length, 1);
  await send([{ type: "alias", previousId: "ada", userId: "ada.lovelace" }, { type: "track", event: "As before", userId: "ada" }]);
  await one.followed(owner);
  profiles = (await owner.call("GET", `${owner.path}/profiles?q=ada`)).items;
  assert.deepEqual(profiles.map((p) => [p.user_id, p.events]), [["ada.lovelace", 7]]);
  assert.equal(one.ask(`select sum(events) = (select count(*) from analytics.events) from analytics.profiles`), "t");
});

test("both nodes at once, the same messages: exactly once, and everything derived once", async () => {
  const shared = await one.owner();
  const elsewhere = (body) => fetch(`${two.url}/v1/batch?writeKey=${shared.key}`, { method: "POST", body: JSON.stringify(body) });
  const rounds = [];
  for (let round = 0; round < 40; round++) {
    const batch = Array.from({ length: 50 }, (_, n) => ({ type: "track", event: `E${n % 5}`, userId: `u${n}`, messageId: `r${round}-${n}` }));
    const turned = [...batch].reverse();
    rounds.push(shared.send("/v1/batch", { batch }), elsewhere({ batch: turned }), shared.send("/v1/batch", { batch: turned }));
  }
  for (const answer of await Promise.all(rounds)) assert.equal(answer.status, 200);
  const ledger = await shared.ledger();
  assert.deepEqual(ledger, { received: 6000, accepted: 2000, duplicates: 4000, rejected: {}, over_quota: 0 });
  one.checkBooks();
  await one.followed(shared);
  const sums = one.ask(`select string_agg(n::text, ' ') from (select sum(events) n from analytics.rollups where project_id = '${shared.project.id}'
    and dimension in ('name', 'type') group by grain, dimension) x`);
  assert.equal(sums, "2000 2000 2000 2000");
  assert.equal(one.ask(`select sum(events) from analytics.profiles where project_id = '${shared.project.id}'`), "2000");
  assert.equal(one.ask(`select count(*) from analytics.enrichments where project_id = '${shared.project.id}'`), "2000");
  const series = await shared.call("GET", `${shared.path}/series?interval=hour`);
  assert.equal(series.points.reduce((sum, p) => sum + p.count, 0), 2000);
  assert.equal(series.names.length, 5);
  assert.ok(Date.parse(series.complete_until) > Date.now() - 60e3);
  const overview = await shared.call("GET", `${shared.base}/overview`);
  assert.deepEqual([overview.events_today, overview.projects, overview.members, overview.series.length], [2000, 1, 1, 24]);
});

function watch(server, who, project) {
  const socket = io(server.url, { auth: { tenant: who.tenant.slug, token: who.token }, transports: ["websocket"], forceNew: true });
  sockets.push(socket);
  const seen = [];
  socket.on("event:received", (payload) => payload.events.forEach((e) => seen.push({ ...e, project: payload.project_id, seenAt: performance.now() })));
  return new Promise((done, fail) => {
    socket.on("connect_error", fail);
    socket.emit("join:entity", { type: "project", id: project }, (answer) => done({ answer, seen }));
  });
}

test("the live view: within a second on both nodes, and nobody else's", async () => {
  const stranger = await one.owner();
  const here = await watch(one, owner, owner.project.id);
  const there = await watch(two, owner, owner.project.id);
  assert.equal(here.answer.ok, true, JSON.stringify(here.answer));
  assert.equal(there.answer.ok, true, JSON.stringify(there.answer));
  const refused = await watch(one, stranger, owner.project.id);
  assert.notEqual(refused.answer.ok, true);
  await pause(300);
  const acknowledged = [];
  for (let n = 0; n < 20; n++) {
    await send([{ type: "track", event: "Live", userId: "l", properties: { n } }]);
    acknowledged.push(performance.now());
    await pause(40);
  }
  for (const view of [here, there]) {
    await until(() => view.seen.length >= 20, 3000);
    assert.equal(view.seen.length, 20);
    for (const e of view.seen) {
      assert.equal(e.project, owner.project.id);
      assert.ok(e.seenAt - acknowledged[e.properties.n] < 1000, `seen after ${e.seenAt - acknowledged[e.properties.n]} ms`);
    }
  }
  assert.equal(refused.seen.length, 0);
});

test("a killed node in the middle of the work: everything derived is there once", async () => {
  const busy = await one.owner();
  const sends = [];
  for (let round = 0; round < 20; round++)
    sends.push(busy.send("/v1/batch", { batch: Array.from({ length: 250 }, (_, n) => ({ type: "track", event: "Busy", userId: `u${n}`, messageId: `${round}-${n}` })) }));
  await Promise.all(sends);
  await two.kill();
  await two.run();
  await one.followed(busy);
  assert.equal(one.ask(`select sum(events) from analytics.rollups where project_id = '${busy.project.id}' and grain = 'day' and dimension = 'name'`), "5000");
  assert.equal(one.ask(`select sum(events) from analytics.profiles where project_id = '${busy.project.id}'`), "5000");
});
