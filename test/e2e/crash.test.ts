// Crashes of what brings a mesh up: nothing is left running unseen, and the next command goes on.

import { until } from "../../scripts/wait.ts";
import { killProcess, lastingProcesses, tracesOf } from "./inside.ts";
import { beginLoad } from "./load.ts";
import { meshTest, placeTest } from "./mesh.ts";
import { quotesFlow, runtime } from "./place.ts";

/** What `up` says on its way: first, while it starts processes, last. */
const stages = {
  native: { first: /trust/, starting: /trust/, last: /edges/ },
  docker: { first: /building/, starting: /starting containers/, last: /starting containers/ },
} as const;
const { first, starting, last } = stages[runtime];

placeTest.for([first, last])("up goes on where one killed during %s stopped", async (stage, { newPlace, expect }) => {
  const place = await newPlace();
  const killed = place.start("up");
  await killed.says(stage);
  killed.kill("SIGKILL");
  expect((await killed.outcome).signal).toBe("SIGKILL");

  await place.must("up");
  await quotesFlow(place, 5000);
  expect((await place.ps()).map(({ name }) => name)).toEqual(await lastingProcesses(place));
  expect((await place.status()).problems).toEqual([]);
});

placeTest("down ends what a killed up left", async ({ newPlace, expect }) => {
  const place = await newPlace();
  const killed = place.start("up");
  await killed.says(last);
  const traces = await tracesOf(place);
  await until("processes run", async () => (await traces.processes()).length > 0, { deadlineMs: 20_000 });
  killed.kill("SIGKILL");
  await killed.outcome;
  await place.must("down");
  expect(await traces.remains()).toEqual([]);
});

placeTest("an interrupted up says so and leaves nothing running", async ({ newPlace, expect }) => {
  const place = await newPlace();
  const interrupted = place.start("up");
  await interrupted.says(starting);
  const traces = await tracesOf(place);
  interrupted.kill("SIGINT");
  const { status, stderr } = await interrupted.outcome;
  expect(stderr).toContain("error[MESH_INTERRUPTED]");
  expect(status).toBe(130);
  expect(await traces.processes()).toEqual([]);
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
  await editing.says(first);
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
