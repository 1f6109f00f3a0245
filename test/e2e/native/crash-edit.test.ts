// A crash in the middle of an edit. In containers the moment cannot be met: controllers have taken the plan up before `up`
// says its first word, and Compose replaces them then.

import { killProcess } from "../inside.ts";
import { beginLoad } from "../load.ts";
import { meshTest } from "../mesh.ts";

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
