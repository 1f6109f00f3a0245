// What the last command, or a crash, left: found, said, and put right, so that the next `up` starts from something known.

import { MeshError, messageOf } from "../errors.ts";
import type { Report } from "../events.ts";
import { until } from "../wait.ts";
import { type ProcessIdentity, isAlive } from "./proc.ts";
import { removeTree } from "./remove-tree.ts";
import type { State } from "./state.ts";
import { askToShutDown } from "./supervised-by.ts";
import { findSupervisor, killSupervisor } from "./supervisor/launch.ts";
import { marksOf, sweep } from "./sweep.ts";

export interface RecoverOptions {
  /** What the last command saved. */
  readonly before: State | undefined;
  readonly now: State;
  readonly report: Report;
}

/** The supervisor that goes on; undefined: none runs, and nothing but durable data is left. */
export async function recover({ before, now, report }: RecoverOptions): Promise<ProcessIdentity | undefined> {
  const { runDir } = now.places;
  const warn = (message: string): void => report({ kind: "warning", stage: "runtime", message });
  const running = await find(runDir, before, warn);
  const isKnown = before?.phase === "up";
  if (running !== undefined && isKnown && running.usable) return running;
  if (running !== undefined) {
    warn(
      !isKnown
        ? `a mesh of this folder runs that its state does not know: ended it (supervisor ${running.pid})`
        : `the supervisor ${running.pid} is of another version: ended it, and all processes with it`,
    );
    await killSupervisor(running);
  } else if (isKnown) {
    const which = before.supervisor === undefined ? "" : ` ${before.supervisor.pid}`;
    warn(`the supervisor${which} ended without ./mesh stop or down (killed, or the machine restarted): starting anew`);
  }
  const leftovers = await sweep(marksOf(now));
  for (const { pid, command } of leftovers) warn(`killed a process that outlived it: ${pid} ${command}`);
  // Sockets and keys of the old life; logs stay, they may tell why it ended.
  await removeTree(runDir);
  // Data of a mesh whose state was removed: nobody knows on what it would resume.
  if (before?.allocations.loopbackBlock === undefined) await removeTree(now.places.dataDir);
  return undefined;
}

async function find(runDir: string, before: State | undefined, warn: (message: string) => void) {
  try {
    return await findSupervisor(runDir);
  } catch (error) {
    if (!(error instanceof MeshError)) throw error;
    warn(`${messageOf(error)}: ended it`);
    // One that no state knows is told by its log, as all that a mesh left running (sweep.ts).
    if (before?.supervisor !== undefined) await killSupervisor(before.supervisor);
    return undefined;
  }
}

/**
 * Ends a supervisor and all its processes: asked, and killed when it does not do it. One that hangs and that no state
 * knows is left to `sweep`.
 */
export async function endSupervisor(
  runDir: string,
  supervisor: ProcessIdentity | undefined,
  graceMs: number,
): Promise<void> {
  try {
    const asked = await askToShutDown(runDir, graceMs);
    // Its socket is gone, with a folder that was cleared: it can be told nothing any more.
    if (!asked && supervisor !== undefined) await killSupervisor(supervisor);
  } catch (error) {
    if (!(error instanceof MeshError)) throw error;
    if (supervisor !== undefined) await killSupervisor(supervisor);
  }
  if (supervisor === undefined) return;
  await until(`supervisor ${supervisor.pid} has ended`, () => !isAlive(supervisor), { deadlineMs: 5000 });
}
