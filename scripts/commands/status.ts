// ./mesh status: asks every controller at once, joins and judges their facts. Exit status 1 when the mesh is not ready.

import { assess } from "../control/assess.ts";
import { type Ask, controllerClient } from "../control/client.ts";
import { rejectionInLog } from "../control/rejection.ts";
import type { DomainStatus, StatusReport } from "../control/status-report.ts";
import { exitStatus, messageOf } from "../errors.ts";
import { paintResult, printJson, printResult } from "../output/print.ts";
import { formatStatus } from "../output/status.ts";
import type { DomainPlan, Plan } from "../plan/plan.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Context } from "./context.ts";
import { meshThatIsUp } from "./mesh-that-is-up.ts";

export async function status(context: Context, { json }: { readonly json: boolean }): Promise<number> {
  const { plan, runtime, ask } = await meshThatIsUp(context);
  const report = await statusReport(plan, { runtime, ask });
  if (json) printJson(report);
  else printResult(formatStatus(report, paintResult));
  return report.ready ? exitStatus.ok : exitStatus.no;
}

/** The joined facts of a mesh. Never throws for a part that does not answer: that is a fact. */
export async function statusReport(
  plan: Plan,
  { runtime, ask }: { readonly runtime: Pick<Runtime, "list" | "logs">; readonly ask?: Ask | undefined },
): Promise<StatusReport> {
  const [processes, ...domains] = await Promise.all([
    runtime.list(),
    ...plan.domains.map(async (domain) => withReasons(await domainStatus(domain, ask), runtime)),
  ]);
  return assess(plan, domains, processes);
}

async function domainStatus(domain: DomainPlan, ask: Ask | undefined): Promise<DomainStatus> {
  const { trustDomain, name } = domain;
  try {
    return { trustDomain, name, facts: await controllerClient(domain, ask).facts() };
  } catch (error) {
    return { trustDomain, name, reason: messageOf(error) };
  }
}

/** Envoy's words for a rejection that its admin interface does not have. */
async function withReasons(domain: DomainStatus, runtime: Pick<Runtime, "logs">): Promise<DomainStatus> {
  if (domain.facts === undefined) return domain;
  const sidecars = await Promise.all(
    domain.facts.sidecars.map(async (sidecar) => {
      const unexplained = sidecar.configuration.some(
        ({ state, reason }) => state === "rejected" && reason === undefined,
      );
      const reason = unexplained ? await rejectionInLog(runtime, sidecar.process) : undefined;
      if (reason === undefined) return sidecar;
      const configuration = sidecar.configuration.map((file) =>
        file.state === "rejected" && file.reason === undefined ? { ...file, reason } : file,
      );
      return { ...sidecar, configuration };
    }),
  );
  return { ...domain, facts: { ...domain.facts, sidecars } };
}
