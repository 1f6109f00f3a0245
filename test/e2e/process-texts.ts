// What any user of the machine can read of a process, and signals to it. Runs on the machine that has the processes, in
// this process or in a container that sees them, so it imports nothing but Node's own.

import { readdirSync, readFileSync } from "node:fs";

/** Arguments and environment of each; of a container's init, of what it runs too. */
export function textsOf(pids: readonly number[]): { pid: number; arguments: string; environment: string }[] {
  return pids
    .flatMap((pid) => [...new Set([pid, ...behindInit(pid)])])
    .map((pid) => ({
      pid,
      arguments: readFileSync(`/proc/${pid}/cmdline`, "utf8"),
      environment: readFileSync(`/proc/${pid}/environ`, "utf8"),
    }));
}

/** To a process; where that is a container's init, to what it runs. */
export function sendSignal({ pid, signal }: { readonly pid: number; readonly signal: NodeJS.Signals }): boolean {
  return behindInit(pid)
    .map((one) => process.kill(one, signal))
    .every(Boolean);
}

/** The children of an engine's init (`init: true`); anything else is itself. */
function behindInit(pid: number): number[] {
  if (readFileSync(`/proc/${pid}/comm`, "utf8").trim() !== "docker-init") return [pid];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && parentOf(Number(name)) === pid)
    .map(Number);
}

/** proc(5), stat: the fourth field, behind a name that may hold anything; undefined when it has ended. */
function parentOf(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined; // Processes come and go.
  }
}
