// The files that containers read, in the folder of docker-compose.yml: written where they differ, removed where the mesh has
// them no more.

import { chmod, mkdir, readFile, readdir, rm } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

import { systemErrorCode } from "../errors.ts";
import { writeWhole } from "../whole-file.ts";

export interface RelativeFile {
  /** Relative to the folder. */
  readonly path: string;
  readonly content: string;
}

/** Paths, relative to the folder. */
export interface RenderedDifference {
  /** Absent, or with another content. */
  readonly changed: readonly string[];
  /** There, though nothing of the mesh. */
  readonly surplus: readonly string[];
}

const owned = ["envoy", "spire"];
/** What the renderer writes there; anything else is somebody else's. */
const kinds = /^(?:server\.conf|agent\.conf|plan\.json|.+\.yaml)$/;

export async function compareRendered(dir: string, files: readonly RelativeFile[]): Promise<RenderedDifference> {
  const same = await Promise.all(files.map(async ({ path, content }) => (await read(join(dir, path))) === content));
  const wanted = new Set(files.map(({ path }) => path));
  const there = (await Promise.all(owned.map((name) => filesBelow(join(dir, name))))).flat();
  return {
    changed: files.filter((_, index) => same[index] !== true).map(({ path }) => path),
    surplus: there.map((path) => relative(dir, path)).filter((path) => !wanted.has(path)),
  };
}

/** Makes the folder hold just these files; returns what it did. Containers' users are others: everybody may read. */
export async function writeRendered(dir: string, files: readonly RelativeFile[]): Promise<RenderedDifference> {
  const difference = await compareRendered(dir, files);
  const changed = new Set(difference.changed);
  for (const { path, content } of files) {
    if (!changed.has(path)) continue;
    await makeFolders(dir, dirname(path));
    await writeWhole(join(dir, path), content, { mode: 0o644 });
  }
  for (const path of difference.surplus) await rm(join(dir, path));
  return difference;
}

async function makeFolders(dir: string, path: string): Promise<void> {
  let folder = dir;
  await mkdir(folder, { recursive: true });
  for (const name of path === "." ? [] : path.split("/")) {
    folder = join(folder, name);
    if ((await mkdir(folder, { recursive: true })) !== undefined) await chmod(folder, 0o755);
  }
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && kinds.test(entry.name))
      .map(({ parentPath, name }) => join(parentPath, name));
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}
