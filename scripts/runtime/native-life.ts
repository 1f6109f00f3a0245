// The life of a native mesh: it begins (again), is suspended with what is durable, is destroyed with everything.

import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";

import type { Report } from "../events.ts";
import type { Plan } from "../plan/plan.ts";
import { prepareFolders, removeObsolete, removeVolatile } from "./folders.ts";
import { removeRunDir } from "./native-end.ts";
import { makeRunDir } from "./places.ts";
import type { ProcessIdentity } from "./proc.ts";
import { endSupervisor, recover } from "./recover.ts";
import type { Places, State, StateFolder } from "./state.ts";
import { graceMs, listProcesses, notUp, stopProcesses } from "./supervised-by.ts";
import { type LaunchOptions, launchSupervisor } from "./supervisor/launch.ts";
import { marksOf, sweep } from "./sweep.ts";
import { makePublicFolder } from "./tree.ts";

export interface LifeOptions {
  readonly folder: StateFolder;
  /** See NativeOptions. */
  readonly reading?: State;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly report: Report;
  readonly uid: number;
}

/** What runs goes on; what a crash left is put right. The first step of `begin`, and of what comes before it. */
export async function takeOver(options: LifeOptions): Promise<ProcessIdentity | undefined> {
  const { folder, report, uid } = options;
  const now = readingOf(options);
  // Before anything is asked there: in /tmp it might be somebody else's.
  await makeRunDir(now.places.runDir, uid);
  return recover({ before: await folder.read(), now, report });
}

/** See Runtime.begin. */
export async function begin(
  plan: Plan,
  options: LifeOptions & { readonly running: ProcessIdentity | undefined },
): Promise<void> {
  const { folder, env, uid, running } = options;
  const now = readingOf(options);
  const { places } = now;
  const before = await folder.readPlan();
  // Before the supervisor is there: killed in between, `down` must still know that something may run.
  if (running === undefined) await folder.write(withoutSupervisor({ ...now, phase: "up" }));
  await makeRunDir(places.runDir, uid);
  await makePlaces(places, uid);
  const arrange = async (): Promise<void> => {
    if (running !== undefined) await stopUnwanted(plan, places.runDir);
    await removeObsolete(before, plan, places);
    await prepareFolders(plan.folders, { places, uid });
  };
  const [{ pid, started }] = await Promise.all([running ?? launchSupervisor(launchOptions(now, env)), arrange()]);
  await folder.write({ ...now, phase: "up", supervisor: { pid, started } });
}

/** See Runtime.suspend. */
export async function suspend(options: LifeOptions): Promise<void> {
  const { folder, reading } = options;
  const state = (await folder.read()) ?? reading;
  if (state === undefined) throw notUp();
  await endSupervisor(state.places.runDir, state.supervisor, graceMs);
  await sweep(marksOf(state));
  await removeRunDir(state.places.runDir, options);
  await removeVolatile(state.places, await folder.readPlan());
  await folder.write(withoutSupervisor({ ...state, phase: "stopped" }));
}

function withoutSupervisor({ supervisor: _ended, ...state }: State): State {
  return state;
}

function readingOf({ reading }: LifeOptions): State {
  if (reading === undefined) throw new Error("a native mesh begins from a reading of its host");
  return reading;
}

async function stopUnwanted(plan: Plan, runDir: string): Promise<void> {
  const wanted = new Set(plan.processes.map(({ name }) => name));
  const names = (await listProcesses(runDir)).map(({ name }) => name).filter((name) => !wanted.has(name));
  if (names.length > 0) await stopProcesses(runDir, names);
}

async function makePlaces({ dataDir, logDir, stageDir }: Places, uid: number): Promise<void> {
  for (const path of new Set([dirname(dataDir), dataDir, logDir, stageDir])) {
    // As root other users pass through; what they may read or enter says the plan.
    if (uid === 0) makePublicFolder(path, 0o711);
    else await mkdir(path, { recursive: true, mode: 0o700 });
  }
}

function launchOptions({ places, allocations }: State, env: LifeOptions["env"]): LaunchOptions {
  const { loopbackBlock, users } = allocations;
  if (loopbackBlock === undefined) throw new Error("a native mesh has a block of loopback addresses");
  return {
    runDir: places.runDir,
    logDir: places.logDir,
    loopbackBlock,
    sampleUser: users?.first,
    nodeCompileCache: env["NODE_COMPILE_CACHE"],
  };
}
