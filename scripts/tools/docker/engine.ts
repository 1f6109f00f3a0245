// The Docker engine of the docker runtime: the user's own, or, where asked for (CI, tests), one that is installed and
// started here beside everything else (own-engine.ts).

import { MeshError } from "../../errors.ts";
import type { Report } from "../../events.ts";
import { compareVersions, versions } from "../versions.ts";
import { type Sighting, lookForEngine } from "./look-for-engine.ts";

export interface Engine {
  /** As the engine says it: `20.10.24+dfsg1`. */
  readonly version: string;
  /** What docker and Compose need in their environment to reach it; empty when they find it by themselves. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether it was started here, by this call or by an earlier run: then `stopEngine` ends it. */
  readonly own: boolean;
  /** Whether this call started it. */
  readonly started: boolean;
}

export interface EnsureEngineOptions {
  /** See cache-dir.ts. Our own engine keeps its data there. */
  readonly cacheDir: string;
  readonly report: Report;
  readonly signal: AbortSignal;
  /**
   * Where no engine answers: install one with apt if it is not installed, and start it. As root, on Debian or a
   * relative of it. For CI and tests: users' machines are theirs.
   */
  readonly install: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Returns the Docker engine. When one answers this takes about 50 ms; starting our own takes a second, installing it
 * about 15 s.
 *
 * @throws MeshError MESH_ENGINE_ABSENT, MESH_ENGINE_DENIED, MESH_ENGINE_OLD; with `install` also MESH_PREREQUISITE,
 * MESH_TOOL_FETCH, MESH_DISK_FULL; the signal's reason
 */
export async function ensureEngine(options: EnsureEngineOptions): Promise<Engine> {
  const { env = process.env, signal, install } = options;
  const sighting = await lookForEngine({ env, signal });
  if (sighting.kind === "answers") {
    return { version: requireVersion(sighting.version), env: {}, own: false, started: false };
  }
  if (sighting.kind === "denied") throw denied(sighting);
  if (!install) throw absent(sighting);
  const { startOwnEngine } = await import("./own-engine.ts");
  const { version, host, started } = await startOwnEngine({ ...options, env });
  return { version: requireVersion(version), env: { DOCKER_HOST: host }, own: true, started };
}

/**
 * Ends the engine that `ensureEngine` started with this cache, and its containers with it; false when there is none.
 * An engine that somebody else started is not touched.
 *
 * @throws MeshError MESH_TIMEOUT when it does not end
 */
export async function stopEngine(options: {
  readonly cacheDir: string;
  readonly signal: AbortSignal;
}): Promise<boolean> {
  const { stopOwnEngine } = await import("./stop-own-engine.ts");
  return stopOwnEngine(options);
}

function requireVersion(version: string): string {
  const { minimum } = versions.dockerEngine;
  if (compareVersions(version, minimum) >= 0) return version;
  const wanted = minimum.replace(/\.0$/u, "");
  throw new MeshError("MESH_ENGINE_OLD", `the Docker engine is ${version}; the mesh needs ${wanted} or newer`, {
    fix: "install a newer Docker engine, then run this again",
  });
}

function denied({ said }: Sighting & { readonly kind: "denied" }): MeshError {
  return new MeshError("MESH_ENGINE_DENIED", "a Docker engine is there, but this user may not open its socket", {
    details: [said],
    fix: "as root: usermod -aG docker <user>, then log in again; or run the engine rootless",
  });
}

function absent({ said }: Sighting & { readonly kind: "absent" }): MeshError {
  return new MeshError("MESH_ENGINE_ABSENT", "no Docker engine answers", {
    details: [said],
    fix: "install Docker and start it (systemctl start docker, or Docker Desktop); or ./mesh up --runtime native",
  });
}
