// Trees of files: listed, judged and copied so that every user can read them and only their owner can write them.
// Synchronous on purpose: hundreds of small calls, each far cheaper than a thread hop.

import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
} from "node:fs";
import { readSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";

import { systemErrorCode } from "../errors.ts";

export interface TreeEntry {
  /** Relative to the tree's root. */
  readonly path: string;
  readonly kind: "file" | "folder" | "link";
  readonly mode: number;
  /** Changes whenever the content may have. */
  readonly version: string;
}

/** Everything at and below `path` (a file or a folder), folders before what they hold; nothing when it is absent. */
export function listTree(root: string, path: string, skip: (path: string) => boolean = () => false): TreeEntry[] {
  if (skip(path)) return [];
  const entry = entryAt(root, path);
  if (entry?.kind !== "folder") return entry === undefined ? [] : [entry];
  return [entry, ...readdirSync(join(root, path)).flatMap((name) => listTree(root, join(path, name), skip))];
}

/** One file, folder or link, without what it holds; undefined when it is absent or something else (a socket). */
export function entryAt(root: string, path: string): TreeEntry | undefined {
  const found = lstatIfThere(join(root, path));
  if (found === undefined) return undefined;
  const { mode, size, mtimeMs } = found;
  if (found.isSymbolicLink()) return { path, kind: "link", mode, version: `-> ${readlinkSync(join(root, path))}` };
  if (found.isFile()) return { path, kind: "file", mode, version: `${size} ${mtimeMs} ${mode}` };
  return found.isDirectory() ? { path, kind: "folder", mode, version: "" } : undefined;
}

/** Whether users other than the owner can read all of it. (That they can get there: places.ts, canBeEntered.) */
export function isReadableByOthers(entries: readonly TreeEntry[]): boolean {
  return entries.every(({ kind, mode }) => kind === "link" || (mode & (kind === "folder" ? 0o5 : 0o4)) !== 0);
}

/**
 * Copies entries of one tree into another that only we can write: folders 0755, files 0644 or 0755, so that who may read
 * them is decided at the top (`closeTo`). Links are copied as links, and nothing is read through one. A file is replaced
 * by rename, so that who runs from it is not disturbed.
 */
export function copyEntries(from: string, to: string, entries: readonly TreeEntry[]): void {
  for (const entry of entries) {
    const target = join(to, entry.path);
    // Before anything is written below it: what was a link there must not lead out of the copy.
    const there = kindAt(target);
    if (there !== undefined && there !== entry.kind) rmSync(target, { recursive: true });
    makePublicFolder(entry.kind === "folder" ? target : dirname(target));
    if (entry.kind === "folder") continue;
    const unfinished = `${target}.new`;
    rmSync(unfinished, { recursive: true, force: true });
    if (entry.kind === "link") symlinkSync(readlinkSync(join(from, entry.path)), unfinished);
    else copyFile(join(from, entry.path), unfinished, (entry.mode & 0o111) === 0 ? 0o644 : 0o755);
    renameSync(unfinished, target);
  }
}

/** Of a plain file alone: it may have become something else since it was listed. */
function copyFile(from: string, to: string, mode: number): void {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY, O_CREAT, O_EXCL } = constants;
  const source = openSync(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const found = fstatSync(source);
    if (!found.isFile()) throw new Error(`${from} is no file any more`);
    const chunk = Buffer.allocUnsafe(Math.min(found.size + 1, 1024 * 1024));
    const copy = openSync(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      for (let length = readSync(source, chunk); length > 0; length = readSync(source, chunk))
        for (let written = 0; written < length;) written += writeSync(copy, chunk, written, length - written);
      fchmodSync(copy, mode);
    } finally {
      closeSync(copy);
    }
  } finally {
    closeSync(source);
  }
}

function kindAt(path: string): TreeEntry["kind"] | undefined {
  const found = lstatIfThere(path);
  if (found === undefined) return undefined;
  if (found.isSymbolicLink()) return "link";
  return found.isDirectory() ? "folder" : "file";
}

/** Hands a fresh copy to a user. Only for trees that no process of that user can reach yet. */
export function giveTo(root: string, uid: number): void {
  for (const { path } of listTree(root, ".")) lchownSync(join(root, path), uid, uid);
}

/** Makes a folder that nobody but its owner and one group can enter, whatever lies in it. Its parent must be ours alone. */
export function closeTo(path: string, gid: number): void {
  makePublicFolder(path, 0o700);
  const { uid } = lstatSync(path);
  lchownSync(path, uid, gid);
  chmodSync(path, 0o750);
}

/** Makes a folder, and those above it, that other users can enter whatever the umask; leaves alone what is there. */
export function makePublicFolder(path: string, mode = 0o755): void {
  if (lstatIfThere(path) !== undefined) return;
  makePublicFolder(dirname(path));
  mkdirSync(path);
  chmodSync(path, mode);
}

function lstatIfThere(path: string) {
  try {
    return lstatSync(path);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
