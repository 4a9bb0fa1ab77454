// path.test.mjs - the main job from the first page to the last figure: register, project, write
// key with its snippet, events live, and the same events in explorer, chart, ledger and usage.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { assertQuiet, newPerson, orders, password, project, send, Stage, until } from "./stage.mjs";

let stage;
before(async () => (stage = await Stage.start()));
after(() => stage.stop());

test("an organisation signs up and its events arrive live in the browser", async (t) => {
  const visitor = await stage.visitor();
  const { page } = visitor;
  const person = newPerson();
  let key = "";
  let path = "";

  await t.test("registration leads into a working shell", async () => {
    await page.goto("/register");
    await page.getByLabel("Your name").fill(person.name);
    await page.getByLabel("E-mail").fill(person.email);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByLabel("Organisation").fill(person.organisation);
    await page.getByLabel("Address").fill(person.slug);
    await page.getByRole("button", { name: "Create account" }).click();
    await page.waitForURL(`**/${person.slug}`);
    await page.getByRole("heading", { name: person.organisation }).waitFor();
    await page.locator("[data-live=live]").waitFor();
  });

  await t.test("a project is created from the first step", async () => {
    await page.getByRole("link", { name: "Create the first project" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Web shop");
    await dialog.getByLabel("Description").fill("The public shop");
    await dialog.getByRole("button", { name: "Create project" }).click();
    await page.waitForURL("**/keys");
    path = new URL(page.url()).pathname.replace(/\/keys$/, "");
  });

  await t.test("the write key is shown once, in snippets that only need to be pasted", async () => {
    await page.getByRole("button", { name: "Create key" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Production");
    await dialog.getByRole("button", { name: "Create key" }).click();
    key = (await dialog.locator("[data-secret]").textContent()).trim();
    assert.match(key, /^bh_wk_/);
    for (const [kind, wanted] of [
      ["Node.js", "@segment/analytics-node"],
      ["Browser", "cdnURL"],
      ["curl", "curl "],
    ]) {
      await dialog.getByRole("button", { name: kind, exact: true }).click();
      const code = await dialog.getByRole("region", { name: "Code" }).textContent();
      const all = await dialog.textContent();
      assert.ok(code.includes(key), `${kind} has the key`);
      assert.ok(code.includes(new URL(page.url()).origin), `${kind} has our host`);
      assert.ok(all.includes(wanted), `${kind} names ${wanted}`);
    }
    await dialog.getByRole("link", { name: "Watch events arrive" }).click();
    await page.getByText("Listening for events").waitFor();
  });

  await t.test("the curl snippet, run as it stands, is seen within a second", async () => {
    await page.goto(`${path}/keys`);
    assert.equal(await page.locator("[data-secret]").count(), 0, "the key is not shown a second time");
    assert.ok(!(await page.content()).includes(key), "the key is nowhere on the page");
    await page.goto(`${path}/live`);
    await page.getByText("Listening for events").waitFor();
    await page.locator("[data-live=live]").waitFor();
    const origin = new URL(page.url()).origin;
    const curl = promisify(execFile);
    await curl("curl", ["-sf", `${origin}/v1/track`, "-u", `${key}:`, "-H", "Content-Type: application/json", "-d", '{"userId":"user-1","event":"Snippet Sent","properties":{"total":42}}']);
    const started = Date.now();
    await page.getByRole("button", { name: /Snippet Sent/ }).waitFor();
    assert.ok(Date.now() - started < 1500, `seen after ${Date.now() - started} ms`);
  });

  await t.test("what one reads does not move; new events wait and are counted", async () => {
    await page.getByRole("button", { name: /Snippet Sent/ }).click();
    await page.getByRole("region", { name: "Event" }).getByText('"total"').waitFor();
    const rows = page.locator("[data-event]");
    const before = await rows.count();
    await send(key, orders(7));
    await page.getByRole("button", { name: "Show 7 new events" }).waitFor();
    assert.equal(await rows.count(), before);
    await page.getByRole("button", { name: "Show 7 new events" }).click();
    await until(async () => (await rows.count()) === before + 7, "the held events");
    await page.getByRole("region", { name: "Event" }).getByRole("button", { name: "Close" }).click();
  });

  await t.test("pause, filter and resume", async () => {
    await page.getByRole("button", { name: "Pause" }).click();
    await send(key, orders(2, 50));
    await page.getByRole("button", { name: "Show 2 new events" }).waitFor();
    await page.getByRole("button", { name: "Resume" }).click();
    await until(async () => (await page.locator("[data-event]").count()) === 10, "all ten events");
    await page.getByRole("searchbox", { name: "Filter events" }).fill("snippet");
    await until(async () => (await page.locator("[data-event]").count()) === 1, "the filter");
    assert.match(page.url(), /q=snippet/);
  });

  await t.test("the explorer finds them, and its filters live in the address", async () => {
    await page.goto(`${path}/explorer`);
    await until(async () => (await page.locator("[data-event]").count()) === 10, "ten events in the explorer");
    await page.getByRole("searchbox", { name: "User id" }).fill("user-3");
    await until(async () => (await page.locator("[data-event]").count()) === 1, "one person's event");
    await page.reload();
    await until(async () => (await page.locator("[data-event]").count()) === 1, "the filter after a reload");
    await page.goto(`${path}/explorer?property=plan:pro`);
    await until(async () => (await page.locator("[data-event]").count()) === 4, "events by property");
    await page.goto(`${path}/explorer?property=planpro`);
    await page.getByText("A property filter is key:value.").waitFor();
  });

  await t.test("chart, ledger and usage say the same number", async () => {
    await send(key, [{ type: "track", event: "Nobody" }]);
    await page.goto(`${path}/ledger`);
    await until(async () => (await page.locator("[data-ledger=received]").textContent()) === "11", "the ledger");
    assert.equal(await page.locator("[data-usage=used]").textContent(), "10");
    await page.getByText(/^Balanced/).waitFor();
    const groups = await page.getByRole("rowheader").allTextContents();
    assert.deepEqual(groups.slice(2, 5), ["Rejected", "No user or anonymous id", "Over the limit"]);
    await page.goto(`${path}/debugger`);
    await page.getByRole("cell", { name: "No user or anonymous id" }).waitFor();
    await until(
      async () => {
        await page.goto(`${path}/chart?view=table`);
        await page.getByRole("cell").first().waitFor({ timeout: 3000 }).catch(() => {});
        const cells = await page.getByRole("cell").allTextContents();
        return cells.at(0) !== undefined && cells.includes("10");
      },
      "the chart",
      30_000,
    );
    await page.goto(`${path}/chart`);
    await page.locator(".recharts-bar-rectangle").first().waitFor();
    await page.goto(`/${person.slug}`);
    await page.getByText("10", { exact: true }).first().waitFor();
  });

  await t.test("every change stands in the audit list with old and new values", async () => {
    await page.goto(path);
    await page.getByRole("button", { name: "Project options" }).click();
    await page.getByRole("menuitem", { name: "Edit" }).click();
    await page.getByRole("dialog").getByLabel("Name").fill("Web shop 2");
    await page.getByRole("dialog").getByRole("button", { name: "Save changes" }).click();
    await page.getByRole("heading", { name: "Web shop 2" }).waitFor();
    await page.goto(`/${person.slug}/audit?noun=project&action=update`);
    await page.getByRole("button", { name: "Details of update project" }).first().click();
    const field = page.getByRole("rowheader", { name: "name", exact: true });
    const row = page.getByRole("row").filter({ has: field }).last();
    assert.deepEqual(await row.getByRole("cell").allTextContents(), ["Web shop", "Web shop 2"]);
  });

  assertQuiet(visitor, /422.*property=planpro/);
});

test("a flood of 5 000 events leaves the live view awake", async () => {
  const owner = await stage.founder();
  const { page } = owner;
  const shop = await project(owner);
  await page.goto(`${shop.path}/live`);
  await page.locator("[data-live=live]").waitFor();
  await page.getByText("Listening for events").waitFor();
  for (let i = 0; i < 50; i += 1) await send(shop.key, orders(100, i * 100));
  await send(shop.key, [{ type: "track", event: "Last One", userId: "user-last" }]);
  const sent = Date.now();
  // Looked for inside the page: a locator would itself keep the page busy with five hundred rows.
  await page.evaluate(
    () =>
      new Promise((seen) => {
        const watch = () => (document.querySelector("[data-event]")?.textContent?.includes("Last One") ? seen() : setTimeout(watch, 50));
        watch();
      }),
  );
  assert.ok(Date.now() - sent < 2500, `seen after ${Date.now() - sent} ms`);
  assert.equal(await page.locator("[data-event]").count(), 500);
  assertQuiet(owner);
});

test("another organisation sees none of it", async () => {
  const owner = await stage.founder();
  const theirs = await project(owner);
  const stranger = await stage.founder();
  await stranger.page.goto(theirs.path);
  await stranger.page.getByText("There is nothing at this address").first().waitFor();
  await stranger.page.goto(`/${stranger.slug}/projects/${theirs.id}/live`);
  await stranger.page.getByText("This project does not exist").first().waitFor();
  assertQuiet(stranger, /404/);
});
