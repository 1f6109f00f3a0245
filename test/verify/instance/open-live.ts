// The mesh that is up, as `./mesh verify --live` attacks it: found by its state folder as every other command finds it, on
// whichever runtime. Nothing of it is written, and nobody but its own processes holds a key of it.

import { askHere, controllerClient } from "../../../scripts/control/client.ts";
import type { Context } from "../../../scripts/commands/context.ts";
import { meshThatIsUp } from "../../../scripts/commands/mesh-that-is-up.ts";
import { openProject } from "../../../scripts/commands/open-docker.ts";
import { MeshError } from "../../../scripts/errors.ts";
import { isCrossed } from "../../../scripts/observe/edge.ts";
import type { EdgePlan, Plan, SidecarPlan } from "../../../scripts/plan/plan.ts";
import { logFile } from "../../../scripts/runtime/specs.ts";
import { openAttackers } from "./attackers.ts";
import { newAuthority } from "./authority.ts";
import type { LiveMesh } from "./live-mesh.ts";
import { networkHere, openOutpost } from "./network.ts";
import { inboundOf } from "./private-mesh.ts";
import { sourceHere, sourceInContainer } from "./sidecar-source.ts";
import { type SidecarWitness, sidecarWitness } from "./sidecar-witness.ts";

export interface OpenLiveMesh extends LiveMesh, AsyncDisposable {
  /** The rightful request, by the caller's sidecar; empty when it crossed. */
  readonly crosses: () => Promise<string>;
}

/** @param named `caller:callee`; empty: the first edge across trust domains, or the first */
export async function openLiveMesh(context: Context, named: string): Promise<OpenLiveMesh> {
  const opened = await meshThatIsUp(context);
  const { plan, runtime, ask = askHere } = opened;
  const edge = edgeOf(plan, named);
  const [caller, callee] = [sidecarOf(plan, edge.caller.workload), sidecarOf(plan, edge.callee.workload)];
  await using made = new AsyncDisposableStack();
  const project = plan.runtime === "docker" ? await openProject(context, opened.folder) : undefined;
  const logDir = (await opened.folder.read())?.places.logDir ?? "";
  const witnessOf = async (sidecar: SidecarPlan): Promise<SidecarWitness> => {
    if (project === undefined)
      return sidecarWitness(sourceHere({ ...sidecar, logFile: logFile(logDir, sidecar.process) }));
    const controller = domainOf(plan, sidecar).controller.process;
    return sidecarWitness(made.use(await sourceInContainer({ ...sidecar, controller, project })));
  };
  const withWitness = async (sidecar: SidecarPlan) => ({ ...sidecar, witness: await witnessOf(sidecar) });
  const ends = { caller: await withWitness(caller), callee: await withWitness(callee) };
  const network = project === undefined ? networkHere : made.use(await openOutpost(project, plan, inboundOf(callee)));
  const node = plan.processes.find(({ role }) => role === "controller")?.command[0] ?? process.execPath;
  const attackers = made.use(openAttackers(node));
  const kept = made.move();
  return {
    plan,
    runtime,
    ask,
    network,
    edge: { caller: caller.workload, callee: callee.workload, path: edge.probePath },
    unknown: await newAuthority("unknown.example"),
    attackers,
    ...ends,
    crosses: async () => crossing(await controllerClient(domainOf(plan, caller), ask).facts(), edge),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

type ProbedEdge = EdgePlan & { readonly probePath: string };

function edgeOf({ edges }: Plan, named: string): ProbedEdge {
  const probed = edges.filter((edge): edge is ProbedEdge => edge.probePath !== undefined);
  const across = probed.filter(({ caller, callee }) => caller.trustDomain !== callee.trustDomain);
  const chosen =
    named === ""
      ? (across[0] ?? probed[0])
      : probed.find(({ caller, callee }) => named === `${caller.workload}:${callee.workload}`);
  if (chosen !== undefined) return chosen;
  throw new MeshError("MESH_USAGE", `the mesh that is up has no edge ${named || "at all"} with a GET rule without *`, {
    details: probed.map(({ caller, callee }) => `${caller.workload}:${callee.workload}`),
    fix: "./mesh verify --live --edge CALLER:CALLEE, one of these",
  });
}

function sidecarOf({ domains }: Plan, workload: string): SidecarPlan {
  const found = domains.flatMap(({ sidecars }) => sidecars).find((sidecar) => sidecar.workload === workload);
  if (found === undefined) throw new Error(`${workload} has no sidecar`);
  return found;
}

function domainOf({ domains }: Plan, { trustDomain }: SidecarPlan) {
  const found = domains.find((domain) => domain.trustDomain === trustDomain);
  if (found === undefined) throw new Error(`the plan has no ${trustDomain}`);
  return found;
}

function crossing(
  { edges }: Awaited<ReturnType<ReturnType<typeof controllerClient>["facts"]>>,
  { caller, callee }: EdgePlan,
): string {
  const found = edges.find(
    (edge) => edge.caller.workload === caller.workload && edge.callee.workload === callee.workload,
  );
  if (found === undefined) return "the controller knows no such edge";
  const { probe } = found;
  if (isCrossed(probe)) return "";
  return probe.kind === "failed" ? probe.reason : JSON.stringify(probe);
}
