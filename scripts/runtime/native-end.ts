// The end of a native mesh: everything that any command made is found and removed, also when the state that would tell of
// it is lost or was never written; and nothing that is somebody else's.

import { existsSync } from "node:fs";
import { basename, join } from "node:path";

import type { Report } from "../events.ts";
import { claimedUsers, releaseUsers } from "./claims.ts";
import { outerFolders, ownership } from "./places.ts";
import { endSupervisor } from "./recover.ts";
import { removeTree } from "./remove-tree.ts";
import type { State, StateFolder } from "./state.ts";
import { type Marks, findLeftovers, sweep } from "./sweep.ts";

export interface EndOptions {
  readonly folder: StateFolder;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly report: Report;
  readonly uid: number;
}

/** When a mesh is not to come back, what its processes still had to finish is of use to nobody. */
const graceMs = 400;

/** See Runtime.exists. */
export async function exists(options: EndOptions): Promise<boolean> {
  const { state, isMesh, folders, runDirs, marks } = await tracesOf(options);
  if (state !== undefined || isMesh || marks.users.length > 0) return true;
  if (folders.some((path) => existsSync(path))) return true;
  for (const runDir of runDirs) if ((await ownership(runDir, options.uid)) === "ours") return true;
  return findLeftovers(marks).length > 0;
}

/** See Runtime.destroy. */
export async function destroy(options: EndOptions): Promise<void> {
  const { folder, uid } = options;
  const { state, isMesh, folders, runDirs, marks } = await tracesOf(options);
  const [runDir, ...others] = runDirs;
  await endSupervisor(runDir, state?.supervisor, graceMs);
  for (const other of others) await endSupervisor(other, undefined, graceMs);
  await sweep(marks);
  await removeRunDir(runDir, options);
  for (const other of others) if ((await ownership(other, uid)) === "ours") await removeTree(other);
  for (const path of folders) await removeTree(path);
  if (uid === 0) await releaseUsers(folder.path);
  if (isMesh) await folder.clear();
}

/** Removes a folder of sockets, unless somebody else has put another in its place: that is said and left alone. */
export async function removeRunDir(path: string, { uid, report }: Pick<EndOptions, "uid" | "report">): Promise<void> {
  if ((await ownership(path, uid)) !== "foreign") return removeTree(path);
  const message = `${path} is not a folder of ours alone, and is left as it is; see who made it: ls -ld ${path}`;
  report({ kind: "warning", stage: "runtime", message });
}

interface Traces {
  readonly state: State | undefined;
  readonly isMesh: boolean;
  readonly folders: readonly string[];
  /** Of sockets; the first is the one that the state names, or that would be chosen now. */
  readonly runDirs: readonly [string, ...string[]];
  readonly marks: Marks;
}

/** All paths are named after the state folder: no other mesh has one of them, whatever a damaged state says. */
async function tracesOf({ folder, env, uid }: EndOptions): Promise<Traces> {
  const { path, id } = folder;
  const state = await folder.read();
  const isMesh = await folder.isMesh();
  const outer = await outerFolders({ stateDir: path, id, uid, env });
  const runDir = state?.places.runDir;
  const named = runDir !== undefined && basename(runDir).endsWith(`-${id}`) ? runDir : outer.runDirs[0];
  const users = state?.allocations.users?.first;
  const claimed = uid === 0 ? await claimedUsers(path) : [];
  return {
    state,
    isMesh,
    folders: [...(isMesh ? ["data", "logs", "stage"].map((name) => join(path, name)) : []), ...outer.bases],
    runDirs: [named, ...outer.runDirs.filter((other) => other !== named)],
    marks: {
      logDirs: [path, ...outer.bases].map((base) => join(base, "logs")),
      users: [...new Set([...(users === undefined ? [] : [users]), ...claimed])],
    },
  };
}
