// ./mesh swap: one implementation after the other serves, in four languages, at 500 requests a second, and no request is lost;
// whoever has the page open sees it live on. One that is not fit never serves alone.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { chromium, type Page } from "playwright-core";
import { beforeAll } from "vitest";

import { beginOpenLoad } from "../open-load.ts";
import { planOf } from "../applied-plan.ts";
import { ensureBrowser } from "../browser.ts";
import { checkoutDir } from "../checkout.ts";
import { beginLoad } from "../load.ts";
import { meshTest } from "../mesh.ts";
import { appsOf, sidecarOf } from "../serving.ts";
import { ensureLanguages } from "./languages.ts";

const test = meshTest().extend("page", async ({ mesh }, { onCleanup }) => {
  const browser = await chromium.launch(await ensureBrowser());
  onCleanup(() => browser.close());
  const page = await browser.newPage();
  await page.goto(mesh.url("/quotes"));
  await page.waitForSelector("body[data-state=live]");
  return page;
});

beforeAll(ensureLanguages);

const inCheckout = (path: string): string => join(checkoutDir, path);
const candidate = (name: string): string => inCheckout(`test/e2e/apps/candidates/${name}.mjs`);

/** What the page has shown since it was asked to remember: every state, and how old its data became, in seconds. */
interface Shown {
  readonly states: readonly string[];
  readonly oldest: number;
  readonly prices: number;
}

/** In words for the browser: the checkout's own types know no document. */
async function beginRemembering(page: Page): Promise<void> {
  await page.evaluate(`{
    const shown = { states: new Set([document.body.dataset.state]), prices: new Set(), oldest: 0 };
    globalThis.shown = shown;
    new MutationObserver(() => {
      shown.states.add(document.body.dataset.state);
      shown.oldest = Math.max(shown.oldest, Number.parseFloat(document.querySelector("#age span").textContent) || 0);
      shown.prices.add(document.querySelector("tbody").textContent);
    }).observe(document.documentElement, { attributes: true, characterData: true, childList: true, subtree: true });
  }`);
}

async function remembered(page: Page): Promise<Shown> {
  return page.evaluate(
    "({ states: [...globalThis.shown.states], oldest: globalThis.shown.oldest, prices: globalThis.shown.prices.size })",
  );
}

test("quotes goes through four languages and back at 500 requests a second, and no request fails", async ({
  mesh,
  page,
  expect,
}) => {
  // Built once before: a compiler beside the load is not what is asked about.
  for (const language of ["go", "java"])
    await mesh.must("contract", "quotes", "--app", inCheckout(`examples/quotes-${language}`));
  const [edge] = (await planOf(mesh)).edges;
  if (edge === undefined) throw new Error("the mesh has no edge");
  const before = await sidecarOf(mesh);
  const load = beginOpenLoad(edge.socket, { path: "/quotes", perSecond: 500 });
  await beginRemembering(page);
  for (const language of ["go", "python", "java"]) {
    const { stdout } = await mesh.must("swap", "quotes", "--app", inCheckout(`examples/quotes-${language}`));
    expect(stdout).toContain(`quotes is served by examples/quotes-${language}, no longer by`);
    expect(await appsOf(mesh)).toHaveLength(1);
  }
  const back = await mesh.must("swap", "quotes", "--back");
  expect(back.stdout).toContain("quotes is served by apps/quotes/server.ts, no longer by examples/quotes-java");
  const { sent, failures } = await load.end();
  const shown = await remembered(page);
  expect(failures).toEqual([]);
  expect(sent).toBeGreaterThan(4 * 500);
  expect(shown.states).toEqual(["live"]);
  expect(shown.oldest).toBeLessThan(4);
  expect(shown.prices).toBeGreaterThan(10);
  expect(await sidecarOf(mesh)).toEqual(before);
  const { ready, swapped: left } = await mesh.status();
  expect({ ready, left }).toEqual({ ready: true, left: undefined });
});

test("who serves is told, and up keeps it", async ({ mesh, expect }) => {
  await mesh.must("swap", "quotes", "--app", inCheckout("examples/quotes-python"));
  const kept = await mesh.must("up");
  expect(kept.stdout).toBe("unchanged\n");
  expect(kept.stderr).toContain("quotes is served by examples/quotes-python; what mesh.yaml says: ");
  const swapped = [
    { workload: "quotes", app: "examples/quotes-python", back: expect.stringMatching(/swap quotes --back$/) },
  ];
  expect(await mesh.status()).toMatchObject({ ready: true, swapped });
  await mesh.edit("workloads: [");
  expect((await mesh.must("status")).stdout).toMatch(/^swapped: quotes is served by examples\/quotes-python\n/);
  await mesh.edit(() => {});
  await mesh.must("swap", "quotes", "--back");
  expect((await mesh.status()).swapped).toBeUndefined();
});

