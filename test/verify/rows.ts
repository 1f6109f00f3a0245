// What a file of this suite consists of: a test for each claim, or for each protection that is taken away. What was found is in
// the tests' metadata, for the report.

import type { Protection } from "../../scripts/render/protections.ts";
import { type Claim, type Evidence, whyNotHere } from "./claim.ts";
import type { test as meshTest } from "./fixture.ts";
import { control } from "./instance/control.ts";
import { judge } from "./judge.ts";
import { mutate, type MutationResult } from "./mutations.ts";
import { outcomeOf, problemsOf, resultOf } from "./results.ts";
import { whyNeverTaken } from "./weakenings.ts";

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
  controllersStop(test);
  notTaken(test, protections);
  for (const protection of protections.filter((one) => whyNeverTaken(one) === undefined))
    test(`without ${protection.id}`, async ({ mesh, task, expect, skip }) => {
      const result = await mutate(mesh, protection, { claims });
      Object.assign(task.meta, { mutations: [outcomeOf(result)] });
      mustBeTaken(result, skip);
      expect(result.red, `nothing noticed: ${result.change}`).not.toEqual([]);
      expect(await control(mesh)).toBe("");
    });
}

export function controllersStop(test: typeof meshTest): void {
  test("controllers leave the sidecars to this suite", async ({ mesh, expect }) => {
    await mesh.runtime.stop(mesh.plan.domains.map(({ controller }) => controller.process));
    expect((await mesh.runtime.list()).some(({ name }) => name.startsWith("controller-"))).toBe(false);
  });
}

/** What cannot be taken away is counted apart: no test of its own passes for it. */
export function notTaken(test: typeof meshTest, protections: readonly Protection[]): void {
  const never = protections.filter((one) => whyNeverTaken(one) !== undefined);
  if (never.length === 0) return;
  test("protections that cannot be taken away say why", async ({ mesh, task, expect }) => {
    const results = await Promise.all(never.map((protection) => mutate(mesh, protection, { claims: [] })));
    Object.assign(task.meta, { mutations: results.map(outcomeOf) });
    for (const { notApplied, protection } of results) expect(notApplied?.reason, protection).toMatch(/\S/);
  });
}

/** @param skip counts a test apart: this mesh has not what was to be taken away */
export function mustBeTaken({ notApplied }: MutationResult, skip: (why: string) => unknown): void {
  if (notApplied?.isExpected === true) skip(`not taken away: ${notApplied.reason}`);
  if (notApplied !== undefined) throw new Error(`it could not be taken away: ${notApplied.reason}`);
}
