// ./mesh dev: what is saved is served, and what served before is not lost.

import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { until } from "../../../scripts/wait.ts";
import { type Description, shipped } from "../description.ts";
import { tracesOf } from "../inside.ts";
import { placeTest as test } from "../mesh.ts";
import type { Place } from "../place.ts";

/** quotes is an app of the tests, and its price says which edit serves. */
function developed(port: number): Description {
  const description = shipped(port);
  const { quotes } = description.workloads;
  if (quotes === undefined) throw new Error("the shipped mesh.yaml has no workload quotes");
  quotes.app = { node: "apps/tests/developed/server.mjs" };
  return description;
}

async function price(mesh: Place): Promise<number | undefined> {
  const response = await fetch(mesh.url("/api/quotes"), { signal: AbortSignal.timeout(5000) });
  const { quotes }: { quotes?: { price: number }[] } = JSON.parse(await response.text());
  return quotes?.[0]?.price;
}

async function served(mesh: Place, wanted: number): Promise<void> {
  await until(`the price is ${wanted}`, async () => (await price(mesh)) === wanted, {
    deadlineMs: 20_000,
    intervalMs: 20,
  });
}

test("edit, save, the next request has it; Ctrl-C, and what served before does again", async ({ newPlace, expect }) => {
  const mesh = await newPlace({ description: developed, withTestApps: true });
  const file = join(mesh.dir, "clone/apps/tests/developed/server.mjs");
  const edit = async (to: number): Promise<void> =>
    writeFile(file, (await readFile(file, "utf8")).replace(/^const price = \d+;$/m, `const price = ${to};`));
  await mesh.must("up");
  await served(mesh, 1);
  const before = await mesh.process("quotes");
  const good = await readFile(file, "utf8");
  await writeFile(file, "not a program");
  const dev = mesh.start("dev", "quotes");
  await dev.says(/Failed running/);
  await writeFile(file, good);
  await dev.says(/quotes is served by apps\/tests\/developed\/server\.mjs, watched/);
  for (const next of [2, 3]) {
    await edit(next);
    await served(mesh, next);
    await dev.says(new RegExp(`the price is ${next}`));
  }
  expect((await mesh.status()).swapped).toEqual([
    expect.objectContaining({ app: expect.stringMatching(/, watched$/) }),
  ]);
  expect((await mesh.must("up")).stdout).toBe("unchanged\n");
  const again = await mesh.mesh("dev", "quotes");
  expect(again).toMatchObject({ status: 2, stderr: expect.stringContaining("under ./mesh dev already") });
  // The way back needs nothing of what is being edited.
  await writeFile(file, "not a program");
  await dev.says(/Failed running[^]*Failed running/);
  dev.kill("SIGINT");
  const { status, stdout } = await dev.outcome;
  expect(status).toBe(0);
  expect(stdout).toContain("quotes is served by apps/tests/developed/server.mjs again");
  await served(mesh, 1);
  expect((await mesh.process("quotes")).pid).toBe(before.pid);
  expect((await mesh.ps()).map(({ name }) => name)).not.toContain("quotes-slot-2");
  const { ready, swapped } = await mesh.status();
  expect({ ready, swapped }).toEqual({ ready: true, swapped: undefined });
  expect((await mesh.must("up")).stdout).toBe("unchanged\n");
  const traces = await tracesOf(mesh);
  await mesh.must("down");
  expect(await traces.remains()).toEqual([]);
});

test("what cannot be watched is told in one error, and nothing is touched", async ({ newPlace, expect }) => {
  const mesh = await newPlace({ withTestApps: true });
  await mesh.must("up");
  const before = await mesh.ps();
  const python = await mesh.mesh("dev", "quotes", "--app", join(mesh.dir, "clone/examples/quotes-python"));
  expect(python).toMatchObject({ status: 2, stderr: expect.stringContaining("only what Node runs is watched") });
  expect(await mesh.ps()).toEqual(before);
});

test("what another command decided meanwhile is left as it is", async ({ newPlace, expect }) => {
  const mesh = await newPlace({ withTestApps: true });
  await mesh.must("up");
  const dev = mesh.start("dev", "quotes");
  await dev.says(/apps\/quotes\/server\.ts, watched/);
  await mesh.must("swap", "quotes", "--back");
  dev.kill("SIGINT");
  const { status, stderr } = await dev.outcome;
  expect(stderr).toContain("quotes was given to apps/quotes/server.ts meanwhile, which serves on");
  expect(status).toBe(0);
  expect(await mesh.status()).toMatchObject({ ready: true });
});

// An ordinary user's processes are all that user's: nothing is copied.
test.runIf(process.getuid?.() === 0)(
  "a clone that is run from a copy cannot be developed",
  async ({ newPlace, expect }) => {
    const mesh = await newPlace({ withTestApps: true });
    await chmod(join(mesh.dir, "clone"), 0o700);
    await mesh.must("up");
    const before = await mesh.ps();
    const unseen = await mesh.mesh("dev", "quotes");
    expect(unseen).toMatchObject({ status: 2, stderr: expect.stringContaining("fix: let them: chmod -R o+rX") });
    expect(await mesh.ps()).toEqual(before);
  },
);
