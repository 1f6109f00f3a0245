// Replaces the app of a workload while it serves: the new one starts in the other slot, keeps the contract there, gets the
// requests; the old one answers what it has, and ends. Whatever fails before it has them leaves the old one serving.

import { checkContract, isMet } from "../contract/check.ts";
import type { ApiDocument, Candidate } from "../contract/candidate.ts";
import type { Verdict } from "../contract/verdict.ts";
import { MeshError } from "../errors.ts";
import type { Report } from "../events.ts";
import type { App } from "../model/mesh.ts";
import { isReady } from "../observe/readiness.ts";
import { underWay } from "../observe/slots.ts";
import type { DomainPlan, Plan, Process, SidecarPlan } from "../plan/plan.ts";
import type { Serving, Slot, SlotNumber } from "../plan/slots.ts";
import type { ProcessRuntime } from "../runtime/runtime.ts";
import { until } from "../wait.ts";
import { observeCanary, type Canary } from "./canary.ts";
import { controllerClient } from "./client.ts";
import { watchDeaths } from "./deaths.ts";

export interface SwapOptions {
  readonly workload: string;
  /** The app that serves, and in which slot. */
  readonly old: { readonly app: App; readonly slot: SlotNumber };
  readonly app: App;
  readonly api: ApiDocument | undefined;
  /** The plan with this workload's slots as given. */
  readonly planWith: (slots: Serving[string]) => Plan;
  /** Keeps what was decided, for the commands that follow. */
  readonly decide: (slots: Serving[string]) => Promise<void>;
  readonly writePlan: (plan: Plan) => Promise<void>;
  readonly runtime: ProcessRuntime;
  readonly canary?: Canary | undefined;
  readonly report: Report;
  readonly signal: AbortSignal;
}

export interface Swapped {
  readonly slot: SlotNumber;
  readonly verdicts: readonly Verdict[];
  /** What the canary saw, where there was one. */
  readonly canary?: string;
  /** Requests that the old app still had when it was given no more time. */
  readonly abandoned: number;
}

const readyMs = 30_000;
const buildMs = 15 * 60_000;
/** An exchange may go on for minutes (a stream); an app is not kept for it. */
const drainMs = 30_000;

/**
 * Ends when the new app serves alone.
 *
 * @throws MeshError MESH_PROCESS_FAILED, MESH_TIMEOUT, MESH_CONTRACT_BROKEN with its verdicts, MESH_CANARY_WORSE,
 *   MESH_UPDATE_REJECTED, MESH_INTERRUPTED: the old app serves, and nothing of the new one is left
 */
export async function swapApp(options: SwapOptions): Promise<Swapped> {
  const { old, app, planWith, report } = options;
  const slot: SlotNumber = old.slot === 1 ? 2 : 1;
  const slots = (oldWeight: number, weight: number): Serving[string] => ({
    [old.slot]: { app: old.app, weight: oldWeight } satisfies Slot,
    [slot]: { app, weight } satisfies Slot,
  });
  const alone = { [old.slot]: { app: old.app, weight: 1 } };
  let verdicts: readonly Verdict[];
  let canary: string | undefined;
  try {
    verdicts = await tryOut(options, { plan: planWith(slots(1, 0)), slot });
    if (options.canary !== undefined) {
      const { percent } = options.canary;
      const plan = planWith(slots(100 - percent, percent));
      await tell(options, plan);
      const sidecar = sidecarOf(plan, options.workload);
      canary = await observeCanary({ ...options, ...options.canary, sidecar, old: old.slot, candidate: slot });
    }
    options.signal.throwIfAborted();
    // First: whoever comes after a kill goes on with the new one, and does not take it from under the sidecar.
    await options.decide({ [slot]: { app, weight: 1 } });
    await tell(options, planWith(slots(0, 1)));
  } catch (error) {
    await options.decide(alone);
    await settle(options, planWith(alone));
    throw error;
  }
  report({ kind: "start", stage: "drain", message: "the old app answers what it has" });
  const abandoned = await drain(sidecarOf(planWith(slots(0, 1)), options.workload), old.slot);
  await settle(options, planWith({ [slot]: { app, weight: 1 } }));
  return { slot, verdicts, ...(canary === undefined ? {} : { canary }), abandoned };
}

