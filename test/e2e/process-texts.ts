// What any user of the machine can read of a process, and signals to it. Runs on the machine that has the processes, in
// this process or in a container that sees them, so it imports nothing but Node's own.

import { readFileSync } from "node:fs";

/** Arguments and environment of each. */
export function textsOf(pids: readonly number[]): { pid: number; arguments: string; environment: string }[] {
  return pids.map((pid) => ({
    pid,
    arguments: readFileSync(`/proc/${pid}/cmdline`, "utf8"),
    environment: readFileSync(`/proc/${pid}/environ`, "utf8"),
  }));
}

export function sendSignal({ pid, signal }: { readonly pid: number; readonly signal: NodeJS.Signals }): boolean {
  return process.kill(pid, signal);
}
