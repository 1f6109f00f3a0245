// The folder of one `command` app: a copy of its workingDir, written by its build and so owned by its user.

import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";

import { systemErrorCode } from "../errors.ts";
import type { App } from "../model/mesh.ts";
import { writeWhole } from "../whole-file.ts";
import { refuseOutwardLink } from "./outward-link.ts";
import { removeTree } from "./remove-tree.ts";
import type { Places } from "./state.ts";
import { closeTo, copyEntries, giveTo, listTree, makePublicFolder } from "./tree.ts";

export interface StageAppOptions {
  /** Of its process. */
  readonly name: string;
  readonly app: App;
  readonly uid: number;
  readonly repositoryDir: string;
  readonly places: Places;
}

/** Raised when copies are made in another way, so that those that are there are made anew. */
const copyVersion = 2;

/**
 * Copies the app's folder when anything in it changed, and returns the copy, which its user alone can enter. It is made
 * anew as a whole, out of the app's reach, and then swapped in: root never writes below a folder that the app's user can
 * change.
 *
 * @throws MeshError MESH_INPUT_INVALID for a link that leads out of the checkout
 */
export async function stageApp({ name, app, uid, repositoryDir, places }: StageAppOptions): Promise<string> {
  const folder = app.workingDir ?? ".";
  const source = normalize(join(repositoryDir, folder));
  const target = join(places.stageDir, "apps", name);
  const entries = listTree(source, ".", (path) => isNotSource(join(source, path), { repositoryDir, places }));
  for (const { path, kind } of entries)
    if (kind === "link") refuseOutwardLink(repositoryDir, join(folder, path), `what ${name} is copied from`);
  const version = JSON.stringify([copyVersion, uid, app.build, ...entries.map((entry) => [entry.path, entry.version])]);
  if ((await readIfThere(`${target}.json`)) === version) return target;
  const hidden = join(places.stageDir, "private");
  await mkdir(hidden, { recursive: true, mode: 0o700 });
  makePublicFolder(dirname(target));
  const fresh = join(hidden, name);
  await rm(fresh, { recursive: true, force: true });
  copyEntries(source, fresh, entries);
  if (app.build !== undefined) giveTo(fresh, uid);
  closeTo(fresh, uid);
  await rm(`${target}.json`, { force: true });
  await removeTree(target);
  await rename(fresh, target);
  await writeWhole(`${target}.json`, version, { mode: 0o600 });
  return target;
}

function isNotSource(path: string, { repositoryDir, places }: { repositoryDir: string; places: Places }): boolean {
  const skipped = [".git", ".mesh", "node_modules"].map((name) => join(repositoryDir, name));
  return [...skipped, ...Object.values(places)].includes(normalize(path)) || isStateFolder(path);
}

/** Of another mesh of this checkout (`--state DIR`): it may hold that mesh's keys. */
function isStateFolder(path: string): boolean {
  return ["state.json", "plan.json"].every((name) => existsSync(join(path, name)));
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
