// people.test.mjs - invitations by mail, what a viewer is not offered, roles that change under
// one's hands, passwords, and sessions that end on another device.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertQuiet, base, linkToken, newPerson, orders, password, project, send, setTheme, Stage, until } from "./stage.mjs";

let stage;
before(async () => (stage = await Stage.start()));
after(() => stage.stop());

test("a colleague is invited by mail and joins as viewer", async (t) => {
  const owner = await stage.founder();
  const shop = await project(owner);
  const colleague = newPerson();
  const guest = await stage.visitor();

  await t.test("the owner invites; both lists say so", async () => {
    await owner.page.goto(`/${owner.slug}/team`);
    await owner.page.getByRole("button", { name: "Invite", exact: true }).click();
    const dialog = owner.page.getByRole("dialog");
    await dialog.getByLabel("E-mail").fill(colleague.email);
    await dialog.getByLabel("Role").selectOption("viewer");
    await dialog.getByRole("button", { name: "Send invitation" }).click();
    await owner.page.getByRole("cell", { name: colleague.email, exact: true }).waitFor();
  });

  await t.test("the mail is in the development mailbox, and its link works", async () => {
    await linkToken(colleague.email, "invite");
    await guest.page.goto("/dev/mail");
    await guest.page
      .getByRole("list", { name: "Inbox" })
      .getByRole("link")
      .filter({ hasText: colleague.email })
      .first()
      .click();
    await guest.page.locator('article a[href*="/invite/"]').click();
    await guest.page.getByRole("heading", { name: `Join ${owner.organisation}` }).waitFor();
    assert.equal(await guest.page.getByLabel("E-mail").inputValue(), colleague.email);
    await guest.page.getByLabel("Your name").fill(colleague.name);
    await guest.page.getByLabel("Password", { exact: true }).fill(password);
    await guest.page.getByRole("button", { name: "Create account and join" }).click();
    await guest.page.waitForURL(`**/${owner.slug}`);
  });

  await t.test("the owner sees them join without reloading", async () => {
    await owner.page.getByRole("cell", { name: colleague.name }).waitFor();
  });

  await t.test("a viewer sees the live view and is offered nothing that is refused", async () => {
    const { page } = guest;
    await page.goto(`${shop.path}/live`);
    await page.locator("[data-live=live]").waitFor();
    await page.getByText("Listening for events").waitFor();
    await send(shop.key, orders(3));
    await until(async () => (await page.locator("[data-event]").count()) === 3, "the events in the viewer's list");
    for (const name of ["New", "Project options", "New write key", "Create key"]) {
      assert.equal(await page.getByRole("button", { name, exact: true }).count(), 0, name);
    }
    const links = await page.getByRole("navigation", { name: "Main navigation" }).getByRole("link").allTextContents();
    assert.deepEqual(links, ["Home", "Projects", "Team", "Settings"]);
    assert.equal(await page.getByRole("link", { name: "Write keys" }).count(), 0);
    await page.goto(`/${owner.slug}/team`);
    await page.getByRole("cell", { name: colleague.name }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Invite", exact: true }).count(), 0);
    assert.equal(await page.getByRole("button", { name: "Remove" }).count(), 0);
  });

  await t.test("and the API refuses the same", async () => {
    const me = await (await guest.context.request.get("/api/v1/me")).json();
    const answer = await guest.context.request.post(`/api/v1/t/${owner.slug}/projects/${shop.id}/keys`, {
      data: { name: "mine" },
      headers: { "X-CSRF-Token": me.csrf_token },
    });
    assert.equal(answer.status(), 403);
    assert.match(answer.headers()["content-type"], /^application\/problem\+json/);
  });

  await t.test("a page that the role may not see says so instead of failing", async () => {
    await guest.page.goto(`/${owner.slug}/audit`);
    await guest.page.getByText("Your role does not allow this page").waitFor();
  });

  await t.test("a new role shows at once, in the other browser too", async () => {
    await guest.page.goto(`${shop.path}/live`);
    await guest.page.locator("[data-live=live]").waitFor();
    await owner.page.getByLabel(`Role of ${colleague.name}`).selectOption("member");
    await owner.page.getByText(`${colleague.name} is now Member.`).waitFor();
    await guest.page.getByRole("link", { name: "Write keys" }).waitFor();
  });

  await t.test("invitations can be sent again and withdrawn", async () => {
    const { page } = owner;
    const third = newPerson();
    await page.getByRole("button", { name: "Invite", exact: true }).click();
    await page.getByRole("dialog").getByLabel("E-mail").fill(third.email);
    await page.getByRole("dialog").getByRole("button", { name: "Send invitation" }).click();
    const row = page.getByRole("row").filter({ hasText: third.email });
    await row.getByRole("button").click();
    await page.getByRole("menuitem", { name: "Send again" }).click();
    await page.getByText(`Sent again to ${third.email}.`).waitFor();
    const token = await linkToken(third.email, "invite");
    await row.getByRole("button").click();
    await page.getByRole("menuitem", { name: "Withdraw" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Withdraw" }).click();
    await row.getByText("Withdrawn").waitFor();
    const late = await stage.visitor();
    await late.page.goto(`/invite/${token}`);
    await late.page.getByText("This invitation no longer works").waitFor();
  });

  assertQuiet(owner);
  assertQuiet(guest, /403/);
});

test("an unconfirmed address is reminded, and the link confirms it", async () => {
  const owner = await stage.founder({ isConfirmed: false });
  await owner.page.goto(`/${owner.slug}`);
  await owner.page.getByText(/Please confirm/).waitFor();
  await owner.page.goto(`/verify/${await linkToken(owner.email, "verify")}`);
  await owner.page.getByText("Your e-mail address is confirmed").waitFor();
  await owner.page.goto(`/${owner.slug}`);
  await owner.page.getByRole("heading", { name: owner.organisation }).waitFor();
  assert.equal(await owner.page.getByText(/Please confirm/).count(), 0);
  assertQuiet(owner);
});

test("a forgotten password is set anew by mail", async () => {
  const owner = await stage.founder();
  const visitor = await stage.visitor();
  await visitor.page.goto("/forgot");
  await visitor.page.getByLabel("E-mail").fill(owner.email);
  await visitor.page.getByRole("button", { name: "Send link" }).click();
  await visitor.page.getByRole("heading", { name: "Check your mail" }).waitFor();
  await visitor.page.goto(`/reset/${await linkToken(owner.email, "reset")}`);
  await visitor.page.getByLabel("New password").fill("short");
  await visitor.page.getByRole("button", { name: "Set password" }).click();
  await visitor.page.getByText("At least 12 characters.", { exact: true }).waitFor();
  await visitor.page.getByLabel("New password").fill("Another horse, battery 10");
  await visitor.page.getByRole("button", { name: "Set password" }).click();
  await visitor.page.waitForURL("**/login");
  await visitor.page.getByLabel("E-mail").fill(owner.email);
  await visitor.page.getByLabel("Password", { exact: true }).fill("Another horse, battery 10");
  await visitor.page.getByRole("button", { name: "Sign in" }).click();
  await visitor.page.waitForURL(`**/${owner.slug}`);
  assertQuiet(visitor);
});

/** A second browser of the owner, with a half-filled form open. */
async function typing(owner) {
  const other = await stage.visitor();
  await other.page.goto(`/login?next=/${owner.slug}/projects`);
  await other.page.getByLabel("E-mail").fill(owner.email);
  await other.page.getByLabel("Password", { exact: true }).fill(password);
  await other.page.getByRole("button", { name: "Sign in" }).click();
  await other.page.waitForURL("**/projects");
  await other.page.locator("[data-live=live]").waitFor();
  await other.page.getByRole("button", { name: "New project" }).first().click();
  await other.page.getByRole("dialog").getByLabel("Name").fill("Typed before the end");
  return other;
}

async function signInAgain(page) {
  const again = page.getByRole("dialog").filter({ hasText: "Please sign in again" });
  await again.getByLabel("Password", { exact: true }).fill(password);
  await again.getByRole("button", { name: "Sign in" }).click();
  await again.waitFor({ state: "detached" });
}

test("a session ended on another device asks for sign-in at once, in place", async () => {
  const owner = await stage.founder();
  const other = await typing(owner);
  await owner.page.goto("/me/sessions");
  await owner.page.getByText("This session").waitFor();
  await owner.page.getByRole("button", { name: "End session" }).click();
  await owner.page.getByRole("dialog").getByRole("button", { name: "End session" }).click();
  await owner.page.getByText("Session ended.").waitFor();
  assert.equal(await owner.page.getByRole("button", { name: "End session" }).count(), 0);
  await signInAgain(other.page);
  assert.equal(await other.page.getByRole("dialog").getByLabel("Name").inputValue(), "Typed before the end");
  await other.page.locator("[data-live=live]").waitFor();
  assertQuiet(owner);
  assertQuiet(other, /401/, /websocket/i);
});

test("a request that meets an ended session is repeated after the sign-in", async () => {
  const owner = await stage.founder();
  const other = await typing(owner);
  await other.context.clearCookies();
  await other.page.getByRole("dialog").getByRole("button", { name: "Create project" }).click();
  await signInAgain(other.page);
  await other.page.getByRole("heading", { name: "Typed before the end" }).waitFor();
  assertQuiet(other, /401/, /websocket/i);
});

test("a fault of a field stands at its field, with the words of the server", async () => {
  const owner = await stage.founder();
  const visitor = await stage.visitor();
  await visitor.page.goto("/register");
  await visitor.page.getByLabel("Your name").fill("Somebody");
  await visitor.page.getByLabel("E-mail").fill("somebody@example.com");
  await visitor.page.getByLabel("Password", { exact: true }).fill(password);
  await visitor.page.getByLabel("Organisation").fill("Taken");
  await visitor.page.getByLabel("Address").fill(owner.slug);
  await visitor.page.getByRole("button", { name: "Create account" }).click();
  await visitor.page.locator("[aria-invalid=true]").waitFor();
  assert.equal(await visitor.page.locator("[aria-invalid=true]").inputValue(), owner.slug);
  assertQuiet(visitor, /409|422/);
  await visitor.page.goto("/login");
  await visitor.page.getByLabel("E-mail").fill(owner.email);
  await visitor.page.getByLabel("Password", { exact: true }).fill("wrong");
  await visitor.page.getByRole("button", { name: "Sign in" }).click();
  await visitor.page.getByRole("alert").getByText(/Request /).waitFor();
  assert.ok(visitor.page.url().startsWith(base));
});

test("who signs out keeps the dark page, and nothing else", async () => {
  const owner = await stage.founder();
  const { page } = owner;
  await page.goto(`/${owner.slug}`);
  await page.locator("[data-live=live]").waitFor();
  await setTheme(page, "dark");
  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.waitForURL("**/login");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  assert.equal((await owner.context.cookies()).length, 0);
  assertQuiet(owner, /401/);
});
