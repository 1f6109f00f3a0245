// Logs end at a size. A process writes into its log file itself, so that the supervisor costs nothing on the way; when
// the file is full, all but the newest lines are copied away and the file is cut. For that instant the process is
// stopped, so that no line falls between the copy and the cut.
//
// Nothing looks at an idle log: the kernel tells of the first write, then one look follows a second later.

import { type FSWatcher, copyFileSync, fstatSync, ftruncateSync, openSync, readSync, watch, writeSync } from "node:fs";
import { closeSync, readdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";

import { MeshError, systemErrorCode } from "../../errors.ts";
import { nextRound, until } from "../../wait.ts";
import { allPids, readStat } from "../proc.ts";

export interface RotationOptions {
  readonly logDir: string;
  readonly maxBytes: number;
  /** Older files kept beside the current one: `x.log.1` is the newest of them. */
  readonly keep: number;
  /** The process group that writes a log file; undefined when nobody does, or this process itself. */
  readonly writerOf: (logFile: string) => number | undefined;
  readonly signal: AbortSignal;
}

/** Until the signal is aborted. */
export async function rotateLogs(options: RotationOptions): Promise<void> {
  while (!options.signal.aborted) {
    await nextWrite(options.logDir, options.signal);
    await nextRound(1000, options.signal);
    for (const file of fullLogs(options)) await rotate(file, options);
  }
}

function fullLogs({ logDir, maxBytes }: RotationOptions): string[] {
  return readdirSync(logDir)
    .filter((name) => name.endsWith(".log"))
    .map((name) => join(logDir, name))
    .filter((file) => sizeOf(file) >= maxBytes);
}

async function nextWrite(folder: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const watcher: FSWatcher = watch(folder, { persistent: false }, () => resolve());
  watcher.once("error", reject);
  const onAbort = (): void => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  await promise;
  signal.removeEventListener("abort", onAbort);
  watcher.close();
}

/**
 * x.log.1 → x.log.2, the content of x.log → x.log.1, x.log is empty and still the file that the process writes to. A
 * new x.log.1 appears only after the cut: so a follower (logs.ts) knows that what it misses is there.
 */
export async function rotate(file: string, options: Pick<RotationOptions, "keep" | "writerOf">): Promise<void> {
  const copy = `${file}.new`;
  copyFileSync(file, copy);
  const group = options.writerOf(file);
  if (group !== undefined) await stopGroup(group);
  try {
    moveRest(file, copy);
    for (let age = options.keep - 1; age >= 1; age -= 1) renameIfThere(`${file}.${age}`, `${file}.${age + 1}`);
    renameSync(copy, `${file}.1`);
  } finally {
    if (group !== undefined) signalGroup(group, "SIGCONT");
  }
}

/** Appends what was written since the copy, and cuts the file. */
function moveRest(file: string, copy: string): void {
  const from = openSync(file, "r+");
  const to = openSync(copy, "a");
  try {
    const chunk = Buffer.alloc(65_536);
    let position = fstatSync(to).size;
    for (;;) {
      const length = readSync(from, chunk, 0, chunk.length, position);
      if (length === 0) break;
      writeSync(to, chunk, 0, length);
      position += length;
    }
    ftruncateSync(from, 0);
  } finally {
    closeSync(from);
    closeSync(to);
  }
}

/** SIGSTOP, and until every thread has seen it. */
async function stopGroup(group: number): Promise<void> {
  signalGroup(group, "SIGSTOP");
  const members = allPids().filter((pid) => readStat(pid)?.group === group);
  try {
    const condition = `process group ${group} is stopped`;
    await until(condition, () => members.every(isStopped), { deadlineMs: 200, intervalMs: 1 });
  } catch (error) {
    // A thread in an uninterruptible sleep writes nothing now; at worst it loses a line, which beats a full disk.
    if (!(error instanceof MeshError)) throw error;
  }
}

/** In every thread, or ended. */
function isStopped(pid: number): boolean {
  return threadsOf(pid).every((thread) => ["T", "t", "Z", "X"].includes(readStat(thread)?.state ?? "X"));
}

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "ESRCH") return [];
    throw error;
  }
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if (systemErrorCode(error) !== "ESRCH") throw error;
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return 0;
    throw error;
  }
}
