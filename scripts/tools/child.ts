// Runs the programs that build and unpack tools: to the end, or not at all. Each has a process group of its own, which
// is ended with it, and dies with us.

import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

import { MeshError, systemErrorCode } from "../errors.ts";
import { nextRound } from "../wait.ts";

export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment. */
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly input?: string;
  /** Each line of standard output and standard error, as it comes. */
  readonly onLine?: (line: string) => void;
  /** Milliseconds from asking the process group to end until it is made to; 3000 unless given. */
  readonly patienceMs?: number;
}

export interface Finished {
  /** Exit status; undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  /** The last lines of standard error, or of standard output when it said nothing there. */
  readonly tail: readonly string[];
  /** Some line said that no space is left. */
  readonly outOfSpace: boolean;
}

const tailLines = 12;

/**
 * Runs a program and returns how it ended.
 *
 * `setpriv --pdeathsig` (util-linux) lets the kernel end it when this process is killed in a way it cannot handle.
 *
 * @throws the signal's reason once the process group has ended; a system error (ENOENT) when it cannot be started
 */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<Finished> {
  options.signal.throwIfAborted();
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", program, ...args], {
    cwd: options.cwd,
    env: options.env,
    stdio: "pipe",
    detached: true,
  });
  const ended = endOf(child);
  const end = (): void => void endGroup(child, ended, options.patienceMs ?? 3000);
  options.signal.addEventListener("abort", end, { once: true });
  const stdout: string[] = [];
  const stderr: string[] = [];
  const takeInto = (lines: string[]) => (line: string) => {
    lines.push(line);
    options.onLine?.(line);
  };
  child.stdin.on("error", ignoreClosedPipe).end(options.input);
  const output = [eachLine(child.stdout, takeInto(stdout)), eachLine(child.stderr, takeInto(stderr))];
  try {
    const [status] = await Promise.all([ended, ...output]);
    options.signal.throwIfAborted();
    return {
      status,
      stdout: stdout.join("\n"),
      tail: (stderr.length > 0 ? stderr : stdout).slice(-tailLines),
      outOfSpace: [...stdout, ...stderr].some((line) => isAboutSpace(line)),
    };
  } catch (error) {
    // What takes the lines has failed: there is nobody to run for.
    signalGroup(child, "SIGKILL");
    throw error;
  } finally {
    options.signal.removeEventListener("abort", end);
  }
}

/**
 * Runs a program that must succeed, for `what`, e.g. "building SPIRE 1.15.3".
 *
 * @throws MeshError MESH_DISK_FULL when it ran out of space, else MESH_TOOL_FETCH with its last lines
 */
export async function runToSuccess(
  what: string,
  [program = "", ...args]: readonly string[],
  options: RunOptions & { readonly fix: string },
): Promise<string> {
  const { status, stdout, tail, outOfSpace } = await run(program, args, options);
  if (status === 0) return stdout;
  if (outOfSpace) throw diskFull(what, tail);
  throw new MeshError("MESH_TOOL_FETCH", `${what} failed: ${program} ended with ${status ?? "a signal"}`, {
    details: tail,
    fix: options.fix,
  });
}

/** What to do where there is no space for tools. */
export const makeRoom = "make room where the tool cache lies, or set MESH_CACHE to a folder on another disk";

/** The error of a step that found no space left. */
export function diskFull(what: string, details: readonly string[] = [], cause?: unknown): MeshError {
  return new MeshError("MESH_DISK_FULL", `${what} found no space left on the disk`, {
    details,
    fix: `${makeRoom}; then run this again`,
    ...(cause === undefined ? {} : { cause }),
  });
}

function isAboutSpace(line: string): boolean {
  return /no space left on device|ENOSPC|disk quota exceeded/iu.test(line);
}

async function endOf(child: ChildProcess): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  child.once("error", reject);
  child.once("close", (code) => resolve(code ?? undefined));
  return promise;
}

async function endGroup(child: ChildProcess, ended: Promise<unknown>, patienceMs: number): Promise<void> {
  signalGroup(child, "SIGTERM");
  const settled = new AbortController();
  void ended.then(
    () => settled.abort(),
    () => settled.abort(),
  );
  await nextRound(patienceMs, settled.signal);
  // Also when the program itself has ended: what it started may not have.
  signalGroup(child, "SIGKILL");
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // Nobody is left in the group.
    if (systemErrorCode(error) !== "ESRCH") throw error;
  }
}

async function eachLine(stream: Readable, onLine: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream })) onLine(line);
}

/** A program that does not read its input to the end is judged by its exit status. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE" && error.code !== "ECONNRESET") throw error;
}
