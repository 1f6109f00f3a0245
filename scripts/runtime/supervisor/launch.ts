// Starts a supervisor, and deals with one that was there before.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { constants, openSync, closeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { MeshError, messageOf } from "../../errors.ts";
import { until } from "../../wait.ts";
import { type ProcessIdentity, identityOf, isAlive } from "../proc.ts";
import { findSetpriv, systemFolders } from "../program.ts";
import { ask } from "./client.ts";
import { protocolVersion } from "./protocol.ts";
import { setprivCommand } from "./setpriv.ts";

export interface LaunchOptions {
  readonly runDir: string;
  readonly logDir: string;
  readonly loopbackBlock: number;
  /** A user that processes will have; undefined when all run as whoever launches. */
  readonly sampleUser: number | undefined;
  readonly nodeCompileCache: string | undefined;
}

export function supervisorLog(logDir: string): string {
  return join(logDir, "supervisor.log");
}

export interface FoundSupervisor extends ProcessIdentity {
  /** False: it is of another version, and can only be ended. */
  readonly usable: boolean;
}

/**
 * The supervisor that answers in `runDir`; undefined when none does.
 *
 * @throws MeshError MESH_SUPERVISOR when one is there and hangs
 */
export async function findSupervisor(runDir: string): Promise<FoundSupervisor | undefined> {
  const hello = await ask({ op: "hello" }, { runDir, deadlineMs: 2000 });
  if (hello === undefined) return undefined;
  return { pid: hello.pid, started: hello.started, usable: hello.protocol === protocolVersion };
}

/**
 * Starts a supervisor that outlives this process; resolves when it answers.
 *
 * @throws MeshError MESH_SUPERVISOR with its last log lines; MESH_PREREQUISITE when setpriv cannot do what is needed
 */
export async function launchSupervisor(options: LaunchOptions): Promise<ProcessIdentity> {
  const { runDir, logDir, loopbackBlock, nodeCompileCache } = options;
  const checked = checkSetpriv(options.sampleUser);
  const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW } = constants;
  const log = openSync(supervisorLog(logDir), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), runDir, logDir, String(loopbackBlock)], {
      // Nothing of the caller's environment: it may hold secrets, and the supervisor lives long.
      env: { PATH: searchPath, ...(nodeCompileCache === undefined ? {} : { NODE_COMPILE_CACHE: nodeCompileCache }) },
      cwd: "/",
      detached: true,
      stdio: ["ignore", log, log, "pipe"],
    });
  } finally {
    closeSync(log);
  }
  const [ready] = await Promise.all([readiness(child), checked]);
  const identity = child.pid === undefined ? undefined : identityOf(child.pid);
  if (!ready || identity === undefined) throw await launchProblem(logDir);
  child.unref();
  return identity;
}

/** Ends a supervisor that does not listen to requests any more; the kernel ends its processes. */
export async function killSupervisor(supervisor: ProcessIdentity): Promise<void> {
  if (!isAlive(supervisor)) return;
  process.kill(supervisor.pid, "SIGKILL");
  await until(`supervisor ${supervisor.pid} has ended`, () => !isAlive(supervisor), { deadlineMs: 5000 });
}

/** Processes get the PATH of the plan. */
const searchPath = systemFolders.join(":");

/** Whether it wrote its line; false when it ended before. */
async function readiness(child: ChildProcess): Promise<boolean> {
  const pipe = child.stdio[3];
  if (pipe === null || pipe === undefined) throw new Error("the supervisor has no readiness pipe");
  const { promise, resolve } = Promise.withResolvers<boolean>();
  child.once("error", () => resolve(false));
  pipe.once("data", () => resolve(true));
  pipe.once("close", () => resolve(false));
  const ready = await promise;
  pipe.destroy();
  return ready;
}

async function launchProblem(logDir: string): Promise<MeshError> {
  const log = supervisorLog(logDir);
  const lines = (await readFile(log, "utf8")).trimEnd().split("\n").slice(-10);
  return new MeshError("MESH_SUPERVISOR", "the supervisor did not start", { details: lines, fix: `see ${log}` });
}

/** Does once, with a program that does nothing, what every process will need. */
async function checkSetpriv(uid: number | undefined): Promise<void> {
  const user = uid === undefined ? undefined : { uid, gid: uid, groups: [uid] };
  const [program, ...words] = setprivCommand({ setpriv: findSetpriv(), user }, ["true"]);
  try {
    await promisify(execFile)(program, words, { env: { PATH: searchPath } });
  } catch (error) {
    throw new MeshError("MESH_PREREQUISITE", `setpriv cannot start processes: ${messageOf(error)}`, {
      fix: `apt-get install util-linux (2.33 or newer)${uid === undefined ? "" : "; or run as an ordinary user: here root may not change users"}`,
      cause: error,
    });
  }
}
