// Programs of the system that run with our own rights: searched for where only root can put them, never in $PATH.

import { accessSync, constants } from "node:fs";
import { join } from "node:path";

import { MeshError, systemErrorCode } from "../errors.ts";

export const systemFolders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/run/current-system/sw/bin"];

/**
 * Absolute path of setpriv(1).
 *
 * @throws MeshError MESH_PREREQUISITE
 */
export function findSetpriv(): string {
  const found = systemFolders.map((folder) => join(folder, "setpriv")).find(isExecutable);
  if (found !== undefined) return found;
  throw new MeshError("MESH_PREREQUISITE", "setpriv is not installed, and processes are started through it", {
    fix: "apt-get install util-linux (2.33 or newer)",
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "EACCES" || code === "ENOTDIR") return false;
    throw error;
  }
}
