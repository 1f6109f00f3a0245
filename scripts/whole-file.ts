// Files in folders that somebody else may write to: written whole or not at all, and read only when they are files. A
// mesh run as root has a user per process, and root works in folders that those users own (CWE-59, CWE-377).

import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import { MeshError, systemErrorCode } from "./errors.ts";

export interface WholeFileOptions {
  /** Octal; exact, whatever the umask. */
  readonly mode: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Also survives a power failure: file and folder are synced. */
  readonly durable?: boolean;
}

/**
 * Replaces `path` by rename. Nothing that is there already is opened, followed or changed: the new file has a name that
 * nobody can guess, is made by this call or not at all, and gets owner and mode through its descriptor.
 *
 * @throws MeshError MESH_DISK_FULL; MESH_STATE_INVALID when `path` is a folder; system errors
 */
export async function writeWhole(path: string, content: string, options: WholeFileOptions): Promise<void> {
  const unfinished = `${path}.${randomUUID()}.new`;
  try {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const file = await open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      await file.writeFile(content);
      if (options.owner !== undefined) await file.chown(options.owner.uid, options.owner.gid);
      await file.chmod(options.mode);
      if (options.durable === true) await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw writeProblem(path, error);
  }
  if (options.durable === true) await syncFolder(dirname(path));
}

function writeProblem(path: string, error: unknown): unknown {
  const code = systemErrorCode(error);
  if (code === "ENOSPC" || code === "EDQUOT")
    return new MeshError("MESH_DISK_FULL", `there is no space left to write ${path}`, {
      fix: `make room: df -h ${dirname(path)}`,
      cause: error,
    });
  if (code === "EISDIR")
    return new MeshError("MESH_STATE_INVALID", `${path} must be a file, and is a folder`, {
      fix: `see what it is: ls -la ${path}; then remove it`,
      cause: error,
    });
  return error;
}

const unfinishedName = /\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.new$/;
/** No write takes this long: what is older was left by a crash. */
const strayMs = 60_000;

/** Removes what writers that were killed half-way left in a folder. For whoever owns it, when it begins its work. */
export async function removeStrays(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!unfinishedName.test(name)) continue;
    const path = join(folder, name);
    if (await isStray(path)) await rm(path, { force: true });
  }
}

async function isStray(path: string): Promise<boolean> {
  try {
    const found = await lstat(path);
    return !found.isDirectory() && Date.now() - found.mtimeMs > strayMs;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false; // Its writer has finished.
    throw error;
  }
}

/** What is larger is no file of ours. */
const maxBytes = 16 * 1024 * 1024;

/**
 * Reads a file that another user may have put there: undefined when it is absent, or a link, a pipe or anything else
 * that would lead elsewhere or never end.
 */
export async function readPlainFile(
  path: string,
): Promise<{ readonly content: string; readonly mode: number; readonly uid: number } | undefined> {
  try {
    await using file = await openUnfollowed(path);
    const found = await file.stat();
    if (!found.isFile() || found.size > maxBytes) return undefined;
    return { content: await file.readFile("utf8"), mode: found.mode & 0o7777, uid: found.uid };
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ELOOP" || code === "ENXIO") return undefined;
    throw error;
  }
}

/**
 * Opens whatever is at `path` for reading, without following a link (ELOOP) and without waiting for somebody to write
 * into a pipe. Whoever calls judges by its stat what it is.
 */
export async function openUnfollowed(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
