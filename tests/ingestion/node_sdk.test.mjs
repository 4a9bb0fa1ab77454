// node_sdk.test.mjs - the unchanged @segment/analytics-node: ten thousand mixed calls are
// there exactly once, also when everything is sent twice and when the server is killed.
import { Analytics } from "@segment/analytics-node";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server, pause } from "./stage.mjs";

const CALLS = 10000;
let server;

before(async () => {
  server = await Server.start();
});
after(async () => {
  await server.stop();
});

const KINDS = ["track", "identify", "page", "screen", "group", "alias"];

/** One call of each kind in turn; the number stands in it. */
function call(sdk, n) {
  const userId = `user-${n % 97}`;
  switch (KINDS[n % 6]) {
    case "track":
      return sdk.track({ userId, event: "Order Completed", properties: { n, revenue: 9.5 } });
    case "identify":
      return sdk.identify({ userId, traits: { n, plan: "pro" } });
    case "page":
      return sdk.page({ anonymousId: `anon-${n % 89}`, name: "Home", category: "Docs", properties: { n, url: "https://x.example/y" } });
    case "screen":
      return sdk.screen({ userId, name: "Start", properties: { n } });
    case "group":
      return sdk.group({ userId, groupId: `g-${n % 7}`, traits: { n, name: "Acme" } });
    default:
      return sdk.alias({ userId, previousId: `old-${n}` });
  }
}

function sdkFor(owner, options = {}) {
  const sdk = new Analytics({ writeKey: owner.key, host: server.url, flushAt: 50, maxRetries: 30, ...options });
  sdk.on("error", () => {});
  return sdk;
}

async function sendAll(sdk, { inTheMiddle } = {}) {
  for (let n = 0; n < CALLS; n++) {
    call(sdk, n);
    if (n % 500 === 0) await pause(10);
    if (n === CALLS / 2) await inTheMiddle?.();
  }
  await sdk.closeAndFlush({ timeout: 120000 });
}

function check(owner) {
  const id = owner.project.id;
  assert.equal(server.ask(`select count(*) from analytics.events where project_id = '${id}'`), String(CALLS));
  const byType = server.ask(`select string_agg(type || ' ' || n, ', ' order by type) from
    (select type, count(*) n from analytics.events where project_id = '${id}' group by 1) x`);
  const each = (k) => Math.floor(CALLS / 6) + (KINDS.indexOf(k) < CALLS % 6 ? 1 : 0);
  assert.equal(byType, [...KINDS].sort().map((k) => `${k} ${each(k)}`).join(", "));
  assert.equal(server.ask(`select count(distinct n) from (select coalesce(properties ->> 'n', traits ->> 'n', substr(previous_id, 5)) n
    from analytics.events where project_id = '${id}') x`), String(CALLS));
  server.checkBooks();
}

test("ten thousand mixed calls are there exactly once, everything sent twice", async () => {
  const owner = await server.owner();
  const twice = {
    async makeRequest({ url, method, headers, body, httpRequestTimeout }) {
      const options = { method, headers, body, signal: AbortSignal.timeout(httpRequestTimeout) };
      const answers = await Promise.all([fetch(url, options), fetch(url, options)]);
      return answers[1];
    },
  };
  await sendAll(sdkFor(owner, { httpClient: twice }));
  check(owner);
  const ledger = await owner.ledger();
  assert.deepEqual(ledger, { received: 2 * CALLS, accepted: CALLS, duplicates: CALLS, rejected: {}, over_quota: 0 });
});

test("the server is killed with -9 in the middle and started again: nothing lost, nothing doubled", async () => {
  const owner = await server.owner();
  await sendAll(sdkFor(owner), {
    async inTheMiddle() {
      await pause(200);
      await server.kill();
      await pause(500);
      server.run();
    },
  });
  check(owner);
});

test("five kills under load", async () => {
  const owner = await server.owner();
  const sdk = sdkFor(owner, { flushAt: 15 });
  for (let n = 0; n < CALLS; n++) {
    call(sdk, n);
    if (n % 100 === 0) await pause(5);
    if (n % 2000 === 1999) {
      await server.kill();
      await server.run();
    }
  }
  await sdk.closeAndFlush({ timeout: 120000 });
  check(owner);
});
