// The native runtime: processes under a supervisor of our own (supervisor/), on Linux.

import { chown, mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

import { MeshError } from "../errors.ts";
import type { Report } from "../events.ts";
import type { Plan, Process } from "../plan/plan.ts";
import { groupOf } from "./allocate.ts";
import { readLogs } from "./logs.ts";
import { destroy, exists } from "./native-end.ts";
import { begin, suspend, takeOver } from "./native-life.ts";
import { choosePlaces } from "./places.ts";
import { checkAddresses, checkSocketPaths } from "./preflight.ts";
import type { ProcessIdentity } from "./proc.ts";
import { findSetpriv } from "./program.ts";
import type { ProcessRuntime, ProcessStatus } from "./runtime.ts";
import { buildEnvironment, toSpec } from "./specs.ts";
import type { Places, State, StateFolder } from "./state.ts";
import { askUp, graceMs, listProcesses, stopProcesses } from "./supervised-by.ts";
import { exitEvents } from "./supervisor/client.ts";
import type { Spec } from "./supervisor/protocol.ts";
import { makePublicFolder } from "./tree.ts";
import { writeChanged } from "./write-changed.ts";

export interface NativeOptions {
  readonly folder: StateFolder;
  /** HostReading.state, by the command that will `begin`; the others go by what the folder holds. */
  readonly reading?: State;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly report: Report;
}

export function nativeRuntime(options: NativeOptions): ProcessRuntime {
  const { folder, env } = options;
  const uid = process.getuid?.() ?? 0;
  const state = async (): Promise<State | undefined> => options.reading ?? (await folder.read());
  const places = async (): Promise<Places> =>
    (await state())?.places ?? choosePlaces({ stateDir: folder.path, id: folder.id, uid, env });
  const runDir = async (): Promise<string> => (await places()).runDir;
  const list = async (): Promise<readonly ProcessStatus[]> => {
    // Whoever will begin first puts right what a crash left: a supervisor that hangs would hang this too.
    if (options.reading !== undefined) await recovered();
    return listProcesses(await runDir());
  };
  let recovery: Promise<ProcessIdentity | undefined> | undefined;
  const recovered = (): Promise<ProcessIdentity | undefined> => (recovery ??= takeOver({ ...options, uid }));
  let begun: Plan | undefined;
  return {
    kind: "native",
    preflight: async (plan) => preflight(plan, { folder, running: await list() }),
    async begin(plan) {
      await begin(plan, { ...options, uid, running: await recovered() });
      begun = plan;
    },
    async writeFiles(files) {
      if (begun === undefined) throw new Error("files are written after the runtime began");
      return writeChanged(files, { folders: begun.folders, uid });
    },
    async start(processes) {
      const users = (await state())?.allocations.users;
      const meshGroup = users === undefined ? undefined : groupOf(users.first);
      const context = { places: await places(), meshGroup, env };
      const specs = await Promise.all(processes.map((one) => specOf(one, context)));
      return askUp(context.places.runDir, { op: "start", specs });
    },
    stop: async (names) => stopProcesses(await runDir(), names),
    restart: async (names) => restart(await runDir(), { names, planned: await folder.readPlan() }),
    list,
    async *exits(signal) {
      yield* exitEvents(await runDir(), signal);
    },
    async *logs(names, logOptions) {
      yield* readLogs((await places()).logDir, names, logOptions);
    },
    suspend: () => suspend({ ...options, uid }),
    destroy: () => destroy({ ...options, uid }),
    exists: () => exists({ ...options, uid }),
  };
}

async function preflight(
  plan: Plan,
  { folder, running }: { folder: StateFolder; running: readonly ProcessStatus[] },
): Promise<void> {
  checkSocketPaths(plan);
  const names = new Set(running.map(({ name }) => name));
  const before = await folder.readPlan();
  const ours = before?.processes.filter(({ name }) => names.has(name)).flatMap(({ listens }) => listens);
  await checkAddresses(plan, { ours: ours ?? [] });
}

async function restart(
  runDir: string,
  { names, planned }: { names: readonly string[]; planned: Plan | undefined },
): Promise<void> {
  const { unknown } = await askUp(runDir, { op: "restart", names, graceMs });
  if (unknown.length === 0) return;
  if (unknown.every((name) => planned?.processes.some((process) => process.name === name)))
    throw new MeshError("MESH_NOT_UP", `${unknown.join(", ")}: not started, the last ./mesh up has not ended`, {
      fix: "./mesh up",
    });
  throw new MeshError("MESH_NO_SUCH_PROCESS", `the mesh has no process ${unknown.join(", ")}`, {
    details: (await listProcesses(runDir)).map(({ name }) => name),
    fix: "./mesh ps lists the names",
  });
}

async function specOf(
  planned: Process,
  { places, meshGroup, env }: { places: Places; meshGroup: number | undefined; env: NativeOptions["env"] },
): Promise<Spec> {
  const home = meshGroup !== undefined ? join(places.stageDir, "home", planned.name) : homedir();
  if (planned.build !== undefined && meshGroup !== undefined) {
    makePublicFolder(dirname(home), 0o711);
    await mkdir(home, { recursive: true, mode: 0o700 });
    await chown(home, planned.user.uid, planned.user.gid);
  }
  const buildEnv = buildEnvironment(env, home);
  return toSpec(planned, { logDir: places.logDir, setpriv: findSetpriv(), meshGroup, buildEnv });
}
