// pages.test.mjs - every page in both themes and two widths: axe finds nothing, nothing is wider
// than the window, the console is silent, the page has a title. And the shell by keyboard alone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, assertFits, assertQuiet, orders, project, send, setTheme, Stage, themes, until, widths } from "./stage.mjs";

let stage;
let owner;
let shop;
before(async () => {
  stage = await Stage.start();
  owner = await stage.founder();
  shop = await project(owner);
  await send(shop.key, [
    ...orders(12),
    { type: "page", anonymousId: "anon-1", properties: { path: "/pricing", title: "Pricing" } },
    { type: "identify", userId: "user-1", traits: { plan: "pro" } },
    { type: "track", event: "Nobody" },
  ]);
});
after(() => stage.stop());

async function look(page, name) {
  const title = await page.title();
  assert.match(title, /Bulkhead$/, `${name} has a title`);
  for (const theme of themes) {
    await setTheme(page, theme);
    for (const [width, size] of Object.entries(widths)) {
      await page.setViewportSize(size);
      await page.waitForTimeout(150);
      await assertFits(page, `${name} ${theme} ${width}`);
      await assertAccessible(page, `${name} ${theme} ${width}`);
    }
    await page.setViewportSize(widths.wide);
  }
}

const signedOut = {
  login: ["/login", "Sign in to Bulkhead"],
  register: ["/register", "Create your organisation"],
  forgot: ["/forgot", "Reset your password"],
  reset: ["/reset/some-token", "Choose a new password"],
  invite: ["/invite/no-such-token", "This invitation no longer works"],
  verify: ["/verify/no-such-token", "This link no longer works."],
  mail: ["/dev/mail", "Development mail"],
};
for (const [name, [path, heading]] of Object.entries(signedOut)) {
  test(`page ${name}`, async () => {
    const visitor = await stage.visitor();
    await visitor.page.goto(path);
    await visitor.page.getByRole("heading", { name: heading }).waitFor();
    await visitor.page.waitForLoadState("networkidle");
    await look(visitor.page, name);
    assertQuiet(visitor, /status of (404|410|422)/);
    await visitor.context.close();
  });
}

const signedIn = {
  home: [() => `/${owner.slug}`, () => owner.organisation],
  projects: [() => `/${owner.slug}/projects`, () => "Projects"],
  "project-new": [() => `/${owner.slug}/projects?new=1`, () => "New project"],
  live: [() => `${shop.path}/live`, () => "Web shop"],
  explorer: [() => `${shop.path}/explorer`, () => "Web shop"],
  chart: [() => `${shop.path}/chart`, () => "Web shop"],
  "chart-table": [() => `${shop.path}/chart?view=table`, () => "Web shop"],
  debugger: [() => `${shop.path}/debugger`, () => "Web shop"],
  ledger: [() => `${shop.path}/ledger`, () => "Web shop"],
  keys: [() => `${shop.path}/keys`, () => "Web shop"],
  "key-new": [() => `${shop.path}/keys?new=1`, () => "New write key"],
  team: [() => `/${owner.slug}/team`, () => "Team"],
  "team-invite": [() => `/${owner.slug}/team?new=1`, () => "Invite somebody"],
  audit: [() => `/${owner.slug}/audit`, () => "Audit log"],
  "api-keys": [() => `/${owner.slug}/api-keys`, () => "API keys"],
  "api-key-new": [() => `/${owner.slug}/api-keys?new=1`, () => "New API key"],
  settings: [() => `/${owner.slug}/settings`, () => "Settings"],
  profile: [() => "/me/profile", () => "Profile"],
  sessions: [() => "/me/sessions", () => "Sessions"],
  missing: [() => `/${owner.slug}/no-such-page`, () => "There is nothing at this address"],
};
for (const [name, [path, heading]] of Object.entries(signedIn)) {
  test(`page ${name}`, async () => {
    const page = await owner.context.newPage();
    await page.goto(path());
    await page.getByRole("heading", { name: heading() }).first().waitFor();
    await until(async () => (await page.getByRole("status", { name: "Loading" }).count()) === 0, `${name} loaded`);
    await page.waitForTimeout(300);
    await look(page, name);
    await page.close();
    assertQuiet(owner);
  });
}

