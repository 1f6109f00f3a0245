// Crashes of what brings a mesh up: nothing is left running unseen, and the next command goes on.

import { until } from "../../scripts/wait.ts";
import { lastingProcesses, tracesOf } from "./inside.ts";
import { placeTest as test } from "./mesh.ts";
import { quotesFlow, runtime } from "./place.ts";

/** What `up` says on its way: first, while it starts processes, last. */
const stages = {
  native: { first: /trust/, starting: /trust/, last: /edges/ },
  docker: { first: /building/, starting: /starting containers/, last: /starting containers/ },
} as const;
const { first, starting, last } = stages[runtime];

test.for([first, last])("up goes on where one killed during %s stopped", async (stage, { newPlace, expect }) => {
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

test("down ends what a killed up left", async ({ newPlace, expect }) => {
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

test("an interrupted up says so and leaves nothing running", async ({ newPlace, expect }) => {
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

test("of two ups at once one wins and the other names it", async ({ newPlace, expect }) => {
  const place = await newPlace();
  const both = [place.start("up"), place.start("up")];
  const outcomes = await Promise.all(both.map(({ outcome }) => outcome));
  expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set([0, 2]));
  const winner = both[outcomes.findIndex(({ status }) => status === 0)];
  const loser = outcomes.find(({ status }) => status === 2);
  expect(loser?.stderr).toContain(`error[MESH_LOCKED]: ./mesh up (pid ${winner?.pid}) is changing this mesh`);
  await quotesFlow(place, 5000);
});
