// What a mesh left running when its supervisor was killed. The kernel ends the supervisor's children with it; their own
// children it does not know of. They are told by what they cannot shed: a user of the mesh, or a log of the mesh as
// their output.

import { until } from "../wait.ts";
import { userBlockSize } from "./allocate.ts";
import {
  type ProcessIdentity,
  allPids,
  commandLineOf,
  identityOf,
  isAlive,
  openFile,
  ownerOf,
  readStat,
} from "./proc.ts";
import type { State } from "./state.ts";

export interface Leftover extends ProcessIdentity {
  readonly command: string;
}

/** By what the processes of a mesh are told. */
export interface Marks {
  readonly logDirs: readonly string[];
  /** First ids of the mesh's blocks of users. */
  readonly users: readonly number[];
}

export function marksOf({ places, allocations: { users } }: Pick<State, "places" | "allocations">): Marks {
  return { logDirs: [places.logDir], users: users === undefined ? [] : [users.first] };
}

/** Processes of a mesh that no supervisor keeps. Only to be asked when none runs. */
export function findLeftovers({ logDirs, users }: Marks): Leftover[] {
  const isOurs = (pid: number): boolean => {
    const uid = ownerOf(pid);
    if (uid === undefined) return false;
    if (users.some((first) => uid >= first && uid < first + userBlockSize)) return true;
    return [1, 2].some((fd) => {
      const file = openFile(pid, fd);
      return logDirs.some((logDir) => file?.startsWith(`${logDir}/`) === true);
    });
  };
  const callers = new Set(ancestorsOf(process.pid));
  return allPids()
    .filter((pid) => !callers.has(pid) && isOurs(pid))
    .flatMap((pid) => {
      const identity = identityOf(pid);
      return identity === undefined ? [] : [{ ...identity, command: commandLineOf(pid) ?? "?" }];
    });
}

/** The command itself and who called it: their output may go anywhere, also beside the logs. */
function ancestorsOf(pid: number): number[] {
  const parent = readStat(pid)?.parent ?? 0;
  return parent === 0 ? [pid] : [pid, ...ancestorsOf(parent)];
}

/** Kills them and waits for their end; returns what was found. */
export async function sweep(marks: Marks): Promise<Leftover[]> {
  const found = new Map<number, Leftover>();
  const nothingLeft = (): boolean => {
    const running = findLeftovers(marks);
    for (const leftover of running) {
      found.set(leftover.pid, leftover);
      if (isAlive(leftover)) process.kill(leftover.pid, "SIGKILL");
    }
    return running.length === 0;
  };
  await until("nothing of the mesh runs any more", nothingLeft, { deadlineMs: 5000 });
  return [...found.values()];
}
