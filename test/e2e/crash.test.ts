// Crashes of what brings a mesh up and keeps it: nothing is left running unseen, and the next command goes on.

import { rm } from "node:fs/promises";

import { until } from "../../scripts/wait.ts";
import { killProcess, killSupervisor, planOf, runDirOf, tracesOf } from "./inside.ts";
import { beginLoad } from "./load.ts";
import { meshTest, placeTest } from "./mesh.ts";
import { type Place, quotesFlow } from "./place.ts";

async function bundlesOf(place: Place): Promise<(string | undefined)[]> {
  return (await place.status()).trustDomains.map(({ facts }) => facts?.server.bundle?.digest);
}

placeTest.for([/trust/, /edges/])(
  "up goes on where one killed during %s stopped",
  async (stage, { newPlace, expect }) => {
    const place = await newPlace();
    const killed = place.start("up");
    await killed.says(stage);
    killed.kill("SIGKILL");
    expect((await killed.outcome).signal).toBe("SIGKILL");

    await place.must("up");
    await quotesFlow(place, 5000);
    const { processes } = await planOf(place);
    expect((await place.ps()).map(({ name }) => name).toSorted()).toEqual(processes.map(({ name }) => name).toSorted());
    expect((await place.status()).problems).toEqual([]);
  },
);

placeTest("down ends what a killed up left", async ({ newPlace, expect }) => {
  const place = await newPlace();
  const killed = place.start("up");
  await killed.says(/edges/);
  killed.kill("SIGKILL");
  await killed.outcome;
  const traces = await tracesOf(place);
  expect(traces.processes()).not.toEqual([]);
  await place.must("down");
  expect(traces.remains()).toEqual([]);
});

placeTest("an interrupted up says so and leaves nothing running", async ({ newPlace, expect }) => {
  const place = await newPlace();
  const interrupted = place.start("up");
  await interrupted.says(/trust/);
  const traces = await tracesOf(place);
  interrupted.kill("SIGINT");
  const { status, stderr } = await interrupted.outcome;
  expect(stderr).toContain("error[MESH_INTERRUPTED]");
  expect(status).toBe(130);
  expect(traces.processes()).toEqual([]);
  expect((await place.mesh("ps")).stderr).toContain("error[MESH_NOT_UP]");
  await place.must("up");
  await quotesFlow(place, 5000);
});

placeTest("of two ups at once one wins and the other names it", async ({ newPlace, expect }) => {
  const place = await newPlace();
  const both = [place.start("up"), place.start("up")];
  const outcomes = await Promise.all(both.map(({ outcome }) => outcome));
  expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set([0, 2]));
  const winner = both[outcomes.findIndex(({ status }) => status === 0)];
  const loser = outcomes.find(({ status }) => status === 2);
  expect(loser?.stderr).toContain(`error[MESH_LOCKED]: ./mesh up (pid ${winner?.pid}) is changing this mesh`);
  await quotesFlow(place, 5000);
});

const test = meshTest();

test("a controller killed during an edit costs no request, and up makes the edit good", async ({ mesh, expect }) => {
  await using load = beginLoad(mesh.url("/api/quotes"));
  await load.more(50);
  await mesh.edit(({ workloads }) => {
    const { broker } = workloads;
    if (broker !== undefined) broker.calls = { quotes: ["GET /quotes", "GET /health"] };
  });
  const editing = mesh.start("up");
  await editing.says(/trust/);
  await killProcess(mesh, "controller-stockmarket");
  const { status, stderr } = await editing.outcome;
  // It is a matter of milliseconds whether the controller had done its part.
  if (status !== 0) expect(stderr).toContain("controller-stockmarket");
  await mesh.must("up");
  expect((await mesh.must("up")).stdout).toBe("unchanged\n");
  await load.more(50);
  expect((await load.end()).failures).toEqual([]);
  expect((await mesh.status()).problems).toEqual([]);
});

test("up waits for a controller that was killed a moment ago", async ({ mesh, expect }) => {
  await killProcess(mesh, "controller-broker");
  expect((await mesh.must("up")).stdout).toBe("unchanged\n");
});

test("a killed supervisor takes everything with it, and up starts anew on the same CAs", async ({ mesh, expect }) => {
  const bundles = await bundlesOf(mesh);
  const traces = await tracesOf(mesh);
  await killSupervisor(mesh);
  await until("no process of the mesh runs", () => traces.processes().length === 0, { deadlineMs: 5000 });
  const seen = await mesh.mesh("ps");
  expect(seen.status).toBe(1);
  expect(seen.stderr).toContain("error[MESH_NOT_UP]");
  const { stderr } = await mesh.must("up");
  expect(stderr).toMatch(/the supervisor \d+ ended without \.\/mesh stop or down/);
  await quotesFlow(mesh, 5000);
  expect(await bundlesOf(mesh)).toEqual(bundles);
});

test("after a restart of the machine, up resumes on the same CAs", async ({ mesh, expect }) => {
  const bundles = await bundlesOf(mesh);
  // What a restart does: all processes end at once, and the folder of sockets is empty.
  await killSupervisor(mesh);
  await rm(await runDirOf(mesh), { recursive: true });
  await mesh.must("up");
  await quotesFlow(mesh, 5000);
  expect(await bundlesOf(mesh)).toEqual(bundles);
});

test("down after a crash leaves nothing", async ({ mesh, expect }) => {
  const traces = await tracesOf(mesh);
  await killSupervisor(mesh);
  await mesh.must("down");
  expect(traces.remains()).toEqual([]);
});
