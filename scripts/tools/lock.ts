// One process at a time builds a tool. The lock is flock(2)'s, held through flock(1) because Node cannot reach it: the
// kernel lets go of it however its holder ends, so nothing stale is ever left.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

import { MeshError, systemErrorCode } from "../errors.ts";

export interface LockOptions {
  readonly signal: AbortSignal;
  /** Called when another process has the lock and this one begins to wait, with the other's pid when it is known. */
  readonly onWait: (pid: string | undefined) => void;
}

/**
 * Takes the lock on a file, which is made when it is not there, until disposed of or until this process ends.
 *
 * @throws the signal's reason when aborted while it waits
 */
export async function takeFileLock(file: string, { signal, onWait }: LockOptions): Promise<AsyncDisposable> {
  await mkdir(dirname(file), { recursive: true });
  let lock = await tryLock(file, ["-n"], signal);
  if (lock === undefined) {
    onWait(await readHolder(file));
    lock = await tryLock(file, [], signal);
  }
  if (lock === undefined) throw new Error(`flock could not lock ${file}`);
  await writeFile(file, `${process.pid}\n`);
  return lock;
}

/** The lock lives as long as `cat` reads the pipe from us; it reads nothing, and ends when we close it or are gone. */
async function tryLock(
  file: string,
  flags: readonly string[],
  signal: AbortSignal,
): Promise<AsyncDisposable | undefined> {
  signal.throwIfAborted();
  const child = spawn("flock", [...flags, file, "sh", "-c", "echo held && exec cat"], {
    stdio: ["pipe", "pipe", "ignore"],
    // Not in our process group: Ctrl-C must not release the lock while we tidy up.
    detached: true,
  });
  const closed = once(child, "close");
  const stop = (): void => void child.kill();
  signal.addEventListener("abort", stop, { once: true });
  const held = await Promise.race([once(child.stdout, "data").then(() => true), closed.then(() => false)]).catch(
    (error: unknown) => {
      throw lockProblem(error);
    },
  );
  signal.removeEventListener("abort", stop);
  signal.throwIfAborted();
  if (!held) return undefined;
  return {
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await closed;
    },
  };
}

function lockProblem(error: unknown): unknown {
  if (systemErrorCode(error) !== "ENOENT") return error;
  return new MeshError("MESH_PREREQUISITE", "this machine lacks flock, which keeps two builds from colliding", {
    fix: "as root, on Debian: apt-get install util-linux; then run this again",
  });
}

async function readHolder(file: string): Promise<string | undefined> {
  try {
    return /^\d+$/mu.exec(await readFile(file, "utf8"))?.[0];
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
