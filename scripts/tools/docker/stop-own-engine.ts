// Ends our own Docker engine (own-engine.ts), and undoes what it leaves in the machine's network.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { promisify } from "node:util";

import { until } from "../../wait.ts";
import { takeFileLock } from "../lock.ts";
import { restoreNetwork } from "./engine-traces.ts";
import { type OwnEnginePlaces, isOwnEngine, ownEnginePid, ownEnginePlaces } from "./own-engine.ts";

/** dockerd gives each container the 10 s that `docker stop` does. */
const endMs = 30_000;

/**
 * Ends the engine of this cache and its containers; false when there is none. Images and volumes stay in the cache.
 *
 * @throws MeshError MESH_TIMEOUT; the signal's reason
 */
export async function stopOwnEngine({
  cacheDir,
  signal,
}: {
  readonly cacheDir: string;
  readonly signal: AbortSignal;
}): Promise<boolean> {
  const places = ownEnginePlaces(cacheDir);
  // Made when an engine is started. Without it there is not even a lock to take.
  if (!existsSync(places.runDir)) return false;
  await using _lock = await takeFileLock(places.lockFile, { signal, onWait: waitQuietly });
  const pid = await ownEnginePid(places);
  if (pid !== undefined) await end(pid, places, signal);
  const hadTraces = await restoreNetwork(places.networkFile);
  await unmountBelow(places.runDir);
  await rm(places.runDir, { recursive: true, force: true });
  return pid !== undefined || hadTraces;
}

async function end(pid: number, { pidFile, logFile }: OwnEnginePlaces, signal: AbortSignal): Promise<void> {
  process.kill(pid, "SIGTERM");
  await until(`the Docker engine (pid ${pid}) has ended`, async () => !(await isOwnEngine(pid, pidFile)), {
    deadlineMs: endMs,
    intervalMs: 20,
    signal,
    fix: `see ${logFile}`,
  });
}

function waitQuietly(): void {
  // The other command starts or stops the engine: either takes a moment.
}

/** dockerd forgets to unmount the network namespaces of some containers. A folder must be free of mounts to be removed. */
async function unmountBelow(dir: string): Promise<void> {
  const mountPoints = (await readFile("/proc/self/mountinfo", "utf8"))
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "");
  for (const mountPoint of mountPoints.filter((one) => one.startsWith(`${dir}/`)).toReversed()) {
    await promisify(execFile)("umount", [mountPoint]);
  }
}
