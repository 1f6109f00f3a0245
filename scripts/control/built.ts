// Waits for the build of an app: a compiler takes the time that it takes, and what follows begins with the process.

import type { SlotRuntime } from "../runtime/runtime.ts";
import { until } from "../wait.ts";

export interface BuildOptions {
  readonly runtime: Pick<SlotRuntime, "list">;
  readonly signal: AbortSignal;
  /** Called once, when there is something to wait for. */
  readonly onWait?: () => void;
}

const longestMs = 15 * 60_000;

/** Ends when the process is not being built; of a build that fails `watchDeaths` tells. @throws MeshError MESH_TIMEOUT */
export async function untilBuilt(name: string, { runtime, signal, onWait }: BuildOptions): Promise<void> {
  const isBuilding = async (): Promise<boolean> =>
    (await runtime.list()).some((status) => status.name === name && status.state === "building");
  if (!(await isBuilding())) return;
  onWait?.();
  await until(`${name} is built`, async () => !(await isBuilding()), {
    deadlineMs: longestMs,
    intervalMs: 100,
    signal,
    fix: `./mesh logs ${name}`,
  });
}
