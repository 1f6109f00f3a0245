// What ends, on a mesh whose connections live for seconds; and that its end is the protection's doing.

import { protections } from "../../scripts/render/protections.ts";
import { chosen, isChosen } from "./chosen.ts";
import type { Evidence } from "./claim.ts";
import { revocation } from "./claims/r-revocation.ts";
import { shortLivedTest as test } from "./fixture.ts";
import { judge } from "./judge.ts";
import { mutate } from "./mutations.ts";
import { outcomeOf, problemsOf, resultOf } from "./results.ts";

for (const claim of revocation.filter(({ id }) => isChosen(id)))
  test(`${claim.id} ${claim.title}`, async ({ mesh, task, expect }) => {
    const attempts: Evidence[] = [];
    for (const attempt of claim.attempts) attempts.push(await judge(mesh, attempt));
    Object.assign(task.meta, { claims: [resultOf(claim, attempts)] });
    expect(attempts.flatMap(problemsOf)).toEqual([]);
  });

const ids = new Set(revocation.map(({ id }) => id));
const guarded = protections.filter(({ guardedBy }) => guardedBy.some((id) => ids.has(id)));

for (const protection of chosen.mutations ? guarded : [])
  test(`without ${protection.id}`, async ({ mesh, task, expect }) => {
    await mesh.runtime.stop(mesh.plan.domains.map(({ controller }) => controller.process));
    const result = await mutate(mesh, protection, revocation);
    Object.assign(task.meta, { mutations: [outcomeOf(result)] });
    expect(result.red, `nothing noticed: ${result.change}`).not.toEqual([]);
  });
