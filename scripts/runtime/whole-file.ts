// Writing a file whole or not at all: a reader, or the next command after a crash, never sees half of it.

import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

import { MeshError, systemErrorCode } from "../errors.ts";

export interface WholeFileOptions {
  /** Octal; exact, whatever the umask. */
  readonly mode: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Also survives a power failure: file and folder are synced. */
  readonly durable?: boolean;
}

/**
 * Replaces `path` by rename. A symbolic link at `path` is replaced, never followed.
 *
 * @throws MeshError MESH_DISK_FULL; system errors
 */
export async function writeWhole(path: string, content: string, options: WholeFileOptions): Promise<void> {
  const unfinished = `${path}.${randomUUID()}.new`;
  try {
    const file = await open(unfinished, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
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
    if (systemErrorCode(error) !== "ENOSPC" && systemErrorCode(error) !== "EDQUOT") throw error;
    throw new MeshError("MESH_DISK_FULL", `there is no space left to write ${path}`, {
      fix: `make room: df -h ${dirname(path)}`,
      cause: error,
    });
  }
  if (options.durable === true) await syncFolder(dirname(path));
}

/**
 * Reads a file that another user may have put there: undefined when it is absent, or a link, a pipe or anything else
 * that would lead elsewhere or never end.
 */
export async function readPlainFile(
  path: string,
): Promise<{ readonly content: string; readonly mode: number } | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (!found.isFile()) return undefined;
      return { content: await file.readFile("utf8"), mode: found.mode & 0o7777 };
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ELOOP" || code === "ENXIO") return undefined;
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
