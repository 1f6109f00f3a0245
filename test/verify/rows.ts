// What a file of this suite consists of: a test for each claim, or for each protection that is taken away. What was found is in
// the tests' metadata, for the report.

import type { Protection } from "../../scripts/render/protections.ts";
import { type Claim, type Evidence, whyNotHere } from "./claim.ts";
import type { test as meshTest } from "./fixture.ts";
import { control } from "./instance/control.ts";
import { judge } from "./judge.ts";
import { mutate } from "./mutations.ts";
import { outcomeOf, problemsOf, resultOf } from "./results.ts";

export function claimTests(test: typeof meshTest, claims: readonly Claim[]): void {
  for (const claim of claims)
    test(`${claim.id} ${claim.title}`, async ({ mesh, task, expect }) => {
      const reason = whyNotHere(claim, mesh);
      const attempts: Evidence[] = [];
      if (reason === undefined) for (const attempt of claim.attempts) attempts.push(await judge(mesh, attempt));
      Object.assign(task.meta, { claims: [resultOf(claim, attempts, reason)] });
      expect(attempts.flatMap((one) => problemsOf(one).map((problem) => `${one.tried}: ${problem}`))).toEqual([]);
    });
}

/** Alone, each: at least one claim that guards it turns red, and the rightful caller is served on. */
export function mutationTests(
  test: typeof meshTest,
  protections: readonly Protection[],
  claims: readonly Claim[],
): void {
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
}
