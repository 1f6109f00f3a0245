// ./mesh status: asks every controller at once, joins and judges their facts. Exit status 1 when the mesh is not ready.

import { assess } from "../control/assess.ts";
import { controllerClient } from "../control/client.ts";
import type { DomainStatus, StatusReport } from "../control/status-report.ts";
import { exitStatus, messageOf } from "../errors.ts";
import { paintResult, printJson, printResult } from "../output/print.ts";
import { formatStatus } from "../output/status.ts";
import type { DomainPlan, Plan } from "../plan/plan.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Context } from "./context.ts";
import { meshThatIsUp } from "./mesh-that-is-up.ts";

export async function status(context: Context, { json }: { readonly json: boolean }): Promise<number> {
  const { plan, runtime } = await meshThatIsUp(context);
  const report = await statusReport(plan, runtime);
  if (json) printJson(report);
  else printResult(formatStatus(report, paintResult));
  return report.ready ? exitStatus.ok : exitStatus.no;
}

/** The joined facts of a mesh. Never throws for a part that does not answer: that is a fact. */
export async function statusReport(plan: Plan, runtime: Pick<Runtime, "list">): Promise<StatusReport> {
  const [processes, ...domains] = await Promise.all([runtime.list(), ...plan.domains.map(domainStatus)]);
  return assess(plan, domains, processes);
}

async function domainStatus(domain: DomainPlan): Promise<DomainStatus> {
  const { trustDomain, name } = domain;
  try {
    return { trustDomain, name, facts: await controllerClient(domain).facts() };
  } catch (error) {
    return { trustDomain, name, reason: messageOf(error) };
  }
}
