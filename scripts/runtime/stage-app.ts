// The folder of one `command` app: a copy of its workingDir, written by its build and so owned by its user.

import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";

import { systemErrorCode } from "../errors.ts";
import type { Workload } from "../model/mesh.ts";
import { removeTree } from "./remove-tree.ts";
import type { Places } from "./state.ts";
import { copyEntries, giveTo, listTree, makePublicFolder } from "./tree.ts";
import { writeWhole } from "../whole-file.ts";

export interface StageAppOptions {
  readonly workload: Workload;
  readonly uid: number;
  readonly repositoryDir: string;
  readonly places: Places;
}

/**
 * Copies the app's folder when anything in it changed, and returns the copy. It is made anew as a whole, out of the
 * app's reach, and then swapped in: root never writes below a folder that the app's user can change.
 */
export async function stageApp({ workload, uid, repositoryDir, places }: StageAppOptions): Promise<string> {
  const { app, name } = workload;
  const source = normalize(join(repositoryDir, app.workingDir ?? "."));
  const target = join(places.stageDir, "apps", name);
  const entries = listTree(source, ".", (path) => isNotSource(join(source, path), { repositoryDir, places }));
  const version = JSON.stringify([uid, app.build, ...entries.map((entry) => [entry.path, entry.version])]);
  if ((await readIfThere(`${target}.json`)) === version) return target;
  const hidden = join(places.stageDir, "private");
  await mkdir(hidden, { recursive: true, mode: 0o700 });
  makePublicFolder(dirname(target));
  const fresh = join(hidden, name);
  await rm(fresh, { recursive: true, force: true });
  copyEntries(source, fresh, entries);
  if (app.build !== undefined) giveTo(fresh, uid);
  await rm(`${target}.json`, { force: true });
  await removeTree(target);
  await rename(fresh, target);
  await writeWhole(`${target}.json`, version, { mode: 0o600 });
  return target;
}

function isNotSource(path: string, { repositoryDir, places }: { repositoryDir: string; places: Places }): boolean {
  const skipped = [".git", ".mesh", "node_modules"].map((name) => join(repositoryDir, name));
  return [...skipped, ...Object.values(places)].includes(normalize(path));
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
