// Programs that the user names in the environment, which come before anything in the cache.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

import { MeshError, messageOf } from "../errors.ts";
import { type ToolName, type Toolset, environmentNames } from "./toolset.ts";
import { parseToolVersion } from "./versions.ts";

/**
 * Returns the paths that the environment names for programs of a toolset, each of the right version. Names of the
 * cache's own programs (`cachedIn` is the toolset's folder there) do not count: its record is the quicker check.
 *
 * @throws MeshError MESH_TOOL_VERSION when a named program has another version, or none
 */
export async function findNamedTools(
  toolset: Toolset,
  { env, cachedIn }: { readonly env: NodeJS.ProcessEnv; readonly cachedIn: string },
): Promise<ReadonlyMap<ToolName, string>> {
  const named = toolset.programs.flatMap((program) => {
    const path = env[environmentNames[program]];
    const isNamed = path !== undefined && path !== "" && path !== join(cachedIn, program);
    return isNamed ? [[program, path] as const] : [];
  });
  await Promise.all(named.map(([program, path]) => requireNamed(toolset, program, path)));
  return new Map(named);
}

async function requireNamed({ title, version }: Toolset, program: ToolName, path: string): Promise<void> {
  const variable = environmentNames[program];
  const fix = `point ${variable} to the ${program} of ${title}, or unset it and the mesh gets its own`;
  if (!path.startsWith("/")) {
    throw new MeshError("MESH_TOOL_VERSION", `${variable} must be an absolute path, not ${path}`, { fix });
  }
  const found = await versionOf(path).catch((error: unknown) => {
    throw new MeshError("MESH_TOOL_VERSION", `${variable} names ${path}, which cannot be run: ${messageOf(error)}`, {
      fix,
    });
  });
  if (found === version) return;
  const said = found === undefined ? "tells no version" : `is version ${found}`;
  throw new MeshError("MESH_TOOL_VERSION", `${variable} names ${path}, which ${said}; the mesh needs ${version}`, {
    fix,
  });
}

/**
 * What a program prints for `--version`; undefined when that holds no version.
 *
 * @throws when it cannot be run
 */
export async function versionOf(path: string): Promise<string | undefined> {
  const { stdout, stderr } = await promisify(execFile)(path, ["--version"], { timeout: 30_000 });
  return parseToolVersion(`${stdout}\n${stderr}`);
}
