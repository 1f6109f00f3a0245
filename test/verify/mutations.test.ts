// Each protection taken away, alone: at least one claim that guards it turns red, and the rightful caller is served on.

import { protections } from "../../scripts/render/protections.ts";
import { loadClaims } from "./claims/all.ts";
import { revocation } from "./claims/r-revocation.ts";
import { test } from "./fixture.ts";
import { control } from "./instance/control.ts";
import { mutate } from "./mutations.ts";
import { outcomeOf } from "./results.ts";

const claims = loadClaims();

test("controllers leave the sidecars to this suite", async ({ mesh, expect }) => {
  await mesh.runtime.stop(mesh.plan.domains.map(({ controller }) => controller.process));
  expect((await mesh.runtime.list()).some(({ name }) => name.startsWith("controller-"))).toBe(false);
});

const elsewhere = new Set(revocation.map(({ id }) => id));

// What revocation guards is taken away there: it takes a mesh whose connections live for seconds.
for (const protection of protections.filter(({ guardedBy }) => !guardedBy.some((id) => elsewhere.has(id))))
  test(`without ${protection.id}`, async ({ mesh, task, expect }) => {
    const result = await mutate(mesh, protection, claims);
    Object.assign(task.meta, { mutations: [outcomeOf(result)] });
    if (result.notApplied === undefined) expect(result.red, `nothing noticed: ${result.change}`).not.toEqual([]);
    expect(await control(mesh)).toBe("");
  });
