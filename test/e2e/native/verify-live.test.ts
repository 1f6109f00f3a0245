// ./mesh verify --live turns red when what it looks at is not as it must be: each by what a careless hand could do to a mesh that
// serves.

import { chmod, stat } from "node:fs/promises";
import { dirname } from "node:path";

import type { VerifyReport } from "../../../scripts/output/verify-report.ts";
import { planOf } from "../applied-plan.ts";
import { meshTest } from "../mesh.ts";
import { json } from "../place.ts";

const test = meshTest();

test("an admin socket that anybody may open", async ({ mesh, expect }) => {
  const sidecars = (await planOf(mesh)).domains.flatMap((domain) => domain.sidecars);
  const socket = sidecars.find(({ workload }) => workload === "quotes")?.adminSocket ?? "";
  const paths = [dirname(socket), socket];
  const modes = await Promise.all(paths.map(async (path) => (await stat(path)).mode & 0o7777));
  for (const path of paths) await chmod(path, 0o777);
  try {
    const outcome = await mesh.mesh("verify", "--live", "--filter", "G1,G3", "--json");
    const { claims }: VerifyReport = json(outcome);
    expect(outcome.status).toBe(1);
    expect(claims.map(({ id, state }) => `${id} ${state}`)).toEqual(["G1 refused", "G3 failed"]);
    expect(claims[1]?.attempts[0]?.problem).toContain("connected to");
  } finally {
    for (const [index, path] of paths.entries()) await chmod(path, modes[index] ?? 0);
  }
  expect((await mesh.mesh("verify", "--live", "--filter", "G3")).status).toBe(0);
});
