// The state folder (`.mesh/`): what one mesh is, between two commands. `state.json` is small and decides; `plan.json`
// is the plan that was applied last. Both runtimes use it.

import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import { MeshError, messageOf, systemErrorCode } from "../errors.ts";
import type { Plan } from "../plan/plan.ts";
import type { ProcessIdentity } from "./proc.ts";
import { removeTree } from "./remove-tree.ts";
import { readPlainFile, writeWhole } from "../whole-file.ts";

const schemaVersion = 1;

export interface State {
  readonly schemaVersion: typeof schemaVersion;
  readonly runtime: Plan["runtime"];
  /** See StateFolder.id. */
  readonly id: string;
  /** Real path of the state folder when it was made: a copy of it must not pass for the mesh. */
  readonly stateDir: string;
  /** `stopped`: only what is durable is left. */
  readonly phase: "up" | "stopped";
  /** Who runs the commands of this mesh. */
  readonly uid: number;
  readonly places: Places;
  readonly allocations: Allocations;
  /** Native: the supervisor, while the mesh is up. */
  readonly supervisor?: ProcessIdentity;
}

/** Folders of one mesh; chosen once. */
export interface Places {
  readonly dataDir: string;
  readonly runDir: string;
  readonly logDir: string;
  /** Copies of what other users cannot read in the clone (stage.ts). */
  readonly stageDir: string;
}

/** What this mesh was given of the machine; an edit of mesh.yaml never changes what is given already. */
export interface Allocations {
  /** Addresses 127.(64 + block >> 8).(block & 255).*. */
  readonly loopbackBlock?: number;
  /** Per trust domain. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Per workload. */
  readonly inboundPorts: Readonly<Record<string, number>>;
  /** As root: the mesh's own numeric ids, one per process. */
  readonly users?: { readonly first: number; readonly assigned: Readonly<Record<string, number>> };
}

export interface StateFolder {
  /** Real path. */
  readonly path: string;
  /** Short hash of the real path: names the mesh on this machine. */
  readonly id: string;
  /**
   * undefined: nothing was ever made here, or it was destroyed.
   *
   * @throws MeshError MESH_STATE_INVALID (unreadable, damaged, newer, copied, another user's)
   */
  read(): Promise<State | undefined>;
  write(state: State): Promise<void>;
  readPlan(): Promise<Plan | undefined>;
  writePlan(plan: Plan): Promise<void>;
  /**
   * Whether what it holds was made by a mesh: it has a state; or, that lost, a plan or its usual name, and nothing else
   * in it. Of any other folder the contents are its owner's, whatever they are called.
   */
  isMesh(): Promise<boolean>;
  /** Removes all it holds but the lock, which its holder lets go of last. */
  clear(): Promise<void>;
}

/** Opens the state folder; makes it when `create` is set. Reading from one that is absent reads nothing. */
export async function openStateFolder(path: string, options: { readonly create: boolean }): Promise<StateFolder> {
  if (options.create) {
    await makeFolder(path);
    await refuseForeignFolder(path);
  }
  const real = await realPathOf(resolve(path));
  const stateFile = join(real, "state.json");
  const planFile = join(real, "plan.json");
  const id = meshId(real);
  return {
    path: real,
    id,
    async read() {
      const value = await readJson(stateFile, real);
      return value === undefined ? undefined : checkState(value, { file: stateFile, stateDir: real });
    },
    write: (state) => writeWhole(stateFile, toJson(state), { mode: 0o600, durable: true }),
    async readPlan() {
      const value = await readJson(planFile, real);
      if (value === undefined || isPlan(value)) return value;
      throw damaged(planFile, "it is not a plan", real);
    },
    writePlan: (plan) => writeWhole(planFile, toJson(plan), { mode: 0o600 }),
    async isMesh() {
      if ((await readJson(stateFile, real)) !== undefined) return true;
      const names = await namesIn(real);
      const isNamed = basename(real) === ".mesh" || names.includes("plan.json");
      return isNamed && names.some((name) => name !== "lock") && names.every(isOwnName);
    },
    async clear() {
      for (const name of await namesIn(real)) if (name !== "lock") await removeTree(join(real, name));
    },
  };
}

/** See StateFolder.id. */
export function meshId(stateDir: string): string {
  return createHash("sha256").update(stateDir).digest("hex").slice(0, 8);
}

async function makeFolder(path: string): Promise<void> {
  try {
    const made = await mkdir(path, { recursive: true, mode: 0o700 });
    // Root's processes have other users, who must pass through to their own folders inside.
    if (made !== undefined && process.getuid?.() === 0) await chmod(path, 0o711);
  } catch (error) {
    throw new MeshError("MESH_STATE_INVALID", `the state folder ${path} cannot be made: ${messageOf(error)}`, {
      fix: "choose another place with --state DIR",
      cause: error,
    });
  }
}

