// Removing a tree that other users own parts of. As root that is dangerous while their processes run: one that swaps a
// folder for a symbolic link at the right moment has root empty another folder (CWE-363).

import { constants } from "node:fs";
import { open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { systemErrorCode } from "../errors.ts";

/** Removes `path` and all below it; nothing when it is absent. Its parent must be a folder that only we can write. */
export async function removeTree(path: string): Promise<void> {
  if (process.getuid?.() === 0) await seize(path);
  await rm(path, { recursive: true, force: true });
}

/** Takes every folder away from its user, from the top: in a folder that is ours no name can be swapped any more. */
async function seize(path: string): Promise<void> {
  if (!(await seizeOne(path))) return;
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isDirectory()) await seize(join(path, entry.name));
}

/** False when it is no folder. */
async function seizeOne(path: string): Promise<boolean> {
  try {
    const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      if ((await folder.stat()).uid !== 0) {
        await folder.chown(0, 0);
        await folder.chmod(0o700);
      }
    } finally {
      await folder.close();
    }
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP") return false;
    throw error;
  }
}
