// stage.mjs - what every browser test stands on: Debian's Chromium, people who register through
// the API, and a page that remembers every fault of the console. A page that logs an error, breaks
// the content security policy or throws fails its test; what a test provokes it names itself.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const base = process.env.BASE_URL ?? "http://127.0.0.1:8080";
export const password = "Correct horse, battery 9";
export const widths = { wide: { width: 1280, height: 800 }, narrow: { width: 390, height: 844 } };
export const themes = ["light", "dark"];

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const run = Date.now().toString(36) + Math.floor(Math.random() * 1296).toString(36);
let made = 0;

export class Stage {
  static async start() {
    const stage = new Stage();
    stage.browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
    return stage;
  }

  stop() {
    return this.browser.close();
  }

  /** A browser of its own: cookies, storage, and the faults of all its pages. */
  async visitor(options = {}) {
    const context = await this.browser.newContext({ viewport: widths.wide, baseURL: base, locale: "en-GB", ...options });
    context.setDefaultTimeout(15_000);
    await context.addInitScript({ content: axe });
    const faults = [];
    context.on("page", (page) => {
      page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") faults.push(`${message.text()} @ ${page.url()}`);
      });
      page.on("pageerror", (error) => faults.push(`${error.stack ?? error.message} @ ${page.url()}`));
    });
    const page = await context.newPage();
    return { context, page, faults };
  }

  /** A person with an organisation, signed in; the address is confirmed unless asked otherwise. */
  async founder({ isConfirmed = true, ...options } = {}) {
    const visitor = await this.visitor(options);
    const person = newPerson();
    const session = await post(visitor, "/api/v1/auth/register", {
      name: person.name,
      email: person.email,
      password,
      organization: { name: person.organisation, slug: person.slug },
    });
    visitor.csrf = session.csrf_token;
    await visitor.context.addInitScript(() => {
      if (location.origin !== "null") localStorage.setItem("bulkhead.signed-in", "1");
    });
    if (isConfirmed) await post(visitor, "/api/v1/auth/verify", { token: await linkToken(person.email, "verify") });
    return { ...visitor, ...person };
  }
}

export function newPerson() {
  made += 1;
  const slug = `t-${run}-${made}`;
  return { name: `Ada Lovelace ${made}`, email: `ada-${run}-${made}@example.com`, organisation: `Organisation ${run} ${made}`, slug };
}

/** A call of the API with the browser's own cookies. */
export async function post(visitor, path, data) {
  const answer = await visitor.context.request.post(path, {
    data,
    headers: visitor.csrf ? { "X-CSRF-Token": visitor.csrf } : {},
  });
  assert.ok(answer.ok(), `POST ${path}: ${answer.status()} ${await answer.text()}`);
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

export async function project(owner, name = "Web shop") {
  const made = await post(owner, `/api/v1/t/${owner.slug}/projects`, { name });
  const { key } = await post(owner, `/api/v1/t/${owner.slug}/projects/${made.id}/keys`, { name: "Tests" });
  return { ...made, key, path: `/${owner.slug}/projects/${made.id}` };
}

/** The token in the newest mail of one kind to one address, from the development mailbox. */
export async function linkToken(email, kind) {
  return until(async () => {
    const { items } = await (await fetch(`${base}/dev/mail/messages`, { headers: { Accept: "application/json" } })).json();
    for (const { id } of items.filter((mail) => mail.to.includes(email))) {
      const mail = await (await fetch(`${base}/dev/mail/messages/${id}`, { headers: { Accept: "application/json" } })).json();
      const found = new RegExp(`/${kind}/([\\w.~-]+)`).exec(mail.text);
      if (found) return found[1];
    }
    return undefined;
  }, `a ${kind} mail to ${email}`);
}

/** What an application would send, with the ordinary batch form of the SDKs. */
export async function send(key, events) {
  const answer = await fetch(`${base}/v1/batch`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Basic ${Buffer.from(`${key}:`).toString("base64")}` },
    body: JSON.stringify({ batch: events, sentAt: new Date().toISOString() }),
  });
  assert.equal(answer.status, 200);
  return answer.json();
}

export function orders(n, from = 0) {
  return Array.from({ length: n }, (_, i) => ({
    type: "track",
    event: "Order Completed",
    userId: `user-${from + i}`,
    messageId: `order-${run}-${from + i}-${Math.random().toString(36).slice(2)}`,
    properties: { total: 40 + i, plan: i % 2 ? "pro" : "free" },
  }));
}

export async function until(ask, what, ms = 15_000) {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((done) => setTimeout(done, 150));
  }
}

/** Fails on console errors, except those that the test has provoked. */
export function assertQuiet({ faults }, ...provoked) {
  const rest = faults.filter((fault) => !provoked.some((pattern) => pattern.test(fault)));
  assert.deepEqual(rest, []);
}

export async function setTheme(page, theme) {
  await page.evaluate((name) => {
    localStorage.setItem("bulkhead.theme", name);
    document.documentElement.dataset.theme = name;
  }, theme);
  // Colours fade over; axe must see them settled.
  await page.waitForTimeout(250);
}

/** `region` is off for what floats over the page: an open menu belongs to its button, not to a landmark. */
export async function assertAccessible(page, what, { isFloating = false } = {}) {
  const violations = await page.evaluate(async (floating) => {
    const { violations: found } = await window.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      rules: { region: { enabled: !floating } },
    });
    return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target.join(" ")} ${node.failureSummary}`).join(" | ")}`);
  }, isFloating);
  assert.deepEqual(violations, [], what);
}

export async function assertFits(page, what) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `${what}: ${over} px wider than the window`);
}