const ownNames = new Set([
  "state.json",
  "plan.json",
  "lock",
  "data",
  "logs",
  "stage",
  "decisions",
  "docker",
  "swapped.yml",
]);

/** What a command or a crash may have left. */
function isOwnName(name: string): boolean {
  return ownNames.has(name) || /^(?:state|plan)\.json\..*\.new$/.test(name);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw error;
  }
}

/** `down` removes the whole folder: it must hold nothing of anybody else. */
async function refuseForeignFolder(path: string): Promise<void> {
  const names = await readdir(path);
  const foreign = names.find((name) => !isOwnName(name));
  if (foreign === undefined || names.includes("state.json")) return;
  throw new MeshError("MESH_STATE_INVALID", `${path} is not a state folder, and not empty: it holds ${foreign}`, {
    fix: "choose a new or empty folder with --state DIR",
  });
}

/** realpath(3), also for a path whose last parts do not exist. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT" || dirname(path) === path) throw error;
    return join(await realPathOf(dirname(path)), basename(path));
  }
}

/** Only what this user wrote counts: it says what is to be ended and removed. */
async function readJson(file: string, stateDir: string): Promise<unknown> {
  const found = await readOwn(file);
  if (found === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(found.content);
    return value;
  } catch (error) {
    throw damaged(file, messageOf(error), stateDir);
  }
}

async function readOwn(file: string) {
  const uid = process.getuid?.() ?? 0;
  const foreign = (whose: string, cause?: unknown): MeshError =>
    new MeshError("MESH_STATE_INVALID", `${file} belongs to ${whose}, you are ${uid}`, {
      fix: "run as the user who ran ./mesh up, or choose another place with --state DIR",
      cause,
    });
  try {
    const found = await readPlainFile(file);
    if (found !== undefined && found.uid !== uid) throw foreign(`user ${found.uid}`);
    return found;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "EACCES" || code === "EPERM") throw foreign("another user", error);
    throw error;
  }
}

function checkState(value: unknown, { file, stateDir }: { file: string; stateDir: string }): State {
  const version = isRecord(value) ? value["schemaVersion"] : undefined;
  if (typeof version === "number" && version > schemaVersion)
    throw new MeshError(
      "MESH_STATE_INVALID",
      `${file} was written by a newer version (schema ${version}; this one knows ${schemaVersion})`,
      { fix: "use that version, at least for ./mesh down" },
    );
  if (!isState(value)) throw damaged(file, "it is not a state of this version", stateDir);
  if (value.stateDir !== stateDir)
    throw new MeshError("MESH_STATE_INVALID", `${stateDir} was made as ${value.stateDir}, and moved or copied since`, {
      fix: `move it back to run ./mesh down, or remove it: rm -r ${shellWord(stateDir)}`,
    });
  const uid = process.getuid?.() ?? 0;
  if (value.uid !== uid)
    throw new MeshError("MESH_STATE_INVALID", `the mesh of ${stateDir} is run by user ${value.uid}, you are ${uid}`, {
      fix: "run as that user, or choose another place with --state DIR",
    });
  return value;
}

function damaged(file: string, why: string, stateDir: string): MeshError {
  return new MeshError("MESH_STATE_INVALID", `${file} is damaged: ${why}`, {
    fix: `rm -r ${shellWord(stateDir)}; the next ./mesh up ends what still runs and starts anew`,
  });
}

/** As it is typed at a prompt. */
export function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isState(value: unknown): value is State {
  return (
    isRecord(value) &&
    value["schemaVersion"] === schemaVersion &&
    (value["runtime"] === "native" || value["runtime"] === "docker") &&
    (value["phase"] === "up" || value["phase"] === "stopped") &&
    typeof value["id"] === "string" &&
    typeof value["stateDir"] === "string" &&
    typeof value["uid"] === "number" &&
    isRecord(value["places"]) &&
    ["dataDir", "runDir", "logDir", "stageDir"].every((key) => isAbsolute(value["places"], key)) &&
    isRecord(value["allocations"]) &&
    isRecord(value["allocations"]["addresses"]) &&
    isRecord(value["allocations"]["inboundPorts"])
  );
}

/** Folders of the state are removed by `down`: a damaged file must not choose which. */
function isAbsolute(places: unknown, key: string): boolean {
  const path = isRecord(places) ? places[key] : undefined;
  return typeof path === "string" && path.startsWith("/") && !path.split("/").includes("..");
}

function isPlan(value: unknown): value is Plan {
  return isRecord(value) && ["domains", "processes", "folders", "edges"].every((key) => Array.isArray(value[key]));
}