test("an event, an audit entry and a menu, opened", async () => {
  const page = await owner.context.newPage();
  await page.goto(`${shop.path}/explorer`);
  await page.locator("[data-event]").first().click();
  await page.getByText("Message id").waitFor();
  await look(page, "event-open");
  await page.goto(`/${owner.slug}/audit`);
  await page.getByRole("button", { name: /^Details of/ }).first().click();
  await page.getByText("Object id").waitFor();
  await look(page, "audit-open");
  await page.goto(`/${owner.slug}`);
  await page.getByRole("button", { name: "Your account" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).waitFor();
  await page.waitForTimeout(250);
  await assertAccessible(page, "user menu", { isFloating: true });
  await page.close();
  assertQuiet(owner);
});

test("320 and 2560 pixels", async () => {
  const page = await owner.context.newPage();
  for (const width of [320, 2560]) {
    await page.setViewportSize({ width, height: 900 });
    for (const path of [`/${owner.slug}`, `${shop.path}/live`, `${shop.path}/chart`, `/${owner.slug}/team`, `/${owner.slug}/audit`, "/me/profile"]) {
      await page.goto(path);
      await until(async () => (await page.getByRole("status", { name: "Loading" }).count()) === 0, `${path} loaded`);
      await assertFits(page, `${path} at ${width}`);
    }
  }
  await page.close();
});

test("the shell by keyboard: palette, shortcuts, skip link, drawer, remembered rail", async () => {
  const page = await owner.context.newPage();
  await page.goto(`/${owner.slug}`);
  await page.getByRole("heading", { name: owner.organisation }).waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Skip to content");
  await page.keyboard.press("Control+k");
  await page.getByPlaceholder(/Go to a page/).waitFor();
  await page.waitForTimeout(250);
  await assertAccessible(page, "palette");
  await page.keyboard.type("web sh");
  await page.getByRole("option", { name: "Web shop" }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(`**${shop.path}/live`);
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await page.waitForURL("**/team");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Collapse sidebar" }).click();
  await page.reload();
  await page.getByRole("button", { name: "Expand sidebar" }).click();
  await page.setViewportSize(widths.narrow);
  await page.getByRole("button", { name: "Open navigation" }).click();
  await page.getByRole("dialog").getByRole("link", { name: "Projects" }).click();
  await page.waitForURL("**/projects");
  await until(async () => (await page.getByRole("dialog").count()) === 0, "the drawer to close");
  await page.close();
  assertQuiet(owner);
});

test("without a network the interface says so and comes back", async () => {
  const visitor = await stage.founder();
  const { page, context } = visitor;
  await page.goto(`/${visitor.slug}`);
  await page.getByRole("heading", { name: visitor.organisation }).waitFor();
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  await context.setOffline(true);
  await page.getByText("You are offline.").waitFor();
  await page.goto(`/${visitor.slug}/projects`);
  await page.getByRole("heading", { name: "You are offline" }).waitFor();
  await context.setOffline(false);
  await page.getByRole("link", { name: "Try again" }).click();
  await page.getByRole("heading", { name: visitor.organisation }).waitFor();
  assertQuiet(visitor, /ERR_INTERNET_DISCONNECTED|websocket|Failed to load resource/i);
});

test("the signed-in shell weighs at most 200 kB", async () => {
  const visitor = await stage.founder({ serviceWorkers: "block" });
  const session = await visitor.context.newCDPSession(visitor.page);
  await session.send("Network.enable");
  let bytes = 0;
  session.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
  await visitor.page.goto(`/${visitor.slug}`);
  await visitor.page.locator("[data-live=live]").waitFor();
  await visitor.page.waitForLoadState("networkidle").catch(() => undefined);
  assert.ok(bytes > 50_000 && bytes <= 200 * 1024, `${bytes} bytes`);
});
