// Ends the Docker engine of a tool cache (own-engine.ts) with its containers.

import { existsSync } from "node:fs";

import { takeFileLock } from "../lock.ts";
import { endOwnEngine } from "./end-own-engine.ts";
import { startDaemon } from "./own-engine.ts";
import { ownEnginePid, ownEnginePlaces } from "./own-engine-places.ts";

export interface StopOptions {
  readonly cacheDir: string;
  readonly signal: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Ends the engine of this cache and its containers; false when there is none. Images and volumes stay in the cache.
 *
 * @throws MeshError MESH_TIMEOUT; the signal's reason
 */
export async function stopOwnEngine({ cacheDir, signal, env = process.env }: StopOptions): Promise<boolean> {
  const places = ownEnginePlaces(cacheDir);
  // It is there from start to end. Without it there is not even a lock to take.
  if (!existsSync(places.runDir)) return false;
  await using _lock = await takeFileLock(places.lockFile, { signal, onWait: waitQuietly });
  if (!existsSync(places.runDir)) return false;
  // One that was killed has left its containers running: an engine ends those of the engine before.
  if ((await ownEnginePid(places)) === undefined) await startDaemon(places, { env, signal });
  await endOwnEngine(await ownEnginePid(places), places, signal);
  return true;
}

function waitQuietly(): void {
  // The other command starts or stops the engine: either takes a moment.
}
