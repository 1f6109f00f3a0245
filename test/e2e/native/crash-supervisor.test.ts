// Crashes of what keeps a mesh up natively: nothing is left running unseen, and the next command goes on.

import { rm } from "node:fs/promises";

import { until } from "../../../scripts/wait.ts";
import { tracesOf } from "../inside.ts";
import { killSupervisor, runDirOf } from "../inside-native.ts";
import { meshTest } from "../mesh.ts";
import { type Place, quotesFlow } from "../place.ts";

const test = meshTest();

async function bundlesOf(place: Place): Promise<(string | undefined)[]> {
  return (await place.status()).trustDomains.map(({ facts }) => facts?.server.bundle?.digest);
}

test("a killed supervisor takes everything with it, and up starts anew on the same CAs", async ({ mesh, expect }) => {
  const bundles = await bundlesOf(mesh);
  const traces = await tracesOf(mesh);
  await killSupervisor(mesh);
  await until("no process of the mesh runs", async () => (await traces.processes()).length === 0, { deadlineMs: 5000 });
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
  expect(await traces.remains()).toEqual([]);
});
