// npm as its package, for the stand-in of the Node image: the version that Node brings, its checksum pinned.

import { access, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { MeshError, systemErrorCode } from "../../../errors.ts";
import { runToSuccess } from "../../child.ts";
import { sha256Of } from "../../record.ts";
import { makePublicFolder } from "../../store.ts";
import { versions } from "../../versions.ts";

export interface NpmOptions {
  readonly cacheDir: string;
  readonly offline: boolean;
  /** npm's registry and proxy settings are the user's. */
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

const fix = "see that npm reaches its registry (npm ping), then run this again";

/**
 * Returns the folder that holds npm's package in the tool cache, fetched when it is not there: 2 s.
 *
 * @throws MeshError MESH_TOOL_OFFLINE, MESH_TOOL_FETCH, MESH_DISK_FULL; the signal's reason
 */
export async function ensureNpmPackage({ cacheDir, offline, env, signal }: NpmOptions): Promise<string> {
  const { version, packageSha256 } = versions.npm;
  const dir = join(cacheDir, "tools", `npm-${version}`);
  if (await isThere(join(dir, "bin/npm-cli.js"))) return dir;
  if (offline) {
    throw new MeshError("MESH_TOOL_OFFLINE", `--offline forbids fetching npm ${version}, missing in ${dir}`, {
      fix: "run this once without --offline",
    });
  }
  const work = join(cacheDir, "build", `npm-${version}-${process.pid}`);
  await mkdir(work, { recursive: true });
  try {
    const flags = [
      "--ignore-scripts",
      "--pack-destination",
      work,
      "--cache",
      join(cacheDir, "npm"),
      "--loglevel=error",
    ];
    const options = { env, signal, fix, cwd: work };
    await runToSuccess(`getting npm ${version}`, ["npm", "pack", `npm@${version}`, ...flags], options);
    const archive = join(work, `npm-${version}.tgz`);
    await requireChecksum(archive, packageSha256);
    await runToSuccess("unpacking npm", ["tar", "-xzf", archive, "-C", work, "--no-same-owner"], options);
    await makePublicFolder(join(cacheDir, "tools"));
    await rm(dir, { recursive: true, force: true });
    await rename(join(work, "package"), dir);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return dir;
}

async function requireChecksum(file: string, expected: string): Promise<void> {
  const found = await sha256Of(file);
  if (found === expected) return;
  throw new MeshError("MESH_TOOL_FETCH", "npm's package does not have the checksum in versions.json", {
    details: [`expected: ${expected}`, `found:    ${found}`],
    fix: "see which registry npm uses: npm config get registry",
  });
}

async function isThere(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}