/** Starts it, and holds it to the contract. */
async function tryOut(
  options: SwapOptions,
  { plan, slot }: { readonly plan: Plan; readonly slot: SlotNumber },
): Promise<readonly Verdict[]> {
  const { runtime, report, workload, signal } = options;
  const process = appIn(plan, workload, slot);
  report({ kind: "start", stage: "candidate", message: `starting ${process.name}` });
  await runtime.preflight(plan);
  await runtime.begin(plan);
  await options.writePlan(plan);
  const deaths = watchDeaths(runtime, signal);
  try {
    await runtime.start([process]);
    await Promise.race([deaths.failed, becomesReady(process, { runtime, signal: deaths.signal })]);
    report({ kind: "start", stage: "contract", message: "asking it what the contract asks" });
  } finally {
    deaths.stop();
  }
  const candidate = candidateOf(process, { plan, workload, slot, runtime, signal, api: options.api });
  const verdicts = await checkContract(candidate);
  if (isMet(verdicts)) return verdicts;
  throw contractBroken(workload, verdicts);
}

export function contractBroken(workload: string, verdicts: readonly Verdict[]): MeshError {
  const broken = verdicts.filter(({ verdict }) => verdict === "failed");
  return new MeshError("MESH_CONTRACT_BROKEN", `the new app of ${workload} does not keep the app contract`, {
    details: broken.map(({ title, seen }) => `${title}: ${seen}`),
    fix: "docs/app-contract.md says what each rule asks; the old app serves on",
  });
}

interface Waiting {
  readonly runtime: ProcessRuntime;
  readonly signal: AbortSignal;
}

/** A compiler takes the time that it takes; then the app has its own. */
export async function becomesReady(process: Process, { runtime, signal }: Waiting): Promise<void> {
  const { name } = process;
  const isBuilding = async (): Promise<boolean> =>
    (await runtime.list()).some((status) => status.name === name && status.state === "building");
  const fix = `./mesh logs ${name}`;
  await until(`${name} is built`, async () => !(await isBuilding()), { deadlineMs: buildMs, signal, fix });
  await until(`${name} is ready`, () => isReady(process.ready), { deadlineMs: readyMs, signal, fix });
}

interface CandidateAt extends Waiting {
  readonly plan: Plan;
  readonly workload: string;
  readonly slot: SlotNumber;
  readonly api: ApiDocument | undefined;
}

/** A process of the mesh as the contract sees it: SIGTERM is sent to it, and its supervisor starts it again. */
export function candidateOf(process: Process, at: CandidateAt): Candidate {
  const endpoint = sidecarOf(at.plan, at.workload).apps.find(({ slot }) => slot === at.slot);
  if (endpoint === undefined) throw new Error(`${at.workload} has no app in slot ${at.slot}`);
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

/** Has the sidecar's controller take up a plan, and keeps it. */
async function tell({ writePlan, workload }: SwapOptions, plan: Plan): Promise<void> {
  await controllerClient(domainOf(plan, workload)).applyPlan(plan);
  await writePlan(plan);
}

/** Returns how many requests the old app still had at the end of its time. */
async function drain(sidecar: SidecarPlan, slot: SlotNumber): Promise<number> {
  let left = 0;
  let empty = 0;
  const isDrained = async (): Promise<boolean> => {
    left = await underWay(sidecar, slot);
    // Twice: a request may be between two counters.
    empty = left === 0 ? empty + 1 : 0;
    return empty === 2;
  };
  try {
    await until("the old app has answered what it had", isDrained, { deadlineMs: drainMs, intervalMs: 50 });
  } catch (error) {
    if (!(error instanceof MeshError)) throw error;
  }
  return left;
}

/** The sidecar knows one app again, and the other's process, folder and socket are gone. */
async function settle(options: SwapOptions, plan: Plan): Promise<void> {
  await tell(options, plan);
  await options.runtime.begin(plan);
}

function appIn(plan: Plan, workload: string, slot: SlotNumber): Process {
  const apps = plan.processes.filter((process) => process.role === "app" && process.workload === workload);
  const found = apps.find(({ name }) => (slot === 1 ? name === workload : name !== workload));
  if (found === undefined) throw new Error(`${workload} has no process in slot ${slot}`);
  return found;
}

function domainOf(plan: Plan, workload: string): DomainPlan {
  const found = plan.domains.find(({ sidecars }) => sidecars.some((sidecar) => sidecar.workload === workload));
  if (found === undefined) throw new Error(`the plan has no workload ${workload}`);
  return found;
}

function sidecarOf(plan: Plan, workload: string): SidecarPlan {
  const found = domainOf(plan, workload).sidecars.find((sidecar) => sidecar.workload === workload);
  if (found === undefined) throw new Error(`the plan has no sidecar of ${workload}`);
  return found;
}