test("the broker is replaced by one that draws its page itself, and no request fails", async ({
  mesh,
  page,
  expect,
}) => {
  await using load = beginLoad(mesh.url("/api/quotes"), { connections: 8 });
  const swapped = await mesh.must("swap", "broker", "--app", inCheckout("examples/broker-page"));
  expect(swapped.stdout).toContain("broker is served by examples/broker-page, no longer by apps/broker/server.ts");
  await load.more(200);
  await page.goto(mesh.url("/quotes"));
  expect(await page.locator("script").count()).toBe(0);
  expect(await page.getByText("spiffe://stockmarket.example/quotes-service").count()).toBeGreaterThan(0);
  expect(await page.locator("tbody tr").count()).toBe(11);
  await mesh.must("swap", "broker", "--back");
  await load.more(200);
  const { failures } = await load.end();
  expect(failures).toEqual([]);
  await page.goto(mesh.url("/quotes"));
  await page.waitForSelector("body[data-state=live]");
});

test("what serves is saved in mesh.yaml, and is then no swap any more", async ({ mesh, expect }) => {
  const before = await readFile(mesh.meshFile, "utf8");
  const python = await mesh.must("swap", "quotes", "--app", inCheckout("examples/quotes-python"), "--save");
  expect(python.stdout).toContain("mesh.yaml says examples/quotes-python for quotes");
  const saved = await readFile(mesh.meshFile, "utf8");
  expect(saved).toBe(
    before.replace(
      "node: apps/quotes/server.ts",
      "command: [python3, -B, main.py]\n      workingDir: examples/quotes-python",
    ),
  );
  expect((await mesh.status()).swapped).toBeUndefined();
  expect(await mesh.must("up")).toMatchObject({
    stdout: "unchanged\n",
    stderr: expect.not.stringContaining("is served by"),
  });
  await mesh.must("swap", "quotes", "--node", inCheckout("apps/quotes/server.ts"));
  expect((await mesh.must("swap", "quotes", "--save")).stdout).toBe(
    "mesh.yaml says apps/quotes/server.ts for quotes\n",
  );
  expect(await readFile(mesh.meshFile, "utf8")).toBe(before);
  expect((await mesh.status()).swapped).toBeUndefined();
  expect((await mesh.must("up")).stdout).toBe("unchanged\n");
});

test("a contract is told rule by rule, for people and for programs", async ({ mesh, expect }) => {
  const good = await mesh.mesh("contract", "quotes", "--app", inCheckout("examples/quotes-python"));
  expect(good.stdout).toMatch(/^10 passed, 0 failed, 1 not checked$/m);
  expect(good.status).toBe(0);
  const bad = await mesh.mesh("contract", "quotes", "--json", "--node", candidate("ignores-sigterm"));
  const { met, verdicts }: { met: boolean; verdicts: { rule: string; verdict: string }[] } = JSON.parse(bad.stdout);
  expect(met).toBe(false);
  expect(verdicts.filter(({ verdict }) => verdict === "failed").map(({ rule }) => rule)).toEqual(["stop"]);
  expect(bad.status).toBe(1);
});

test("what an app says of where it listens, and of its folder, is looked at first", async ({ mesh, expect }) => {
  const outside = await mesh.mesh("swap", "quotes", "--app", "/etc");
  expect(outside).toMatchObject({ status: 64, stderr: expect.stringContaining("is not below the repository") });
  const absent = await mesh.mesh("swap", "quotes", "--app", inCheckout("apps/quotes"));
  expect(absent).toMatchObject({ status: 65, stderr: expect.stringContaining("app.yaml cannot be read") });
  const nobody = await mesh.mesh("swap", "quotes-sidecar", "--back");
  expect(nobody).toMatchObject({ status: 64, stderr: expect.stringContaining("error[MESH_NO_SUCH_WORKLOAD]") });
});

test("copies of what two examples share are alike", async ({ expect }) => {
  for (const file of ["serve.go", "guard.go"]) {
    const read = (folder: string): Promise<string> => readFile(inCheckout(`examples/${folder}/${file}`), "utf8");
    expect(await read("broker-page")).toBe(await read("quotes-go"));
  }
  await promisify(execFile)("gofmt", ["-l", inCheckout("examples")]);
});
