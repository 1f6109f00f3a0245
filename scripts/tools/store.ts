// Puts a finished toolset into the cache: whole, recorded, and only when its programs are what they should be.

import { chmod, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import { MeshError, messageOf, systemErrorCode } from "../errors.ts";
import { versionOf } from "./named-tools.ts";
import { recordFiles } from "./record.ts";
import type { Toolset } from "./toolset.ts";

/**
 * Moves a folder that holds a toolset's programs and nothing else to its place in the cache, in one step. What lies
 * there is replaced; processes that run from it are not disturbed.
 *
 * @throws MeshError MESH_TOOL_FETCH when a program cannot be run or is of another version
 */
export async function putInCache(toolset: Toolset, from: string, to: string): Promise<void> {
  await Promise.all(
    toolset.programs.map(async (program) => {
      const file = join(from, program);
      await chmod(file, 0o755);
      await requireVersion(toolset, file);
      await flush(file);
    }),
  );
  await chmod(from, 0o755);
  await recordFiles(from, toolset.programs);
  await makePublicFolder(dirname(to));
  const discarded = `${to}.discarded-${process.pid}`;
  await moveAside(to, discarded);
  await rename(from, to);
  await rm(discarded, { recursive: true, force: true });
}

async function requireVersion({ title, version }: Toolset, file: string): Promise<void> {
  let found: string | undefined;
  try {
    found = await versionOf(file);
  } catch (error) {
    throw new MeshError("MESH_TOOL_FETCH", `${title} was got but does not run on this machine: ${messageOf(error)}`, {
      fix: "it needs Linux with glibc 2.31 or newer (Debian 11, Ubuntu 20.04)",
      cause: error,
    });
  }
  if (found === version) return;
  throw new MeshError("MESH_TOOL_FETCH", `what was got as ${title} says it is version ${found ?? "unknown"}`, {
    fix: "run this again; when it says the same, see where the registries in use come from (go env GOPROXY, pip config list)",
  });
}

/** So that after a power failure the record does not vouch for bytes that never reached the disk. */
async function flush(file: string): Promise<void> {
  await using handle = await open(file, "r");
  await handle.sync();
}

async function moveAside(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}

/** Makes a folder and its missing parents with mode 0755: other users' processes run what lies in root's cache. */
export async function makePublicFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await chmod(made, 0o755);
}
