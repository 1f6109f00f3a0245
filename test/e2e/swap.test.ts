// ./mesh swap on both runtimes: one app takes the other's place and back at a fixed rate of requests, and none is lost; one that
// is not fit never serves alone; what was decided ends with `--back`, `stop` and `down`. (Other languages: native/swap.test.ts.)

import { join } from "node:path";

import { until } from "../../scripts/wait.ts";
import { tracesOf } from "./inside.ts";
import { beginLoad } from "./load.ts";
import { meshTest } from "./mesh.ts";
import { beginOpenLoad } from "./open-load.ts";
import { type Place, quotesFlow, quotesOf } from "./place.ts";
import { appsOf, sidecarOf } from "./serving.ts";

const test = meshTest({ withTestApps: true });

const candidate = (mesh: Place, name: string): string => join(mesh.dir, `clone/apps/tests/candidates/${name}.mjs`);
const other = "apps/tests/candidates/keeps-the-contract.mjs";
const declared = "apps/quotes/server.ts";

async function symbols(mesh: Place): Promise<readonly string[] | undefined> {
  return (await quotesOf(mesh))?.quotes.map(({ symbol }) => symbol);
}

test("two apps take each other's place four times at 100 requests a second, and no request fails", async ({
  mesh,
  expect,
}) => {
  const before = await sidecarOf(mesh);
  const load = beginOpenLoad(mesh.url(""), { path: "/api/quotes", perSecond: 100 });
  for (let round = 0; round < 2; round += 1) {
    const there = await mesh.must("swap", "quotes", "--node", candidate(mesh, "keeps-the-contract"));
    expect(there.stdout).toContain(`quotes is served by ${other}, no longer by ${declared}`);
    expect(await appsOf(mesh)).toHaveLength(1);
    expect(await symbols(mesh)).toEqual(["OTHR"]);
    const back = await mesh.must("swap", "quotes", "--back");
    expect(back.stdout).toContain(`quotes is served by ${declared}, no longer by ${other}`);
    expect(await appsOf(mesh)).toHaveLength(1);
    expect(await symbols(mesh)).not.toContain("OTHR");
  }
  const { sent, failures } = await load.end();
  expect(failures).toEqual([]);
  expect(sent).toBeGreaterThan(4 * 100);
  expect(await sidecarOf(mesh)).toEqual(before);
});

test.for([
  ["one that dies at once", ["dies"], "MESH_PROCESS_FAILED", "ended with exit status 3"],
  ["one that hangs", ["hangs"], "MESH_TIMEOUT", "answers 200 on /health"],
  ["one that does not keep the contract", ["ignores-sigterm"], "MESH_CONTRACT_BROKEN", "SIGTERM"],
  [
    "one that wears out under a canary's share",
    ["fails-later", "--canary", "50%", "--after", "5000"],
    "MESH_CANARY_WORSE",
    "% failed",
  ],
] as const)("of %s the old one is told, and serves on", async ([, [name, ...words], code, why], { mesh, expect }) => {
  const [served = ""] = await appsOf(mesh);
  const { pid } = await mesh.process(served);
  await using load = beginLoad(mesh.url("/api/quotes"), { connections: 8 });
  const { status, stderr } = await mesh.mesh("swap", "quotes", "--node", candidate(mesh, name), ...words);
  expect(stderr).toContain(`error[${code}]`);
  expect(stderr).toContain(why);
  expect(status).toBeGreaterThan(0);
  await load.more(100);
  const { failures } = await load.end();
  // What the canary itself answered with was its share.
  if (code !== "MESH_CANARY_WORSE") expect(failures).toEqual([]);
  expect(await appsOf(mesh)).toEqual([served]);
  expect((await mesh.process(served)).pid).toBe(pid);
  await quotesFlow(mesh, 2000);
});

test("a canary that answers as well has all requests in the end", async ({ mesh, expect }) => {
  await using load = beginLoad(mesh.url("/api/quotes"), { connections: 4 });
  const canary = ["--canary", "50%", "--after", "50", "--slower", "50"];
  const { stdout } = await mesh.must("swap", "quotes", "--node", candidate(mesh, "keeps-the-contract"), ...canary);
  expect(stdout).toMatch(/^canary: new: \d+ requests, 0\.0 % failed.*; old: \d+ requests, 0\.0 % failed/m);
  expect((await load.end()).failures).toEqual([]);
  expect(await symbols(mesh)).toEqual(["OTHR"]);
});

test("who serves is told, outlives up and its controller, and ends with stop", async ({ mesh, expect }) => {
  if ((await mesh.status()).swapped === undefined)
    await mesh.must("swap", "quotes", "--node", candidate(mesh, "keeps-the-contract"));
  const kept = await mesh.must("up");
  expect(kept.stdout).toBe("unchanged\n");
  expect(kept.stderr).toContain(`quotes is served by ${other}; what mesh.yaml says: `);
  expect(await mesh.status()).toMatchObject({ ready: true, swapped: [{ workload: "quotes", app: other }] });
  await mesh.must("restart", "controller-stockmarket");
  expect(await mesh.status()).toMatchObject({ ready: true });
  expect(await symbols(mesh)).toEqual(["OTHR"]);
  await mesh.must("stop");
  await mesh.must("up");
  expect((await mesh.status()).swapped).toBeUndefined();
  await until("mesh.yaml's app serves", async () => (await symbols(mesh))?.includes("OTHR") === false, {
    deadlineMs: 5000,
  });
  expect(await appsOf(mesh)).toEqual(["quotes"]);
});

test("a contract is told rule by rule, and what cannot be seen is not passed", async ({ mesh, expect }) => {
  const good = await mesh.mesh("contract", "quotes", "--node", candidate(mesh, "keeps-the-contract"));
  expect(good.stdout).toMatch(/, 0 failed, [12] not checked$/m);
  expect(good.status).toBe(0);
  const bad = await mesh.mesh("contract", "quotes", "--json", "--node", candidate(mesh, "../developed/server"));
  const { met, verdicts }: { met: boolean; verdicts: { rule: string; verdict: string }[] } = JSON.parse(bad.stdout);
  expect(met).toBe(false);
  expect(verdicts.filter(({ verdict }) => verdict === "failed").map(({ rule }) => rule)).toEqual(["errors"]);
  expect(bad.status).toBe(1);
});

test("down while a swap lasts leaves nothing of either app", async ({ mesh, expect }) => {
  await mesh.must("swap", "quotes", "--node", candidate(mesh, "keeps-the-contract"));
  const traces = await tracesOf(mesh);
  await mesh.must("down");
  expect(await traces.remains()).toEqual([]);
});
