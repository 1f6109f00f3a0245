// Removing a tree that other users own parts of. As root that is dangerous while their processes run: one that swaps a
// folder for a symbolic link at the right moment has root empty another folder (CWE-363). And whoever made it may have
// closed a folder, or nested folders deeper than a path can tell (PATH_MAX).

import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { chmod, lstat, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { systemErrorCode } from "../errors.ts";

/** Removes `path` and all below it; nothing when it is absent. Its parent must be a folder that only we can write. */
export async function removeTree(path: string): Promise<void> {
  const seizeOne = process.getuid?.() === 0 ? seizeAsRoot : openUp;
  if (await seizeOne(path)) await seizeBelow(path, path, seizeOne);
  await rm(path, { recursive: true, force: true });
}

type SeizeOne = (path: string) => Promise<boolean>;

/** Half of PATH_MAX: the names in the deepest folder have the other half. */
const longestPath = 2048;

/** Takes every folder, from the top: in a folder that is ours no name can be swapped any more. */
async function seizeBelow(path: string, top: string, seizeOne: SeizeOne): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const folder = await liftWhenDeep(join(path, entry.name), top);
    if (await seizeOne(folder)) await seizeBelow(folder, top, seizeOne);
  }
}

async function liftWhenDeep(path: string, top: string): Promise<string> {
  if (Buffer.byteLength(path) < longestPath) return path;
  const lifted = join(top, randomUUID());
  await rename(path, lifted);
  return lifted;
}

/** Takes a folder away from its user. False when it is no folder. */
async function seizeAsRoot(path: string): Promise<boolean> {
  try {
    await using folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    const { uid, mode } = await folder.stat();
    if (uid !== 0) await folder.chown(0, 0);
    if (uid !== 0 || (mode & 0o022) !== 0) await folder.chmod(0o700);
    return true;
  } catch (error) {
    return isNoFolder(error);
  }
}

/** Everything is our own here, and nobody else can be at it: but we may have closed it to ourselves. */
async function openUp(path: string): Promise<boolean> {
  try {
    const found = await lstat(path);
    if (found.isDirectory() && (found.mode & 0o700) !== 0o700) await chmod(path, 0o700);
    return found.isDirectory();
  } catch (error) {
    return isNoFolder(error);
  }
}

function isNoFolder(error: unknown): false {
  const code = systemErrorCode(error);
  if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP") return false;
  throw error;
}
