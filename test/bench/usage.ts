// What a process costs, as Linux counts it.

import { readFileSync } from "node:fs";

/** sysconf(_SC_CLK_TCK), which is 100 on every Linux there is. */
const ticksPerSecond = 100;

/** CPU time since it started, user and system, in milliseconds (proc_pid_stat(5), fields 14 and 15). */
export function cpuMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

export interface Memory {
  /** Its share of what it has in common with others counted in part. */
  readonly pssMiB: number;
  readonly rssMiB: number;
}

/** proc_pid_smaps(5), smaps_rollup: to be read as root or as the process's own user. */
export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const mebibytes = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(text)?.[1]) / 1024;
  return { pssMiB: mebibytes("Pss"), rssMiB: mebibytes("Rss") };
}
