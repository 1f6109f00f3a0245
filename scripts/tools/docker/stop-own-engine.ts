// Ends our own Docker engine (own-engine.ts), and undoes what it leaves in the machine's network.

import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";

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
  if (!(await hasMounts(places.runDir))) await rm(places.runDir, { recursive: true, force: true });
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

/** Of a container that would not end: what is mounted there must not be removed with it. */
async function hasMounts(dir: string): Promise<boolean> {
  return (await readFile("/proc/self/mountinfo", "utf8")).includes(` ${dir}/`);
}
