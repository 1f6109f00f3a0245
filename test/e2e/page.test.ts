// The page in a real browser: it lives, says when quotes are unavailable and keeps the last ones, and recovers by itself.

import { chromium, type Page } from "playwright-core";

import { until } from "../../scripts/wait.ts";
import { ensureBrowser } from "./browser.ts";
import { freezeProcess, thawProcess } from "./inside.ts";
import { meshTest } from "./mesh.ts";

const test = meshTest()
  .extend("browser", { scope: "file" }, async ({ mesh: _mesh }, { onCleanup }) => {
    const browser = await chromium.launch(await ensureBrowser());
    onCleanup(() => browser.close());
    return browser;
  })
  .extend("page", async ({ mesh, browser }, { onCleanup }) => {
    const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    onCleanup(() => page.close());
    page.setDefaultTimeout(20_000);
    await page.goto(mesh.url("/quotes"));
    return page;
  });

function prices(page: Page): Promise<string[]> {
  return page.locator("tbody [data-field=price]").allTextContents();
}

/** Waits until the page, without being loaded anew, shows other prices than these. */
async function pricesOtherThan(page: Page, before: readonly string[]): Promise<string[]> {
  const look = async (): Promise<string[] | undefined> => {
    const shown = await prices(page);
    return shown.join() === before.join() ? undefined : shown;
  };
  return until("the page shows other prices", look, { deadlineMs: 15_000, intervalMs: 50 });
}

test("eleven quotes are shown with both SPIFFE IDs, and prices change twice without a reload", async ({
  page,
  expect,
}) => {
  const loads: string[] = [];
  page.on("load", () => loads.push("load"));
  expect(await page.locator("tbody [data-field=symbol]").allTextContents()).toEqual(
    "ABCDEFGHIJK".split("").map((letter) => letter.repeat(4)),
  );
  expect(await page.locator("#caller").textContent()).toBe("spiffe://broker.example/webapp");
  expect(await page.locator("#callee").textContent()).toBe("spiffe://stockmarket.example/quotes-service");
  const first = await prices(page);
  const second = await pricesOtherThan(page, first);
  const third = await pricesOtherThan(page, second);
  expect([first, second, third].map(({ length }) => length)).toEqual([11, 11, 11]);
  expect(await page.locator("#state").textContent()).toBe("Live");
  expect(loads).toEqual([]);
});

test("while quotes do not come the page says since when and keeps the last ones; then it lives again", async ({
  mesh,
  page,
  expect,
}) => {
  await pricesOtherThan(page, await prices(page));
  await freezeProcess(mesh, "quotes");
  try {
    await page.waitForSelector("body[data-state=unavailable]");
    const kept = await prices(page);
    expect(await page.locator("#state").textContent()).toMatch(
      /^Quotes service unavailable since \d\d:\d\d:\d\d\sUTC\. These are the last quotes\.$/,
    );
    expect(kept).toHaveLength(11);
    // The data only gets older.
    const age = async (): Promise<number> => Number.parseFloat((await page.locator("#age span").textContent()) ?? "");
    await until("the data is 4 s old", async () => (await age()) >= 4, { deadlineMs: 15_000, intervalMs: 50 });
    expect(await prices(page)).toEqual(kept);
    const answer = await fetch(mesh.url("/api/quotes"));
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ code: "QUOTES_UNAVAILABLE", lastData: { quotes: { length: 11 } } });
    await thawProcess(mesh, "quotes");
    await page.waitForSelector("body[data-state=live]");
    await pricesOtherThan(page, kept);
    expect(await page.locator("#state").textContent()).toBe("Live");
  } finally {
    await thawProcess(mesh, "quotes");
  }
});

test("the page fits a telephone, in light and in dark", async ({ page, expect }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  // In words for the browser: the checkout's own types know no document.
  const background = (): Promise<unknown> => page.evaluate("getComputedStyle(document.body).backgroundColor");
  expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
  await page.emulateMedia({ colorScheme: "light" });
  const light = await background();
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await background()).not.toBe(light);
});
