// What somebody else does to a SPIRE Server: its controller sees it in time, and nobody has to tell it.

import { connectServer } from "../../../scripts/trust/server-api.ts";
import { until } from "../../../scripts/wait.ts";
import { domainOf } from "../applied-plan.ts";
import { meshTest } from "../mesh.ts";

const test = meshTest();

test("an entry that was deleted behind the controller's back is there again", async ({ mesh, expect }) => {
  const domain = await domainOf(mesh, "broker.example");
  await using api = await connectServer(domain.server.adminSocket);
  const ids = async (): Promise<string[]> => (await api.entries()).map(({ id }) => id).toSorted();
  const before = await ids();
  expect(before).toContain("mesh.broker");
  await api.deleteEntries(["mesh.broker"]);
  expect(await ids()).not.toContain("mesh.broker");
  // Three rounds of 5 s.
  await until("it is there again", async () => (await ids()).includes("mesh.broker"), { deadlineMs: 25_000 });
  expect(await ids()).toEqual(before);
});
