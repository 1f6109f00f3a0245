// What /proc says about processes (proc(5)). Read synchronously: these are memory reads, and a scan of all processes
// must not take a thread hop for each. Off Linux only "does the pid exist" is known.

import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";

import { systemErrorCode } from "../errors.ts";

/** One process for as long as machines remember: a pid alone is used again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Boot id and start time in clock ticks since boot; empty where the machine does not tell. */
  readonly started: string;
}

/** A process as /proc/<pid>/stat shows it. */
export interface ProcessStat {
  readonly pid: number;
  /** `R`, `S`, `D`, `T` (stopped), `Z`, … */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly startTicks: string;
}

/** The identity of a process that runs now; undefined when it does not (a zombie has ended). */
export function identityOf(pid: number): ProcessIdentity | undefined {
  if (process.platform !== "linux") return exists(pid) ? { pid, started: "" } : undefined;
  const stat = readStat(pid);
  if (stat === undefined || stat.state === "Z" || stat.state === "X") return undefined;
  return { pid, started: `${bootId()}/${stat.startTicks}` };
}

/** Whether that very process still runs, not another with its pid. */
export function isAlive({ pid, started }: ProcessIdentity): boolean {
  return identityOf(pid)?.started === started;
}

export function readStat(pid: number): ProcessStat | undefined {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The second field is the command name in parentheses, and may itself hold spaces and parentheses.
  const [state = "", parent = "", group = "", session = "", ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    pid,
    state,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    startTicks: rest[15] ?? "",
  };
}

/** Every pid there is now. */
export function allPids(): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid));
}

/** The words it was started with, program first; undefined when the process is gone or is a kernel thread. */
export function argumentsOf(pid: number): string[] | undefined {
  const words = read(`/proc/${pid}/cmdline`)?.replace(/\0$/, "").split("\0");
  return words === undefined || words.every((word) => word === "") ? undefined : words;
}

/** Command line as a person would read it; undefined when the process is gone or is a kernel thread. */
export function commandLineOf(pid: number): string | undefined {
  return argumentsOf(pid)?.filter(Boolean).join(" ");
}

/** Effective user of a process; undefined when it is gone. */
export function ownerOf(pid: number): number | undefined {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch (error) {
    return goneOrHidden(error);
  }
}

/** Where an open file descriptor leads (`socket:[123]`, a path); undefined when it is not open or not ours to see. */
export function openFile(pid: number, fd: number | string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch (error) {
    return goneOrHidden(error);
  }
}

/** Numbers of a process's open file descriptors; none when it is gone or not ours to see. */
export function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch (error) {
    return goneOrHidden(error) ?? [];
  }
}

let cachedBootId: string | undefined;

function bootId(): string {
  cachedBootId ??= (read("/proc/sys/kernel/random/boot_id") ?? "").trim();
  return cachedBootId;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    return goneOrHidden(error);
  }
}

function goneOrHidden(error: unknown): undefined {
  const code = systemErrorCode(error);
  // ESRCH: it ended between open and read.
  if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM" || code === "ENOTDIR")
    return undefined;
  throw error;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === "EPERM";
  }
}
