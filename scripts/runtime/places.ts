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
  if (runtimeDir !== undefined && runtimeDir.startsWith("/") && (await ownership(runtimeDir, uid)) === "ours")
    return join(runtimeDir, `mesh-${id}`);
  return `/tmp/mesh-${uid}-${id}`;
}

interface OuterFolders {
  /** Of sockets; the first is the one that would be chosen now. */
  readonly runDirs: readonly [string, ...string[]];
  /** In which data, logs and copies may lie. */
  readonly bases: readonly string[];
}

/**
 * Every folder outside the state folder that may be this mesh's, whatever the environment and the modes were when it
 * came up. All are named after it, so no other mesh has one of them.
 */
export async function outerFolders(options: PlacesOptions): Promise<OuterFolders> {
  const { id, uid } = options;
  const chosen = await chooseRunDir(options);
  if (uid === 0) return { runDirs: [chosen], bases: [foreignDataDir(id)] };
  // The second is systemd's, which a login names and `su` does not.
  const others = [`/tmp/mesh-${uid}-${id}`, `/run/user/${uid}/mesh-${id}`];
  return { runDirs: [chosen, ...others.filter((other) => other !== chosen)], bases: [] };
}

/** Whether users other than the owner may pass through every folder from the root down to this one. */
export async function canBeEntered(path: string): Promise<boolean> {
  for (let folder = await realPathOf(path); ; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
    if (dirname(folder) === folder) return true;
  }
}

/** The folder, or where it is not there yet the one in which it will be made. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    return realPathOf(dirname(path));
  }
}

/**
 * Whose a folder is. `ours`: a real folder of this user's that nobody else can write, at a place where nobody else can
 * put another: only that may be listened in, or removed. Anything else is `foreign`: in /tmp anybody could have made it
 * first, or put a symbolic link there (CWE-377).
 */
export async function ownership(path: string, uid: number): Promise<"ours" | "foreign" | "absent"> {
  try {
    const found = await lstat(path);
    if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o022) !== 0) return "foreign";
    const parent = await stat(dirname(path));
    const isSticky = (parent.mode & 0o1000) !== 0;
    const isSafe = (parent.uid === 0 || parent.uid === uid) && (isSticky || (parent.mode & 0o022) === 0);
    return isSafe ? "ours" : "foreign";
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EACCES") return "absent";
    throw error;
  }
}

/**
 * Makes the folder of sockets, or proves that the one that is there is ours.
 *
 * @throws MeshError MESH_STATE_INVALID
 */
export async function makeRunDir(path: string, uid: number): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
  }
  if ((await ownership(path, uid)) === "ours") return;
  throw new MeshError("MESH_STATE_INVALID", `${path} is there already and is not a folder of ours`, {
    fix: `see who made it: ls -ld ${path}; remove it, or set XDG_RUNTIME_DIR to a folder of your own`,
  });
}
