// What the docker runtime's short programs have in common: node scripts/control/<program>.ts PLANFILE TRUSTDOMAIN does
// one thing for one trust domain and ends, with a reason on standard error when it could not.

import { MeshError, exitStatus } from "../errors.ts";
import { printError } from "../output/errors.ts";
import type { DomainPlan, Plan } from "../plan/plan.ts";
import { domainOf, readPlan } from "./plan-file.ts";

export interface OneShotInput {
  readonly plan: Plan;
  readonly domain: DomainPlan;
  /** Aborted by SIGTERM. */
  readonly signal: AbortSignal;
}

/** Does `work` and sets the exit status. Never throws. */
export async function runOneShot(program: string, work: (input: OneShotInput) => Promise<void>): Promise<void> {
  const [planFile, trustDomain] = process.argv.slice(2);
  const ending = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.once(signal, () => ending.abort(new MeshError("MESH_INTERRUPTED", `interrupted by ${signal}`)));
  try {
    if (planFile === undefined || trustDomain === undefined)
      throw new MeshError("MESH_USAGE", `usage: node scripts/control/${program} PLANFILE TRUSTDOMAIN`);
    const plan = await readPlan(planFile);
    await work({ plan, domain: domainOf(plan, trustDomain), signal: ending.signal });
    process.exitCode = exitStatus.ok;
  } catch (error) {
    process.exitCode = printError(error);
  }
}
