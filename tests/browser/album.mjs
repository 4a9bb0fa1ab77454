// album.mjs - the pictures of record in docs/screenshots, taken from the demo data.
//   tools/with_server.py --demo -- node tests/browser/album.mjs docs/screenshots
import { mkdirSync } from "node:fs";
import { base, Stage, setTheme, themes } from "./stage.mjs";

const folder = process.argv[2] ?? "docs/screenshots";
const [email, secret] = [process.env.DEMO_EMAIL ?? "owner@harbour.example", process.env.DEMO_PASSWORD ?? "Tide-Lantern-42!"];
mkdirSync(folder, { recursive: true });

const stage = await Stage.start();
const { page, context } = await stage.visitor();
await page.goto("/login");
await page.getByLabel("E-mail").fill(email);
await page.getByLabel("Password", { exact: true }).fill(secret);
await page.getByRole("button", { name: "Sign in" }).click();
await page.locator("[data-live=live]").waitFor();
const { csrf_token: csrf, tenants } = await (await context.request.get("/api/v1/me")).json();
const slug = tenants[0].tenant.slug;
const { items } = await (await context.request.get(`/api/v1/t/${slug}/projects?status=active&limit=1`)).json();
const shop = `/${slug}/projects/${items[0].id}`;
const made = await context.request.post(`/api/v1/t/${slug}/projects/${items[0].id}/keys`, {
  data: { name: "Screenshots" },
  headers: { "X-CSRF-Token": csrf },
});
const { key } = await made.json();

async function sendOne() {
  await fetch(`${base}/v1/track`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Basic ${Buffer.from(`${key}:`).toString("base64")}` },
    body: JSON.stringify({
      userId: "skipper-17",
      event: "Berth Reserved",
      properties: { berth: "B-12", nights: 4, total: 312, currency: "EUR", boat: { name: "Albatross", length_m: 11.4 } },
    }),
  });
}

const pages = {
  home: async () => page.goto(`/${slug}`),
  live: async () => {
    await page.goto(`${shop}/live`);
    await page.locator("[data-live=live]").waitFor();
    await sendOne();
    await page.getByRole("button", { name: /Berth Reserved/ }).first().waitFor();
    if (page.viewportSize().width >= 1280) {
      await page.getByRole("button", { name: /Berth Reserved/ }).first().click();
      await page.getByText("Message id").waitFor();
    }
  },
  chart: async () => {
    await page.goto(`${shop}/chart?range=7d`);
    await page.locator(".recharts-bar-rectangle, p:has-text('No events')").first().waitFor();
  },
  keys: async () => page.goto(`${shop}/keys`),
  team: async () => page.goto(`/${slug}/team`),
  audit: async () => {
    await page.goto(`/${slug}/audit`);
    await page.getByRole("button", { name: /^Details of/ }).first().click();
  },
};
for (const [name, open] of Object.entries(pages)) {
  for (const size of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
    await page.setViewportSize(size);
    await open();
    await page.waitForTimeout(800);
    for (const theme of themes) {
      await setTheme(page, theme);
      await page.screenshot({ path: `${folder}/${name}-${theme}-${size.width}.png` });
    }
  }
}
await stage.stop();
