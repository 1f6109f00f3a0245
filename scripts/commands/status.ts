// ./mesh status: asks every controller at once, joins and judges their facts. Exit status 1 when the mesh is not ready.

import { assess } from "../control/assess.ts";
import { type Ask, controllerClient } from "../control/client.ts";
import { rejectionInLog } from "../control/rejection.ts";
import type { DomainStatus, StatusReport, Swapped } from "../control/status-report.ts";
import { exitStatus, MeshError, messageOf } from "../errors.ts";
import type { Mesh } from "../model/mesh.ts";
import { paintResult, printJson, printResult } from "../output/print.ts";
import { formatStatus } from "../output/status.ts";
import type { DomainPlan, Plan } from "../plan/plan.ts";
import { readServing, servedOtherwise } from "../runtime/decisions.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { readMesh, type Context, typed } from "./context.ts";
import { type MeshThatIsUp, meshThatIsUp } from "./mesh-that-is-up.ts";

export async function status(context: Context, { json }: { readonly json: boolean }): Promise<number> {
  const { folder, plan, runtime, ask } = await meshThatIsUp(context);
  const [facts, swapped] = await Promise.all([
    statusReport(plan, { runtime, ask }),
    swappedIn(context, { folder, plan }),
  ]);
  const report: StatusReport = swapped.length === 0 ? facts : { ...facts, swapped };
  if (json) printJson(report);
  else printResult(formatStatus(report, paintResult));
  return report.ready ? exitStatus.ok : exitStatus.no;
}

/** Also while mesh.yaml cannot be read: somebody is editing it, and the mesh serves. */
async function swappedIn(
  context: Context,
  { folder, plan }: Pick<MeshThatIsUp, "folder" | "plan">,
): Promise<Swapped[]> {
  const mesh = await meshIfValid(context);
  const planned = plan.domains.flatMap(({ sidecars }) => sidecars.map(({ workload }) => ({ name: workload })));
  const serving = await readServing(folder, mesh ?? { workloads: planned });
  return servedOtherwise(mesh, serving).map(({ workload, app }) => {
    return { workload, app, back: `${typed(context)} swap ${workload} --back` };
  });
}

async function meshIfValid(context: Context): Promise<Mesh | undefined> {
  try {
    return await readMesh(context);
  } catch (error) {
    if (error instanceof MeshError) return undefined;
    throw error;
  }
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
