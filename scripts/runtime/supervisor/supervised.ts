// One process that is meant to run: started, ended with all it spawned, started again when it dies.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, constants, fchmodSync, fchownSync, fstatSync, lstatSync, openSync, unlinkSync } from "node:fs";

import { MeshError, messageOf, systemErrorCode } from "../../errors.ts";
import { nextRound, until } from "../../wait.ts";
import { allPids, readStat } from "../proc.ts";
import type { ProcessExit, ProcessStatus } from "../runtime.ts";
import type { Spec } from "./protocol.ts";

/** The first wait before a dead process is started again; it doubles up to the longest. */
const firstBackOffMs = 100;
const longestBackOffMs = 5000;
/** Having lived this long, a process starts again from the first wait. */
const settledMs = 10_000;
/** setpriv(1), env(1) and every shell: the program was not found, or could not be executed. */
const cannotExecute = new Set([126, 127]);

export interface SupervisedOptions {
  /** After each death that nobody asked for. */
  readonly onExit: (status: ProcessStatus) => void;
  readonly log: (message: string) => void;
}

export class Supervised {
  readonly spec: Spec;
  readonly #options: SupervisedOptions;
  readonly #ending = new AbortController();
  #state: ProcessStatus["state"] = "running";
  #pid: number | undefined;
  #startedAt: number | undefined;
  #lastExit: ProcessExit | undefined;
  #restarts = 0;
  #life: Promise<void>;

  /** Starts the process, or its build, at once. */
  constructor(spec: Spec, options: SupervisedOptions) {
    this.spec = spec;
    this.#options = options;
    this.#life = this.#live();
  }

  get status(): ProcessStatus {
    return {
      name: this.spec.name,
      state: this.#state,
      ...(this.#pid === undefined ? {} : { pid: this.#pid }),
      ...(this.#startedAt === undefined ? {} : { startedAt: this.#startedAt }),
      restarts: this.#restarts,
      ...(this.#lastExit === undefined ? {} : { lastExit: this.#lastExit }),
    };
  }

  /** SIGTERM to the whole process group, SIGKILL after `graceMs`; resolves when nothing of it runs. Safe to repeat. */
  async end(graceMs: number): Promise<void> {
    if (!this.#ending.signal.aborted) {
      this.#ending.abort();
      if (this.#state !== "failed") this.#state = "stopping";
    }
    if (this.#pid === undefined) return this.#life;
    const pid = this.#pid;
    signalGroup(pid, "SIGTERM");
    // A stopped process (SIGSTOP) would not see the SIGTERM.
    signalGroup(pid, "SIGCONT");
    const ended = new AbortController();
    const tooLate = nextRound(graceMs, ended.signal).then(() => {
      if (ended.signal.aborted) return;
      this.#options.log(`${this.spec.name} (pid ${pid}) ignored SIGTERM for ${graceMs} ms: SIGKILL`);
      signalGroup(pid, "SIGKILL");
    });
    await this.#life;
    ended.abort();
    await tooLate;
  }

  async #live(): Promise<void> {
    const { build, command, env } = this.spec;
    if (build !== undefined) {
      this.#state = "building";
      const exit = await this.#run("build", build);
      if (this.#ending.signal.aborted) return;
      if (exit.code !== 0) return this.#fail(exit);
    }
    let backOffMs = firstBackOffMs;
    for (;;) {
      this.#state = "running";
      const begun = performance.now();
      const exit = await this.#run("run", { command, env });
      if (this.#ending.signal.aborted) return;
      if (exit.error !== undefined || cannotExecute.has(exit.code ?? 0)) return this.#fail(exit);
      if (performance.now() - begun >= settledMs) backOffMs = firstBackOffMs;
      this.#state = "backing-off";
      this.#options.log(`${this.spec.name} ${describeExit(exit)}; starts again in ${backOffMs} ms`);
      this.#options.onExit(this.status);
      await nextRound(backOffMs, this.#ending.signal);
      if (this.#ending.signal.aborted) return;
      backOffMs = Math.min(backOffMs * 2, longestBackOffMs);
      this.#restarts += 1;
    }
  }

  #fail(exit: ProcessExit): void {
    this.#state = "failed";
    this.#options.log(`${this.spec.name} ${describeExit(exit)} during its ${exit.during}; not started again`);
    this.#options.onExit(this.status);
  }

  /** Runs one command to its end. What it leaves of its process group is killed: its successor needs their sockets. */
  async #run(during: ProcessExit["during"], what: Pick<Spec, "command" | "env">): Promise<ProcessExit> {
    const exited = Promise.withResolvers<Omit<ProcessExit, "at" | "during">>();
    try {
      if (during === "run") removeSockets(this.spec.sockets);
      const child = spawnLogged(this.spec, what);
      this.#pid = child.pid;
      this.#startedAt = Date.now();
      child.once("error", (error) => exited.resolve({ error: messageOf(error) }));
      child.once("exit", (code, signal) => exited.resolve(signal === null ? { code: code ?? 0 } : { signal }));
    } catch (error) {
      exited.resolve({ error: messageOf(error) });
    }
    const exit = { ...(await exited.promise), at: Date.now(), during };
    if (this.#pid !== undefined) await this.#killRest(this.#pid);
    this.#pid = undefined;
    this.#lastExit = exit;
    return exit;
  }

  /** The kernel takes its time: a successor must not find the sockets and ports still taken. */
  async #killRest(group: number): Promise<void> {
    signalGroup(group, "SIGKILL");
    try {
      await until(`nothing of process group ${group} runs`, () => !isGroupAlive(group), { deadlineMs: 2000 });
    } catch (error) {
      // Held up in the kernel (a network file system): nothing can be done about it.
      if (!(error instanceof MeshError)) throw error;
      this.#options.log(`${this.spec.name}: ${error.message}`);
    }
  }
}

function spawnLogged(spec: Spec, { command, env }: Pick<Spec, "command" | "env">): ChildProcess {
  const [program = "", ...words] = command;
  const log = openLog(spec);
  try {
    // `detached` is setsid(2): a process group of its own, so that all it spawns can be ended with it.
    return spawn(program, words, { cwd: spec.workingDir, env, detached: true, stdio: ["ignore", log, log] });
  } finally {
    closeSync(log);
  }
}

/**
 * O_APPEND: the file can be cut while the process writes on (rotation.ts). A pipe in its place would have the supervisor
 * wait for a reader: O_NONBLOCK, which means nothing to a file.
 */
function openLog({ logFile, owner }: Spec): number {
  const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants;
  const log = openSync(logFile, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    if (!fstatSync(log).isFile()) throw new Error(`${logFile} is no file`);
    fchownSync(log, owner.uid, owner.gid);
    fchmodSync(log, 0o600);
    return log;
  } catch (error) {
    closeSync(log);
    throw error;
  }
}

function removeSockets(paths: readonly string[]): void {
  for (const path of paths) {
    try {
      if (lstatSync(path).isSocket()) unlinkSync(path);
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
    }
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (systemErrorCode(error) !== "ESRCH") throw error;
  }
}

/** Zombies have ended: who must reap them does not concern us. */
function isGroupAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch (error) {
    if (systemErrorCode(error) === "ESRCH") return false;
    throw error;
  }
  const members = allPids().map(readStat);
  return members.some((stat) => stat?.group === group && stat.state !== "Z" && stat.state !== "X");
}

export function describeExit({ code, signal, error }: ProcessExit): string {
  if (error !== undefined) return `could not be started (${error})`;
  return signal === undefined ? `exited with status ${code}` : `was ended by ${signal}`;
}
