// The folders of a plan, with owner and mode; and what has to go when the plan no longer has them. Nothing outside the
// mesh's own places is ever made, given away or removed.

import { constants } from "node:fs";
import { lstat, mkdir, open, readdir } from "node:fs/promises";
import { join } from "node:path";

import { MeshError, systemErrorCode } from "../errors.ts";
import type { Folder, Plan } from "../plan/plan.ts";
import { removeTree } from "./remove-tree.ts";
import type { Places } from "./state.ts";

/**
 * Makes the folders, parents first, and corrects owner and mode of those that are there.
 *
 * @param options.uid who runs this: only root can give a folder away, and without root a folder is for its owner alone
 * @throws MeshError MESH_STATE_INVALID for a symbolic link or a file in a folder's place
 */
export async function prepareFolders(
  folders: readonly Folder[],
  options: { readonly places: Places; readonly uid: number },
): Promise<void> {
  for (const folder of folders) {
    refuseOutside(folder.path, options.places);
    await prepareFolder(folder, options.uid);
  }
}

async function prepareFolder({ path, owner, mode }: Folder, uid: number): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  // From here on the folder itself is held, whatever becomes of its name.
  const folder = await openFolder(path);
  try {
    const found = await folder.stat();
    const wantedMode = uid === 0 ? mode : mode & 0o700;
    if (uid === 0 && (found.uid !== owner.uid || found.gid !== owner.gid)) await folder.chown(owner.uid, owner.gid);
    // After chown(2), which may clear the setgid bit.
    if (((await folder.stat()).mode & 0o7777) !== wantedMode) await folder.chmod(wantedMode);
  } finally {
    await folder.close();
  }
}

async function openFolder(path: string) {
  try {
    return await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== "ELOOP" && code !== "ENOTDIR") throw error;
    throw new MeshError("MESH_STATE_INVALID", `${path} must be a folder, and is a symbolic link or a file`, {
      fix: `see what it is: ls -ld ${path}; then remove it`,
      cause: error,
    });
  }
}

/** Removes folders that only an earlier plan had. Their processes must have ended. */
export async function removeObsolete(before: Plan | undefined, now: Plan, places: Places): Promise<void> {
  const kept = new Set(now.folders.map(({ path }) => path));
  for (const { path } of before?.folders ?? []) if (!kept.has(path) && isInside(path, places)) await removeTree(path);
}

/**
 * Removes all but the folders marked durable (and what contains them), and but the folder of sockets, which may be
 * somebody else's by now. Every process must have ended.
 */
export async function removeVolatile(places: Places, plan: Plan | undefined): Promise<void> {
  for (const folder of [places.logDir, places.stageDir]) await removeTree(folder);
  if (plan === undefined) return;
  const durable = plan.folders.filter((folder) => folder.durable).map(({ path }) => path);
  await removeExcept(places.dataDir, durable);
}

/** Keeps `path` when it is kept itself or contains something kept; a kept folder keeps all it holds. */
async function removeExcept(path: string, kept: readonly string[]): Promise<void> {
  const inside = kept.filter((other) => other.startsWith(`${path}/`));
  if (inside.length === 0) {
    if (!kept.includes(path)) await removeTree(path);
    return;
  }
  for (const name of await namesIn(path)) await removeExcept(join(path, name), inside);
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return (await lstat(path)).isDirectory() ? await readdir(path) : [];
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}

function refuseOutside(path: string, places: Places): void {
  if (!isInside(path, places)) throw new Error(`${path} lies outside the mesh's folders`);
}

function isInside(path: string, places: Places): boolean {
  if (path.split("/").includes("..")) return false;
  return Object.values(places).some((place: string) => path === place || path.startsWith(`${place}/`));
}
