// Replaces the app of a workload while it serves: the new one starts in the other slot, keeps the contract there, gets the
// requests; the old one answers what it has, and ends. Whatever fails before it has them leaves the old one serving.

import { isMet } from "../contract/check.ts";
import type { ApiDocument } from "../contract/candidate.ts";
import type { Verdict } from "../contract/verdict.ts";
import { MeshError } from "../errors.ts";
import type { Report } from "../events.ts";
import type { App } from "../model/mesh.ts";
import { underWay } from "../observe/slots.ts";
import type { Plan, Process } from "../plan/plan.ts";
import type { Serving, Slot, SlotNumber } from "../plan/slots.ts";
import type { SlotRuntime } from "../runtime/runtime.ts";
import { until } from "../wait.ts";
import { observeCanary, type Canary } from "./canary.ts";
import { domainOf, sidecarOf, startCandidate } from "./candidate.ts";
import { controllerClient } from "./client.ts";
import type { Within } from "./within.ts";

export interface SwapOptions {
  readonly workload: string;
  /** The app that serves, and in which slot. */
  readonly old: { readonly app: App; readonly slot: SlotNumber };
  readonly app: App;
  /** What the new one is held to before it gets a request; undefined: to nothing. */
  readonly contract: { readonly api: ApiDocument | undefined } | undefined;
  /** The plan with this workload's slots as given. */
  readonly planWith: (slots: Serving[string]) => Plan;
  /** Keeps what was decided, for the commands that follow. */
  readonly decide: (slots: Serving[string]) => Promise<void>;
  /** Keeps what the mesh is brought to: the plan with this workload's slots as given. */
  readonly writePlan: (plan: Plan, slots: Serving[string]) => Promise<void>;
  readonly runtime: SlotRuntime;
  readonly within: Within;
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

/** An exchange may go on for minutes (a stream); an app is not kept for it. */
const drainMs = 30_000;

/**
 * Ends when the new app serves alone.
 *
 * @throws MeshError as `takeTurns` does
 */
export async function swapApp(options: SwapOptions): Promise<Swapped> {
  const slot = otherSlot(options.old.slot);
  const taken = await takeTurns(options, alone(options, slot));
  return { ...taken, abandoned: await retire(options, slot) };
}

/**
 * Ends when the new app has the requests; the old one runs, and gets none.
 *
 * @param decided what is kept of that for the commands that follow
 * @throws MeshError MESH_PROCESS_FAILED, MESH_TIMEOUT, MESH_CONTRACT_BROKEN with its verdicts, MESH_CANARY_WORSE,
 *   MESH_UPDATE_REJECTED, MESH_INTERRUPTED: the old app serves, and nothing of the new one is left
 */
export async function takeTurns(options: SwapOptions, decided: Serving[string]): Promise<Omit<Swapped, "abandoned">> {
  const { old, planWith, within } = options;
  const slot = otherSlot(old.slot);
  try {
    const verdicts = await tryOut(options, slot);
    let canary: string | undefined;
    if (options.canary !== undefined) {
      const { percent } = options.canary;
      const shared = weighed(options, 100 - percent, percent);
      await tell(options, shared);
      const domain = domainOf(planWith(shared), options.workload);
      const sidecar = sidecarOf(planWith(shared), options.workload);
      const asked = { sidecar, admin: within.admin(domain, sidecar), old: old.slot, candidate: slot };
      canary = await observeCanary({ ...options, ...options.canary, ...asked });
    }
    options.signal.throwIfAborted();
    // First: whoever comes after a kill goes on with the new one, and does not take it from under the sidecar.
    await options.decide(decided);
    await tell(options, weighed(options, 0, 1));
    return { slot, verdicts, ...(canary === undefined ? {} : { canary }) };
  } catch (error) {
    await options.decide(alone(options, old.slot));
    await settle(options, alone(options, old.slot));
    // Ctrl-C ends whatever was waited for too, and that says so in its own way.
    options.signal.throwIfAborted();
    throw error;
  }
}

/** The old app, which `takeTurns` left running, has the requests again, and the new one ends. */
export async function turnBack(options: SwapOptions): Promise<void> {
  await tell(options, weighed(options, 1, 0));
  await retire(options, options.old.slot);
}

/** The app of this slot has the requests, and is decided upon; the other answers what it has, and ends. Returns what it had left. */
async function retire(options: SwapOptions, slot: SlotNumber): Promise<number> {
  const { report } = options;
  const isOld = slot === options.old.slot;
  await options.decide(alone(options, slot));
  report({ kind: "start", stage: "drain", message: `the ${isOld ? "new" : "old"} app answers what it has` });
  const both = isOld ? weighed(options, 1, 0) : weighed(options, 0, 1);
  const abandoned = await drain(options, both, otherSlot(slot));
  await settle(options, alone(options, slot));
  return abandoned;
}

export function otherSlot(slot: SlotNumber): SlotNumber {
  return slot === 1 ? 2 : 1;
}

type Apps = Pick<SwapOptions, "old" | "app">;

/** Both slots, with the weights of the old app and the new one. */
export function weighed({ old, app }: Apps, oldWeight: number, weight: number): Record<SlotNumber, Slot> {
  const [one, other] = [
    { app: old.app, weight: oldWeight },
    { app, weight },
  ];
  return old.slot === 1 ? { 1: one, 2: other } : { 1: other, 2: one };
}

function alone(apps: Apps, slot: SlotNumber): Serving[string] {
  return { [slot]: weighed(apps, 1, 1)[slot] };
}

/** Starts it, and holds it to the contract, if to any. */
async function tryOut(options: SwapOptions, slot: SlotNumber): Promise<readonly Verdict[]> {
  const { runtime, within, report, workload, signal } = options;
  const slots = weighed(options, 1, 0);
  const plan = options.planWith(slots);
  const process = appIn(plan, workload, slot);
  report({ kind: "start", stage: "candidate", message: `starting ${process.name}` });
  await runtime.preflight(plan);
  await runtime.begin(plan);
  await options.writePlan(plan, slots);
  await startCandidate(process, { runtime, within, signal });
  if (options.contract === undefined) return [];
  report({ kind: "start", stage: "contract", message: "asking it what the contract asks" });
  const at = { plan, workload, slot, runtime, within, signal, ...options.contract };
  const verdicts = await within.checkContract(process, at);
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

/** Has the sidecar's controller take up a plan, and keeps it. */
async function tell({ planWith, writePlan, workload, within }: SwapOptions, slots: Serving[string]): Promise<void> {
  const plan = planWith(slots);
  const domain = domainOf(plan, workload);
  await controllerClient(domain, within.ask).applyPlan(within.part(plan, domain));
  await writePlan(plan, slots);
}

/** Returns how many requests the old app still had at the end of its time. */
async function drain(
  { planWith, workload, within }: SwapOptions,
  slots: Serving[string],
  slot: SlotNumber,
): Promise<number> {
  const plan = planWith(slots);
  const sidecar = sidecarOf(plan, workload);
  const admin = within.admin(domainOf(plan, workload), sidecar);
  let left = 0;
  let empty = 0;
  const isDrained = async (): Promise<boolean> => {
    left = await underWay(admin, sidecar, slot);
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
async function settle(options: SwapOptions, slots: Serving[string]): Promise<void> {
  await tell(options, slots);
  await options.runtime.begin(options.planWith(slots));
}

function appIn(plan: Plan, workload: string, slot: SlotNumber): Process {
  const apps = plan.processes.filter((process) => process.role === "app" && process.workload === workload);
  const found = apps.find(({ name }) => (slot === 1 ? name === workload : name !== workload));
  if (found === undefined) throw new Error(`${workload} has no process in slot ${slot}`);
  return found;
}
