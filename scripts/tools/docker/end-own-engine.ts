// Ends our own Docker engine, and removes what it leaves behind: mounts, its folder of sockets, and its traces in the
// machine's network.

import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { promisify } from "node:util";

import { until } from "../../wait.ts";
import { restoreNetwork } from "./engine-traces.ts";
import { type OwnEnginePlaces, isOwnEngine } from "./own-engine-places.ts";

/** dockerd gives each container the 10 s that `docker stop` does. */
const endMs = 30_000;

/**
 * Ends the engine with that pid, where there is one, and removes its traces.
 *
 * @throws MeshError MESH_TIMEOUT when it does not end; the signal's reason
 */
export async function endOwnEngine(
  pid: number | undefined,
  { pidFile, logFile, networkFile, runDir, dataDir }: OwnEnginePlaces,
  signal: AbortSignal,
): Promise<void> {
  if (pid !== undefined && (await isOwnEngine(pid, pidFile))) {
    process.kill(pid, "SIGTERM");
    await until(`the Docker engine (pid ${pid}) has ended`, async () => !(await isOwnEngine(pid, pidFile)), {
      deadlineMs: endMs,
      intervalMs: 20,
      signal,
      fix: `see ${logFile}`,
    });
  }
  await restoreNetwork(networkFile);
  await unmountIn([runDir, dataDir]);
  await rm(runDir, { recursive: true, force: true });
}

/**
 * dockerd forgets to unmount the network namespaces of some containers; one that was killed forgets all. A folder must be
 * free of mounts to be removed.
 */
async function unmountIn(folders: readonly string[]): Promise<void> {
  const lines = (await readFile("/proc/self/mountinfo", "utf8")).split("\n");
  const mountPoints = lines.map((line) => line.split(" ")[4] ?? "").filter((one) => isIn(one, folders));
  for (const mountPoint of mountPoints.toReversed()) await promisify(execFile)("umount", [mountPoint]);
}

function isIn(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => `${path}/`.startsWith(`${folder}/`));
}
