// Puts the stand-ins into a Docker engine: images under the official names and tags, made of the tool cache's real
// programs, for machines that reach no image registry. What a registry brought is never replaced.

import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";

import { MeshError } from "../../../errors.ts";
import type { Report } from "../../../events.ts";
import type { Tools } from "../../ensure-tools.ts";
import { diskFull } from "../../child.ts";
import { toolArchitecture } from "../../toolset.ts";
import { type StandIn, describeStandIns } from "./images.ts";
import { writeImageArchive } from "./image-archive.ts";
import { ensureNpmPackage } from "./npm.ts";

export interface EnsureStandInsOptions {
  readonly cacheDir: string;
  readonly tools: Tools;
  /** Fetch nothing: npm, which the Node image holds, must be in the cache. */
  readonly offline: boolean;
  /** The environment of the docker client, with what Engine.env says. */
  readonly env: NodeJS.ProcessEnv;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Tells a stand-in from an official image, and from a stand-in that was made of something else. */
export const standInLabel = "stand-in";

/**
 * Makes the stand-ins that the engine does not have; returns the names of all four. 0.1 s when it has them, else a few.
 *
 * @throws MeshError MESH_TOOL_FETCH when the engine does not take one, MESH_TOOL_OFFLINE, MESH_DISK_FULL; the signal's reason
 */
export async function ensureStandIns(options: EnsureStandInsOptions): Promise<readonly string[]> {
  const { env, report, signal } = options;
  const npmDir = await ensureNpmPackage(options);
  const standIns = await describeStandIns({ ...options, npmDir, architecture: toolArchitecture() });
  const held = await labelsOf(
    standIns.map(({ name }) => name),
    { env, signal },
  );
  for (const standIn of standIns) {
    const print = fingerprint(standIn);
    const label = held.get(standIn.name);
    if (label === "official" || label === print) continue;
    const begun = performance.now();
    report({ kind: "start", stage: "docker", message: `making a stand-in for ${standIn.name}` });
    await load(standIn, print, { env, signal });
    const elapsedMs = performance.now() - begun;
    report({ kind: "done", stage: "docker", message: `a stand-in for ${standIn.name} is in the engine`, elapsedMs });
  }
  return standIns.map(({ name }) => name);
}

/** Of all that a stand-in is made of. */
function fingerprint({ name, config, entries }: StandIn): string {
  return createHash("sha256")
    .update(JSON.stringify([name, config, entries]))
    .digest("hex")
    .slice(0, 16);
}

type DockerOptions = Pick<EnsureStandInsOptions, "env" | "signal">;

/** Per image that the engine has: its stand-in's label, or `official`. */
async function labelsOf(
  names: readonly string[],
  { env, signal }: DockerOptions,
): Promise<ReadonlyMap<string, string>> {
  const format = `{{join .RepoTags " "}}|{{index .Config.Labels "${standInLabel}"}}`;
  const args = ["image", "inspect", "--format", format, ...names];
  const lines = await promisify(execFile)("docker", args, { env, signal }).then(
    ({ stdout }) => stdout,
    // It ends with 1 when an image is missing, and has printed the others.
    (error: unknown) => stdoutOf(error),
  );
  return new Map(
    lines.split("\n").flatMap((line) => {
      const [tags = "", label = ""] = line.split("|");
      return tags.split(" ").map((tag) => [tag, label === "" ? "official" : label] as const);
    }),
  );
}

function stdoutOf(error: unknown): string {
  if (error instanceof Error && "stdout" in error && "code" in error && error.code === 1) return String(error.stdout);
  throw error;
}

async function load(standIn: StandIn, label: string, { env, signal }: DockerOptions): Promise<void> {
  const description = `Stand-in for ${standIn.name}, made of programs of this machine; not the official image`;
  const Labels = { [standInLabel]: label, "org.opencontainers.image.description": description };
  const archive = writeImageArchive({ ...standIn, config: { ...standIn.config, Labels } });
  const child = spawn("docker", ["image", "load", "--quiet"], { env, signal, stdio: ["pipe", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
  const closed = once(child, "close");
  const written = pipeline(Readable.from(archive), child.stdin, { signal });
  const [end, write] = await Promise.allSettled([closed, written]);
  signal.throwIfAborted();
  if (end.status === "rejected") throw end.reason;
  const [status]: unknown[] = end.value;
  if (status === 0 && write.status === "fulfilled") return;
  if (/no space left on device/u.test(said)) throw diskFull(`making a stand-in for ${standIn.name}`, [said.trim()]);
  // When docker has nothing to say, it is the writing that failed: a program that changed meanwhile.
  if (said === "" && write.status === "rejected") throw write.reason;
  throw new MeshError("MESH_TOOL_FETCH", `the Docker engine did not take the stand-in for ${standIn.name}`, {
    details: said.trim().split("\n"),
    fix: "see the engine's log, then run this again",
  });
}
