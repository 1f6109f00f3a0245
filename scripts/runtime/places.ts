// Which folders a mesh uses on this machine: for its data, where every process's user can reach it; for its sockets,
// where nobody else can put anything and where paths stay short.

import { lstat, mkdir, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

import { MeshError, systemErrorCode } from "../errors.ts";
import type { Places } from "./state.ts";

export interface PlacesOptions {
  /** Real path. */
  readonly stateDir: string;
  readonly id: string;
  readonly uid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Data lies in the state folder; as root, where that lies below a folder that other users cannot enter (a clone under
 * /root), in /var/lib/mesh-<id>. Sockets lie in /run/mesh-<id> as root, else in $XDG_RUNTIME_DIR, else in /tmp.
 */
export async function choosePlaces(options: PlacesOptions): Promise<Places> {
  const { stateDir, id, uid } = options;
  const base = uid !== 0 || (await canBeEntered(stateDir)) ? stateDir : foreignDataDir(id);
  return {
    dataDir: join(base, "data"),
    logDir: join(base, "logs"),
    stageDir: join(base, "stage"),
    runDir: await chooseRunDir(options),
  };
}

/** Where root's data lies when the state folder cannot be entered by other users. */
export function foreignDataDir(id: string): string {
  return `/var/lib/mesh-${id}`;
}

async function chooseRunDir({ id, uid, env }: PlacesOptions): Promise<string> {
  if (uid === 0) return `/run/mesh-${id}`;
  const runtimeDir = env["XDG_RUNTIME_DIR"];
  if (runtimeDir !== undefined && runtimeDir.startsWith("/") && (await isOwnFolder(runtimeDir, uid)))
    return join(runtimeDir, `mesh-${id}`);
  return `/tmp/mesh-${uid}-${id}`;
}

/** Whether users other than the owner may pass through every folder from the root down to this one. */
export async function canBeEntered(path: string): Promise<boolean> {
  for (let folder = await realpath(path); ; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
    if (dirname(folder) === folder) return true;
  }
}

/** After `su` the variable may still name another user's folder. */
async function isOwnFolder(path: string, uid: number): Promise<boolean> {
  try {
    const found = await lstat(path);
    return found.isDirectory() && found.uid === uid && (found.mode & 0o022) === 0;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "EACCES") return false;
    throw error;
  }
}

/**
 * Makes the folder of sockets, or proves that the one that is there is ours: in /tmp anybody could have made it first,
 * or put a symbolic link there (CWE-377).
 *
 * @throws MeshError MESH_STATE_INVALID
 */
export async function makeRunDir(path: string, uid: number): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
  }
  const found = await lstat(path);
  if (found.isDirectory() && found.uid === uid && (found.mode & 0o022) === 0) return;
  throw new MeshError("MESH_STATE_INVALID", `${path} is there already and is not a folder of ours`, {
    fix: `see who made it: ls -ld ${path}; remove it, or set XDG_RUNTIME_DIR to a folder of your own`,
  });
}
