// Logs end at a size. A process writes into its log file itself, so that the supervisor costs nothing on the way; when
// the file is full, all but the newest lines are copied away and the file is cut. For that instant the process is
// stopped, so that no line falls between the copy and the cut.
//
// The file belongs to the process, which may do anything to it: what is copied is bounded, what cannot be copied is cut
// all the same, and nothing but a plain file is opened. Nothing looks at an idle log: the kernel tells of the first write.

import { type FSWatcher, constants, ftruncateSync, lstatSync, readdirSync, renameSync, watch } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";

import { MeshError, messageOf, systemErrorCode } from "../../errors.ts";
import { nextRound, until } from "../../wait.ts";
import { allPids, readStat } from "../proc.ts";
import { keepRest, keepTail } from "./keep-tail.ts";

export interface RotateOptions {
  readonly maxBytes: number;
  /** Older files kept beside the current one: `x.log.1` is the newest of them. */
  readonly keep: number;
  /** The process group that writes a log file; undefined when nobody does, or this process itself. */
  readonly writerOf: (logFile: string) => number | undefined;
}

export interface RotationOptions extends RotateOptions {
  readonly logDir: string;
  readonly log: (message: string) => void;
  readonly signal: AbortSignal;
}

/** From a write to the look at what it made of the log; after a log was full, the first look comes sooner. */
const lookMs = { calm: 250, hasty: 25 } as const;
/** A log that cannot be rotated is left alone so long. */
const troubleMs = 60_000;

/** Until the signal is aborted. One log that makes trouble does not keep the others from being rotated. */
export async function rotateLogs(options: RotationOptions): Promise<void> {
  const { logDir, signal, log } = options;
  const leftAloneUntil = new Map<string, number>();
  for (let pauseMs: number = lookMs.calm; !signal.aborted;) {
    await nextWrite(logDir, signal);
    await nextRound(pauseMs, signal);
    const full = fullLogs(options).filter((file) => (leftAloneUntil.get(file) ?? 0) < performance.now());
    // Twice as long each time: a process that writes very fast is not waited for.
    pauseMs = full.length > 0 ? lookMs.hasty : Math.min(2 * pauseMs, lookMs.calm);
    for (const file of full) {
      try {
        const why = await rotate(file, options);
        if (why !== undefined) log(`${file} was cut, and what it held is lost: ${why}`);
      } catch (error) {
        leftAloneUntil.set(file, performance.now() + troubleMs);
        log(`${file} is not rotated for a minute: ${messageOf(error)}`);
      }
    }
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
  try {
    await promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
    watcher.close();
  }
}

/**
 * x.log.1 → x.log.2, the content of x.log → x.log.1, x.log is empty and still the file that the process writes to. A
 * new x.log.1 appears after the cut and before the process goes on: so a follower (followed-file.ts) knows that what it
 * misses is there. Of a log that is far too large only the end is kept, and a first line says so.
 *
 * @returns why what it held could not be kept, on a full disk for instance: then it is cut all the same
 */
export async function rotate(file: string, options: RotateOptions): Promise<string | undefined> {
  const { O_RDWR, O_NOFOLLOW, O_NONBLOCK } = constants;
  await using log = await open(file, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  if (!(await log.stat()).isFile()) throw new Error("it is no file");
  try {
    await moveAway(file, log, options);
    return undefined;
  } catch (error) {
    await log.truncate(0);
    await rm(`${file}.new`, { force: true });
    return messageOf(error);
  }
}

async function moveAway(file: string, log: FileHandle, { maxBytes, keep, writerOf }: RotateOptions): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_APPEND, O_NOFOLLOW } = constants;
  await rm(`${file}.new`, { force: true });
  await using copy = await open(`${file}.new`, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW, 0o600);
  const kept = await keepTail(log, copy, maxBytes);
  const group = writerOf(file);
  if (group === undefined) {
    // At once: it may be the log that this process writes to.
    keepRest(log.fd, copy.fd, kept, maxBytes);
    ftruncateSync(log.fd, 0);
    age(file, keep);
    return;
  }
  await stopGroup(group);
  try {
    keepRest(log.fd, copy.fd, kept, maxBytes);
    // What is really large takes its time to truncate.
    await log.truncate(0);
    age(file, keep);
  } finally {
    signalGroup(group, "SIGCONT");
  }
}

/** Every older file becomes one older, the oldest goes. */
function age(file: string, keep: number): void {
  for (let number = keep - 1; number >= 1; number -= 1) renameIfThere(`${file}.${number}`, `${file}.${number + 1}`);
  renameSync(`${file}.new`, `${file}.1`);
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

/** Of a plain file; nothing else is a log. */
function sizeOf(file: string): number {
  const found = lstatSync(file, { throwIfNoEntry: false });
  return found?.isFile() === true ? found.size : 0;
}
