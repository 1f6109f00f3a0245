// Takes files of this machine for an image: programs with the shared libraries that ldd(1) names, and whole folders.

import { execFile } from "node:child_process";
import { createReadStream } from "node:fs";
import { readdir, readlink, realpath, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";

import { type Owner, type TarEntry, root } from "./tar.ts";

/** A file that will be taken, and where in the image it goes. */
export interface Taken {
  readonly from: string;
  readonly path: string;
}

/**
 * The shared libraries of programs, at the paths where the loader looks for them; none of a static one.
 *
 * @throws when one is not found
 */
export async function sharedLibraries(programs: readonly string[]): Promise<Taken[]> {
  const libraries = new Set(parseLdd(await ldd(programs)));
  return [...libraries].map((library) => ({ from: library, path: library.slice(1) }));
}

/** The absolute paths in the output of ldd(1). */
export function parseLdd(output: string): string[] {
  const missing = /^\s*(\S+) => not found/mu.exec(output)?.[1];
  if (missing !== undefined) throw new Error(`the shared library ${missing} was not found`);
  // `libm.so.6 => /lib/…/libm.so.6 (0x…)`, and the loader itself: `/lib64/ld-linux-x86-64.so.2 (0x…)`. The rest
  // (linux-vdso.so.1) is the kernel's.
  return output.split("\n").flatMap((line) => /^\s*(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/u.exec(line)?.[1] ?? []);
}

async function ldd(programs: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)("ldd", programs)).stdout;
  } catch (error) {
    // A static program among them: ldd says so and ends with 1.
    if (error instanceof Error && "stdout" in error && error.message.includes("not a dynamic executable")) {
      return String(error.stdout);
    }
    throw error;
  }
}

export interface FileOptions {
  readonly mode?: number;
  readonly owner?: Owner;
}

/** The file behind a path, links followed. Owned by root, 0755, unless said otherwise. */
export async function takeFile({ from, path }: Taken, options: FileOptions = {}): Promise<TarEntry> {
  const file = await realpath(from);
  const { size, mtimeMs, ino } = await stat(file);
  const { mode = 0o755, owner = root } = options;
  // A buffer of that size is made for each file.
  const highWaterMark = Math.min(Math.max(size, 1), 1024 ** 2);
  const content = (): AsyncIterable<Uint8Array> => createReadStream(file, { highWaterMark });
  return { kind: "file", path, mode, owner, size, content, identity: `${mtimeMs} ${ino}` };
}

/** All that lies in a folder, owned by root, with its modes and links as they are; in the order of its names. */
export async function takeFolder({ from, path }: Taken): Promise<TarEntry[]> {
  const entries = await readdir(from, { recursive: true, withFileTypes: true });
  const taken = entries.map(async (entry): Promise<TarEntry> => {
    const file = join(entry.parentPath, entry.name);
    const target = join(path, relative(from, file));
    if (entry.isSymbolicLink()) return { kind: "link", path: target, target: await readlink(file) };
    if (entry.isDirectory()) return { kind: "folder", path: target, mode: 0o755, owner: root };
    const { mode } = await stat(file);
    return takeFile({ from: file, path: target }, { mode: (mode & 0o111) === 0 ? 0o644 : 0o755 });
  });
  const all = [folder(path), ...(await Promise.all(taken))];
  return all.toSorted((left, right) => (left.path < right.path ? -1 : 1));
}

export function folder(path: string, { mode = 0o755, owner = root }: FileOptions = {}): TarEntry {
  return { kind: "folder", path, mode, owner };
}

export function link(path: string, target: string): TarEntry {
  return { kind: "link", path, target };
}

/**
 * The entries with the folders they lie in (0755, root's unless said otherwise) where none is given, each before what it
 * holds. What is named twice is taken once.
 */
export function withParents(entries: readonly TarEntry[], options: { readonly owner?: Owner } = {}): TarEntry[] {
  const byPath = new Map<string, TarEntry>();
  for (const entry of entries) byPath.set(entry.path, entry);
  for (const { path } of entries) {
    for (let parent = dirname(path); parent !== "."; parent = dirname(parent)) {
      if (!byPath.has(parent)) byPath.set(parent, folder(parent, options));
    }
  }
  return [...byPath.values()].toSorted((left, right) => (left.path < right.path ? -1 : 1));
}
