// browser_sdk.test.mjs - the unchanged @segment/analytics-next in Chromium, on a page of
// another origin, given only our host and a key: preflights, settings, one event a request
// and batches; everything exactly once.
import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { Server, pause, until } from "./stage.mjs";

const require = createRequire(import.meta.url);
const umd = path.join(path.dirname(require.resolve("@segment/analytics-next/package.json")), "dist/umd");
let server, owner, site, browser;

before(async () => {
  server = await Server.start();
  owner = await server.owner();
  site = http
    .createServer((request, answer) => {
      const name = path.basename(new URL(request.url, "http://x").pathname);
      const file = path.join(umd, name);
      if (name.endsWith(".js") && fs.existsSync(file)) {
        answer.setHeader("content-type", "text/javascript");
        return fs.createReadStream(file).pipe(answer);
      }
      answer.setHeader("content-type", "text/html");
      answer.end(`<!doctype html><title>Shop</title><script src="/index.js"></script>`);
    })
    .listen(0, "127.0.0.1");
  await new Promise((done) => site.once("listening", done));
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
});
after(async () => {
  await browser?.close();
  site?.close();
  server.checkBooks();
  await server.stop();
});

/** Opens the shop and runs what it would run. */
async function visit(options, script, argument) {
  const page = await browser.newPage();
  const faults = [];
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  // another name of this machine: another origin, and a third party
  await page.goto(`http://localhost:${site.address().port}/?utm_source=news&utm_campaign=week-47&gclid=abc`);
  await page.evaluate(
    async ([host, key, more]) => {
      const [analytics] = await window.AnalyticsNext.AnalyticsBrowser.load({ writeKey: key, cdnURL: host }, more);
      window.sdk = analytics;
    },
    [server.url, owner.key, options],
  );
  await page.evaluate(script, argument);
  return { page, faults };
}

test("standard mode: settings, preflight, one request an event", async () => {
  const { page, faults } = await visit({}, async () => {
    await window.sdk.page("Home");
    await window.sdk.identify("ada", { plan: "pro" });
    for (let n = 0; n < 20; n++) await window.sdk.track("Clicked", { n });
    await window.sdk.group("acme", { name: "Acme" });
    await window.sdk.alias("ada-2");
  });
  const events = await until(async () => {
    const found = await owner.events();
    return found.length >= 24 && found;
  });
  assert.deepEqual(faults, []);
  assert.equal(events.length, 24);
  assert.equal(new Set(events.filter((e) => e.name === "Clicked").map((e) => e.properties.n)).size, 20);
  const home = events.find((e) => e.type === "page");
  assert.match(home.context.userAgent, /Chrom/);
  assert.equal(home.context.page.path, "/");
  await page.close();
});

test("batching mode", async () => {
  const before = (await owner.events()).length;
  const { page } = await visit({ integrations: { "Segment.io": { deliveryStrategy: { strategy: "batching", config: { size: 20, timeout: 1000 } } } } }, () => {
    for (let n = 0; n < 205; n++) window.sdk.track("Batched", { n });
  });
  await until(async () => (await owner.events()).length >= before + 205);
  await page.close();
  await pause(500);
  const events = (await owner.events()).filter((e) => e.name === "Batched");
  assert.equal(events.length, 205);
  assert.equal(new Set(events.map((e) => e.properties.n)).size, 205);
});

test("a killed server in the middle: the browser tries again, nothing is lost or doubled", async () => {
  const { page } = await visit({}, () => {
    for (let n = 0; n < 100; n++) setTimeout(() => window.sdk.track("Through the storm", { n }), n * 20);
  });
  await pause(700);
  await server.kill();
  await pause(300);
  await server.run();
  const events = await until(async () => {
    const found = (await owner.events()).filter((e) => e.name === "Through the storm");
    return found.length >= 100 && found;
  }, 60000);
  assert.equal(events.length, 100);
  await page.close();
});

test("the enricher tells browser, campaign and a session of the visit", async () => {
  await server.followed(owner);
  const home = (await owner.events("&type=page"))[0];
  const { enrichment } = await owner.call("GET", `${owner.path}/events/${home.id}`);
  assert.match(enrichment.browser.name, /Chrom/);
  assert.equal(enrichment.os.name, "Linux");
  assert.equal(enrichment.campaign.name, "week-47");
  assert.equal(enrichment.campaign.click_id, "abc");
  assert.match(enrichment.session_id, /^[0-9a-f-]{36}$/);
});
