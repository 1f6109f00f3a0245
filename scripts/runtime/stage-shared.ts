// Copies that several meshes share and that change only with a version: production dependencies and single programs.
// Each lies under a key of its content and appears by rename, so it is whole whenever it is there.

import { createHash, randomUUID } from "node:crypto";
import { lstat, readFile, readlink, rename, rm, stat, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { systemErrorCode } from "../errors.ts";
import { type TreeEntry, copyEntries, entryAt, listTree, makePublicFolder } from "./tree.ts";

/** Folders and descriptions of the installed production packages: a sample that shows whether others can read them. */
export async function dependencyEntries(repositoryDir: string): Promise<TreeEntry[]> {
  const { packages } = await readLock(repositoryDir);
  return ["node_modules", ...packages]
    .flatMap((path) => [path, join(path, "package.json")])
    .map((path) => entryAt(repositoryDir, path))
    .filter((entry) => entry !== undefined);
}

/** Copies the production dependencies once per package-lock.json and links `target`/node_modules to them. */
export async function stageDependencies(options: {
  readonly repositoryDir: string;
  readonly sharedDir: string;
  readonly target: string;
}): Promise<void> {
  const { repositoryDir, sharedDir, target } = options;
  const { hash, packages } = await readLock(repositoryDir);
  const folder = join(sharedDir, `dependencies-${hash}`);
  await once(folder, (unfinished) => {
    for (const path of packages) {
      // A package nested in another is a package of its own in the lock, and perhaps a development one.
      const nested = join(path, "node_modules");
      copyEntries(
        repositoryDir,
        unfinished,
        listTree(repositoryDir, path, (inside) => inside === nested),
      );
    }
  });
  await link(join(folder, "node_modules"), join(target, "node_modules"));
}

/** Copies one self-contained program (Node, Envoy, SPIRE). */
export async function stageTool(path: string, sharedDir: string): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  const key = createHash("sha256").update(`${path} ${size} ${mtimeMs}`).digest("hex").slice(0, 16);
  const folder = join(sharedDir, `tool-${key}`);
  await once(folder, (unfinished) => {
    copyEntries(dirname(path), unfinished, listTree(dirname(path), basename(path)));
  });
  return join(folder, basename(path));
}

/** Makes a folder whole or not at all; does nothing when it is there. */
async function once(folder: string, fill: (unfinished: string) => void): Promise<void> {
  if (await exists(folder)) return;
  const unfinished = `${folder}.${randomUUID()}.new`;
  makePublicFolder(unfinished);
  try {
    fill(unfinished);
    await rename(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another command was quicker; its copy is as good.
    if (systemErrorCode(error) !== "ENOTEMPTY" && systemErrorCode(error) !== "EEXIST") throw error;
  }
}

interface LockedPackages {
  readonly hash: string;
  /** Paths of production packages that are installed, e.g. `node_modules/undici`. */
  readonly packages: readonly string[];
}

async function readLock(repositoryDir: string): Promise<LockedPackages> {
  const text = await readFile(join(repositoryDir, "package-lock.json"), "utf8");
  const lock: unknown = JSON.parse(text);
  const all = typeof lock === "object" && lock !== null && "packages" in lock ? lock.packages : undefined;
  if (typeof all !== "object" || all === null) throw new Error("package-lock.json has no packages");
  return {
    hash: createHash("sha256").update(text).digest("hex").slice(0, 16),
    packages: Object.entries(all)
      .filter(([path, entry]) => path !== "" && !isDevelopmentOnly(entry))
      .map(([path]) => path),
  };
}

/** `dev`: needed by development only; `devOptional`: that, or optional (npm, package-lock.json). */
function isDevelopmentOnly(entry: unknown): boolean {
  if (typeof entry !== "object" || entry === null) return false;
  return ("dev" in entry && entry.dev === true) || ("devOptional" in entry && entry.devOptional === true);
}

async function link(target: string, path: string): Promise<void> {
  try {
    if ((await readlink(path)) === target) return;
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
  await rm(`${path}.new`, { force: true });
  await symlink(target, `${path}.new`);
  await rename(`${path}.new`, path);
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}
