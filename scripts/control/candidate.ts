// A process of the mesh as the app contract sees it, and the wait until there is something to see.

import type { ApiDocument, Candidate } from "../contract/candidate.ts";
import { checkContract } from "../contract/check.ts";
import { fetchAdmin } from "../observe/envoy-admin.ts";
import { MeshError } from "../errors.ts";
import { isReady } from "../observe/readiness.ts";
import type { AppEndpoint, DomainPlan, Plan, Process, SidecarPlan } from "../plan/plan.ts";
import type { SlotNumber } from "../plan/slots.ts";
import type { SlotRuntime } from "../runtime/runtime.ts";
import { until } from "../wait.ts";
import { untilBuilt } from "./built.ts";
import { watchDeaths } from "./deaths.ts";
import type { Within } from "./within.ts";

const readyMs = 30_000;

interface Waiting {
  readonly runtime: SlotRuntime;
  readonly within: Within;
  readonly signal: AbortSignal;
}

/** Starts it, and ends when it is ready. @throws MeshError MESH_PROCESS_FAILED with its last words, MESH_TIMEOUT */
export async function startCandidate(process: Process, { runtime, within, signal }: Waiting): Promise<void> {
  const deaths = watchDeaths(runtime, signal);
  try {
    await runtime.start([process]);
    await Promise.race([deaths.failed, becomesReady(process, { runtime, within, signal: deaths.signal })]);
  } catch (error) {
    if (signal.aborted || !(error instanceof MeshError)) throw error;
    throw (await within.lastWords?.(error, process)) ?? error;
  } finally {
    deaths.stop();
  }
}

/** A compiler takes the time that it takes; then the app has its own. */
async function becomesReady(process: Process, { runtime, within, signal }: Waiting): Promise<void> {
  const { name } = process;
  await untilBuilt(name, { runtime, signal });
  await within.untilReady(process, { deadlineMs: readyMs, signal, fix: `./mesh logs ${name}` });
}

/** The condition, in words. */
export function whenReady({ name, ready }: Process): string {
  return `${name} ${ready === undefined || ready.kind === "sidecar" ? "is ready" : `answers 200 on ${ready.path}`}`;
}

/** The native mesh: everything of it is on this machine. */
export const here: Within = {
  part: (plan) => plan,
  admin:
    (_, { adminSocket }) =>
    (path) =>
      fetchAdmin(adminSocket, path),
  untilReady: async (process, options) => void (await until(whenReady(process), () => isReady(process.ready), options)),
  checkContract: (process, at) => checkContract(candidateOf(process, at)),
};

export interface CandidateAt extends Waiting {
  readonly plan: Plan;
  readonly workload: string;
  readonly slot: SlotNumber;
  readonly api: ApiDocument | undefined;
}

/** Where its sidecar reaches the app of a slot. */
export function endpointOf({ plan, workload, slot }: Pick<CandidateAt, "plan" | "workload" | "slot">): AppEndpoint {
  const endpoint = sidecarOf(plan, workload).apps.find((one) => one.slot === slot);
  if (endpoint === undefined) throw new Error(`${workload} has no app in slot ${slot}`);
  return endpoint;
}

/** A process of the mesh as the contract sees it: SIGTERM is sent to it, and its supervisor starts it again. */
function candidateOf(process: Process, at: CandidateAt): Candidate {
  const endpoint = endpointOf(at);
  const status = async () => (await at.runtime.list()).find(({ name }) => name === process.name);
  return {
    address: endpoint.address,
    health: endpoint.health,
    api: at.api,
    pid: async () => (await status())?.pid,
    terminate: async () => {
      const before = await status();
      if (before?.pid === undefined) throw new Error(`${process.name} does not run`);
      const begun = performance.now();
      globalThis.process.kill(before.pid, "SIGTERM");
      const after = await until(
        `${process.name} has ended`,
        async () => {
          const now = await status();
          return now?.lastExit !== undefined && now.lastExit.at !== before.lastExit?.at ? now.lastExit : undefined;
        },
        { deadlineMs: 15_000, signal: at.signal, fix: `./mesh logs ${process.name}` },
      );
      const ms = performance.now() - begun;
      await becomesReady(process, at);
      const { code, signal } = after;
      return { ms, ...(code === undefined ? {} : { code }), ...(signal === undefined ? {} : { signal }) };
    },
  };
}

export function domainOf(plan: Plan, workload: string): DomainPlan {
  const found = plan.domains.find(({ sidecars }) => sidecars.some((sidecar) => sidecar.workload === workload));
  if (found === undefined) throw new Error(`the plan has no workload ${workload}`);
  return found;
}

export function sidecarOf(plan: Plan, workload: string): SidecarPlan {
  const found = domainOf(plan, workload).sidecars.find((sidecar) => sidecar.workload === workload);
  if (found === undefined) throw new Error(`the plan has no sidecar of ${workload}`);
  return found;
}
