// Each protection taken away, alone: at least one claim that guards it turns red, and the rightful caller is served on.

import type { MutationOutcome } from "../../scripts/output/verify-report.ts";
import { protections } from "../../scripts/render/protections.ts";
import { loadClaims } from "./claims/all.ts";
import { test } from "./fixture.ts";
import { control } from "./instance/control.ts";
import { mutate, type MutationResult } from "./mutations.ts";

const claims = loadClaims();

test("controllers leave the sidecars to this suite", async ({ mesh, expect }) => {
  await mesh.runtime.stop(mesh.plan.domains.map(({ controller }) => controller.process));
  expect((await mesh.runtime.list()).some(({ name }) => name.startsWith("controller-"))).toBe(false);
});

for (const protection of protections)
  test(`without ${protection.id}`, async ({ mesh, task, expect }) => {
    const result = await mutate(mesh, protection, claims);
    Object.assign(task.meta, { mutations: [outcomeOf(result)] });
    if (result.notApplied === undefined) expect(result.red, `nothing noticed: ${result.change}`).not.toEqual([]);
    expect(await control(mesh)).toBe("");
  });

function outcomeOf({ protection, change, red, notApplied, milliseconds }: MutationResult): MutationOutcome {
  const [by] = red;
  const state = notApplied !== undefined ? "not-applied" : by === undefined ? "unnoticed" : "noticed";
  return {
    protection,
    change,
    state,
    milliseconds,
    ...(notApplied === undefined ? {} : { why: notApplied }),
    ...(by === undefined ? {} : { by }),
  };
}
