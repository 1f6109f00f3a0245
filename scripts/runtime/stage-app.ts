// The folder of one `command` app: a copy of its workingDir, written by its build and so owned by its user.

import { execFile } from "node:child_process";
import { lstat, mkdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { promisify } from "node:util";

import { systemErrorCode } from "../errors.ts";
import type { Workload } from "../model/mesh.ts";
import { findSetpriv } from "./program.ts";
import type { Places } from "./state.ts";
import { setprivCommand } from "./supervisor/setpriv.ts";
import { copyEntries, giveTo, listTree, makePublicFolder } from "./tree.ts";
import { writeWhole } from "./whole-file.ts";

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
  await removeAsOwner(`${target}.old`);
  if (await renameIfThere(target, `${target}.old`)) await removeAsOwner(`${target}.old`);
  await rename(fresh, target);
  await writeWhole(`${target}.json`, version, { mode: 0o600 });
  return target;
}

function isNotSource(path: string, { repositoryDir, places }: { repositoryDir: string; places: Places }): boolean {
  const skipped = [".git", ".mesh", "node_modules"].map((name) => join(repositoryDir, name));
  return [...skipped, ...Object.values(places)].includes(normalize(path));
}

/**
 * Removes a tree as the user who owns it: whatever that user's processes do meanwhile with symbolic links, nothing
 * else can be removed.
 */
async function removeAsOwner(path: string): Promise<void> {
  const uid = await ownerIfThere(path);
  if (uid === undefined) return;
  if (uid !== 0) {
    const user = { uid, gid: uid, groups: [] };
    const [program, ...words] = setprivCommand({ setpriv: findSetpriv(), user }, [
      "find",
      path,
      "-mindepth",
      "1",
      "-delete",
    ]);
    await promisify(execFile)(program, words);
  }
  await rm(path, { recursive: true });
}

async function ownerIfThere(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).uid;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function renameIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
