// Memory of a process, as Linux counts it.

import { readFileSync } from "node:fs";

/** Resident set in kB (proc_pid_status(5), VmRSS). */
export function residentKilobytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (line === undefined) throw new Error(`process ${pid} has no resident set`);
  return Number(line);
}
