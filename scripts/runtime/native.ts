// The native runtime: processes under a supervisor of our own (supervisor/), on Linux.

import { chown, mkdir, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

import { MeshError } from "../errors.ts";
import type { Report } from "../events.ts";
import type { Plan, Process } from "../plan/plan.ts";
import { releaseUsers } from "./claims.ts";
import { prepareFolders, removeObsolete, removeVolatile } from "./folders.ts";
import { readLogs } from "./logs.ts";
import { choosePlaces, makeRunDir } from "./places.ts";
import { checkAddresses, checkSocketPaths } from "./preflight.ts";
import { findSetpriv } from "./program.ts";
import { endSupervisor, recover } from "./recover.ts";
import type { Runtime } from "./runtime.ts";
import { buildEnvironment, toSpec } from "./specs.ts";
import type { Places, State, StateFolder } from "./state.ts";
import { ask, exitEvents } from "./supervisor/client.ts";
import { type LaunchOptions, launchSupervisor } from "./supervisor/launch.ts";
import type { Answers, Request, Spec } from "./supervisor/protocol.ts";
import { sweep } from "./sweep.ts";
import { makePublicFolder } from "./tree.ts";
import { writeChanged } from "./write-changed.ts";

export interface NativeOptions {
  readonly folder: StateFolder;
  /** HostReading.state; needed to `begin`, other commands go by what the folder holds. */
  readonly reading?: State;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly report: Report;
}

/** After SIGTERM, when a mesh is to come back. */
const graceMs = 10_000;
/** When it is not: what it still had to say is of no use to anybody. */
const destroyGraceMs = 400;
/** `after` is at most a few processes deep, and each has its grace. */
const endDeadlineMs = 6 * graceMs;

export async function nativeRuntime(options: NativeOptions): Promise<Runtime> {
  const { folder, reading, env, report } = options;
  const saved = await folder.read();
  const uid = process.getuid?.() ?? 0;
  const places =
    reading?.places ?? saved?.places ?? (await choosePlaces({ stateDir: folder.path, id: folder.id, uid, env }));
  const { runDir, logDir } = places;
  const ownUsers = (reading ?? saved)?.allocations.users !== undefined;
  let begun: Plan | undefined;

  const askUp = async <Op extends Request["op"]>(request: Extract<Request, { op: Op }>): Promise<Answers[Op]> => {
    const answer = await ask<Op>(request, { runDir, deadlineMs: endDeadlineMs });
    if (answer === undefined) throw notUp();
    return answer;
  };
  const list: Runtime["list"] = async () => (await ask({ op: "list" }, { runDir, deadlineMs: 5000 })) ?? [];

  const stopUnwanted = async (plan: Plan): Promise<void> => {
    const wanted = new Set(plan.processes.map(({ name }) => name));
    const names = (await list()).map(({ name }) => name).filter((name) => !wanted.has(name));
    if (names.length > 0) await askUp({ op: "stop", names, graceMs });
  };

  return {
    kind: "native",

    async preflight(plan) {
      checkSocketPaths(plan);
      const running = new Set((await list()).map(({ name }) => name));
      const before = await folder.readPlan();
      const ours = before?.processes.filter(({ name }) => running.has(name)).flatMap(({ listens }) => listens);
      await checkAddresses(plan, { ours: ours ?? [] });
    },

    async begin(plan) {
      if (reading === undefined) throw new Error("a native mesh begins from a reading of its host");
      const before = await folder.readPlan();
      // Before anything is asked there: in /tmp it might be somebody else's.
      await makeRunDir(runDir, uid);
      const running = await recover({ before: saved, now: reading, report });
      await makeRunDir(runDir, uid);
      await makePlaces(places, uid);
      const clear = async (): Promise<void> => {
        if (running !== undefined) await stopUnwanted(plan);
        await removeObsolete(before, plan, places);
        await prepareFolders(plan.folders, { places, uid });
      };
      const [{ pid, started }] = await Promise.all([running ?? launchSupervisor(launchOptions(reading, env)), clear()]);
      await folder.write({ ...reading, phase: "up", supervisor: { pid, started } });
      begun = plan;
    },

    async writeFiles(files) {
      if (begun === undefined) throw new Error("files are written after the runtime began");
      return writeChanged(files, { folders: begun.folders, uid });
    },

    async start(processes) {
      const specs = await Promise.all(processes.map((one) => specOf(one, { places, ownUsers, env })));
      return askUp({ op: "start", specs });
    },

    async stop(names) {
      await ask({ op: "stop", names, graceMs }, { runDir, deadlineMs: endDeadlineMs });
    },

    async restart(names) {
      const { unknown } = await askUp({ op: "restart", names, graceMs });
      if (unknown.length === 0) return;
      throw new MeshError("MESH_NO_SUCH_PROCESS", `the mesh has no process ${unknown.join(", ")}`, {
        details: (await list()).map(({ name }) => name),
        fix: "./mesh ps lists the names",
      });
    },

    list,
    exits: (signal) => exitEvents(runDir, signal),
    logs: (names, logOptions) => readLogs(logDir, names, logOptions),

    async suspend() {
      const state = await folder.read();
      if (state === undefined) throw notUp();
      await endSupervisor(state, graceMs);
      await sweep(state);
      await removeVolatile(places, await folder.readPlan());
      const { supervisor: _ended, ...rest } = state;
      await folder.write({ ...rest, phase: "stopped" });
    },

    async destroy() {
      await endSupervisor({ places, ...(saved?.supervisor && { supervisor: saved.supervisor }) }, destroyGraceMs);
      const allocations = saved?.allocations ?? { addresses: {}, inboundPorts: {} };
      await sweep({ places, allocations });
      for (const path of [...Object.values(places), ...basesOf(places, folder)])
        await rm(path, { recursive: true, force: true });
      if (allocations.users !== undefined) await releaseUsers(allocations.users.first, folder.path);
      await folder.clear();
    },
  };
}

function notUp(): MeshError {
  return new MeshError("MESH_NOT_UP", "the mesh is not up", { fix: "./mesh up" });
}

async function makePlaces({ dataDir, logDir, stageDir }: Places, uid: number): Promise<void> {
  for (const path of new Set([dirname(dataDir), dataDir, logDir, stageDir])) {
    // As root other users pass through; what they may read or enter says the plan.
    if (uid === 0) makePublicFolder(path, 0o711);
    else await mkdir(path, { recursive: true, mode: 0o700 });
  }
}

function launchOptions({ places, allocations, uid }: State, env: NativeOptions["env"]): LaunchOptions {
  const { loopbackBlock, users } = allocations;
  if (loopbackBlock === undefined) throw new Error("a native mesh has a block of loopback addresses");
  return {
    runDir: places.runDir,
    logDir: places.logDir,
    loopbackBlock,
    sampleUser: uid === 0 ? users?.first : undefined,
    nodeCompileCache: env["NODE_COMPILE_CACHE"],
  };
}

async function specOf(
  planned: Process,
  { places, ownUsers, env }: { places: Places; ownUsers: boolean; env: NativeOptions["env"] },
): Promise<Spec> {
  const home = ownUsers ? join(places.stageDir, "home", planned.name) : homedir();
  if (planned.build !== undefined && ownUsers) {
    makePublicFolder(dirname(home), 0o711);
    await mkdir(home, { recursive: true, mode: 0o700 });
    await chown(home, planned.user.uid, planned.user.gid);
  }
  const buildEnv = buildEnvironment(env, home);
  return toSpec(planned, { logDir: places.logDir, setpriv: findSetpriv(), ownUsers, buildEnv });
}

/** The folder that holds data, logs and copies, where that is not the state folder itself. */
function basesOf({ dataDir }: Places, folder: StateFolder): string[] {
  const base = dirname(dataDir);
  return base === folder.path ? [] : [base];
}
