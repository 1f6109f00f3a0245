// The apps of one workload as containers of the mesh's Compose project, while one replaces the other: built, started beside
// each other by the project's second Compose file (runtime/swapped.ts), ended one by one.

import { processName } from "../plan/layout.ts";
import type { Plan, Process } from "../plan/plan.ts";
import { slotNumbers } from "../plan/slots.ts";
import { type ComposeProject, compose, docker } from "../runtime/compose-project.ts";
import { containersOf, statusOf } from "../runtime/containers.ts";
import { dockerRuntime } from "../runtime/docker.ts";
import type { ProcessStatus, SlotRuntime, Started } from "../runtime/runtime.ts";
import type { StateFolder } from "../runtime/state.ts";
import { nextRound } from "../wait.ts";
import { removeSockets } from "./within-containers.ts";
import { explainComposeFailure } from "./compose-failure.ts";

export interface SlotsOptions {
  readonly project: ComposeProject;
  readonly folder: Pick<StateFolder, "clear">;
  readonly workload: string;
  /** With both slots. */
  readonly plan: Plan;
  /** Use the images that are there. */
  readonly offline: boolean;
  readonly signal: AbortSignal;
}

const buildMs = 15 * 60_000;
const startMs = 5 * 60_000;
const betweenLooksMs = 200;
/** After SIGTERM (the app contract). */
const graceSeconds = 10;

export function slotsInContainers(options: SlotsOptions): SlotRuntime {
  const { project, plan, folder } = options;
  const whole = dockerRuntime(project, plan, folder);
  return {
    list: () => whole.list(),
    logs: (names, how) => whole.logs(names, how),
    // Who listens where is the containers' own affair.
    preflight: () => Promise.resolve(),
    begin: (planned) => removeOthers(options, planned),
    start: (processes) => start(options, processes),
    exits: (signal) => exits(options, signal),
  };
}

function servicesOf(workload: string): string[] {
  return [
    ...slotNumbers.map((slot) => processName.app({ name: workload }, slot)),
    processName.contract({ name: workload }),
  ];
}

/** Of the workload's apps, and of who asks them, those that the plan has not; SIGTERM first. */
async function removeOthers({ project, workload }: SlotsOptions, { processes }: Plan): Promise<void> {
  const planned = new Set(processes.map(({ name }) => name));
  const gone = servicesOf(workload).filter((name) => !planned.has(name));
  const containers = (await containersOf(project)).filter(({ service }) => gone.includes(service));
  const stopMs = (graceSeconds + 20) * 1000;
  await Promise.all(
    containers.map(async ({ id, service }) => {
      try {
        if (service !== processName.contract({ name: workload }))
          await docker(project, ["stop", "--time", String(graceSeconds), id], { deadlineMs: stopMs });
        await docker(project, ["rm", "--force", "--volumes", id]);
      } catch (error) {
        // Somebody else may have removed it meanwhile.
        if ((await containersOf(project)).some((one) => one.id === id)) throw error;
      }
    }),
  );
}

/** With who asks them, who first removes what a killed app left in the slot. */
async function start(options: SlotsOptions, processes: readonly Process[]): Promise<Started> {
  const names = processes.map(({ name }) => name);
  await must(options, ["build", "--quiet"], buildMs);
  const pull = options.offline ? ["--pull", "never"] : [];
  const words = ["--detach", "--no-deps", "--no-build", ...pull];
  const contract = processName.contract({ name: options.workload });
  await must(options, ["up", ...words, contract], startMs);
  for (const process of processes) await removeSockets(options.project, process);
  await must(options, ["up", ...words, ...names], startMs);
  return { started: names, restarted: [], unchanged: [] };
}

/** The engine starts again what has died; each time is one death. */
async function* exits({ project, workload }: SlotsOptions, signal: AbortSignal): AsyncIterable<ProcessStatus> {
  const names = new Set(slotNumbers.map((slot) => processName.app({ name: workload }, slot)));
  const known = new Map<string, number>();
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    for (const container of await containersOf(project)) {
      // What runs again has forgotten how it ended: it is counted when it has ended once more.
      if (!names.has(container.service) || container.state === "running") continue;
      const status = statusOf(container);
      const deaths = container.restarts + (status.state === "failed" && Date.parse(container.finishedAt) > 0 ? 1 : 0);
      const before = known.get(container.id) ?? (isFirst ? deaths : 0);
      known.set(container.id, deaths);
      for (let death = before; death < deaths; death += 1) yield status;
    }
    await nextRound(betweenLooksMs, signal);
  }
}

async function must(options: SlotsOptions, args: readonly string[], deadlineMs: number): Promise<void> {
  const { project, plan, folder, signal } = options;
  const since = Date.now();
  const { status, stderr } = await compose(project, ["--progress", "plain", ...args], { deadlineMs, signal });
  if (status === 0) return;
  const runtime = dockerRuntime(project, plan, folder);
  throw await explainComposeFailure({ project, plan, runtime, verb: args[0] ?? "", stderr, since });
}
