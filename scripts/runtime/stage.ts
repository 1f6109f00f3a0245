// As root every process has its own user, who may not be able to read the clone (below /root, or made with umask 077).
// Then what those users run is copied to where they can: apps, scripts, production dependencies, Node and tools.

import { readFile, realpath, rm, stat } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";

import { systemErrorCode } from "../errors.ts";
import type { Report } from "../events.ts";
import type { App, Mesh } from "../model/mesh.ts";
import { processName } from "../plan/layout.ts";
import type { Host } from "../plan/plan.ts";
import { appsOf, type Serving } from "../plan/slots.ts";
import { writeWhole } from "../whole-file.ts";
import { groupOf } from "./allocate.ts";
import { refuseOutwardLink } from "./outward-link.ts";
import { stageApp } from "./stage-app.ts";
import { dependencyEntries, stageDependencies, stageTool } from "./stage-shared.ts";
import { canBeEntered } from "./places.ts";
import type { Places } from "./state.ts";
import { type TreeEntry, closeTo, copyEntries, isReadableByOthers, listTree, makePublicFolder } from "./tree.ts";

export interface StageOptions {
  readonly repositoryDir: string;
  readonly mesh: Mesh;
  readonly serving: Serving;
  readonly places: Places;
  readonly users: Host["users"];
  readonly tools: Host["tools"];
  readonly cacheDir: string;
  readonly report: Report;
}

export interface Staged {
  readonly repositoryDir: string;
  readonly tools: Host["tools"];
  /** See Host.appDirs. */
  readonly appDirs?: Readonly<Record<string, string>>;
}

/**
 * Returns where everything can be run from: the clone itself where nothing needs to be copied. Safe to repeat.
 *
 * @throws MeshError MESH_INPUT_INVALID for a link that leads out of the checkout
 */
export async function stage(options: StageOptions): Promise<Staged> {
  const { repositoryDir, users, places } = options;
  refuseOutwardApps(options);
  if ("self" in users) return { repositoryDir, tools: options.tools };
  const sharedDir = await sharedFolder(options);
  const tools = await stageTools(options.tools, sharedDir);
  const entries = rootsOf(appsOfAll(options)).flatMap((path) => listTree(repositoryDir, path, isDependency));
  const readable = await canRead(repositoryDir, entries);
  const appDirs = await stageApps(options, users.assigned, readable);
  if (readable) return { repositoryDir, tools, appDirs };
  for (const { path, kind } of entries)
    if (kind === "link") refuseOutwardLink(repositoryDir, path, "what the processes run");
  const started = performance.now();
  const target = join(places.stageDir, "repository");
  closeTo(target, groupOf(users.first));
  const changed = await update(repositoryDir, target, entries);
  await stageDependencies({ repositoryDir, sharedDir, target });
  if (changed > 0) {
    const message = `${repositoryDir} cannot be read by the users of the processes: copied ${changed} files to ${target}`;
    options.report({ kind: "done", stage: "runtime", message, elapsedMs: performance.now() - started });
  }
  return { repositoryDir: target, tools, appDirs };
}

interface NamedApp {
  /** Of its process. */
  readonly name: string;
  readonly app: App;
}

/** Of every workload in every slot. */
function appsOfAll({ mesh, serving }: Pick<StageOptions, "mesh" | "serving">): NamedApp[] {
  const slotted = mesh.workloads.flatMap((workload) => appsOf(workload, serving));
  return slotted.map(({ slot, workload }) => ({ name: processName.app(workload, slot), app: workload.app }));
}

function refuseOutwardApps(options: StageOptions): void {
  const { repositoryDir } = options;
  for (const { name, app } of appsOfAll(options)) {
    if (app.workingDir !== undefined) refuseOutwardLink(repositoryDir, app.workingDir, `the workingDir of ${name}`);
    if (app.kind === "node") refuseOutwardLink(repositoryDir, app.entry, `the file of ${name}`);
  }
}

/** Where copies lie that other meshes can use too: the cache, if other users can enter it. */
async function sharedFolder({ cacheDir, places }: StageOptions): Promise<string> {
  makePublicFolder(places.stageDir);
  makePublicFolder(cacheDir);
  return (await canBeEntered(cacheDir)) ? join(cacheDir, "stage") : join(places.stageDir, "shared");
}

/** Folders of the clone that processes run from. */
function rootsOf(apps: readonly NamedApp[]): string[] {
  const entries = apps.flatMap(({ app }) => (app.kind === "node" ? [normalize(app.entry)] : []));
  const folders = entries.filter((entry) => !entry.startsWith("/") && !entry.startsWith("..")).map(firstPart);
  return [...new Set(["apps", "scripts", "package.json", ...folders])].toSorted();
}

function firstPart(path: string): string {
  return path.split("/")[0] ?? path;
}

function isDependency(path: string): boolean {
  return path.split("/").includes("node_modules");
}

async function canRead(repositoryDir: string, entries: readonly TreeEntry[]): Promise<boolean> {
  if (!(await canBeEntered(repositoryDir)) || !isReadableByOthers(entries)) return false;
  return isReadableByOthers(await dependencyEntries(repositoryDir));
}

/** Copies what is new or changed, removes what is gone; returns how many files that were. */
async function update(from: string, to: string, entries: readonly TreeEntry[]): Promise<number> {
  const listFile = `${to}.json`;
  const before = await readVersions(listFile);
  const now = Object.fromEntries(entries.map(({ path, version }) => [path, version]));
  const changed = entries.filter(({ path, version }) => before[path] !== version);
  const gone = Object.keys(before).filter((path) => now[path] === undefined);
  if (changed.length === 0 && gone.length === 0) return 0;
  // Without the list an interrupted copy is not taken for a whole one.
  await rm(listFile, { force: true });
  // First, while folders are still what they were: in the new copy a link may be in the place of one.
  for (const path of gone) await rm(join(to, path), { recursive: true, force: true });
  copyEntries(from, to, changed);
  await writeWhole(listFile, JSON.stringify(now), { mode: 0o600 });
  return changed.length + gone.length;
}

async function readVersions(file: string): Promise<Record<string, string>> {
  try {
    const value: unknown = JSON.parse(await readFile(file, "utf8"));
    const pairs = typeof value === "object" && value !== null ? Object.entries(value) : [];
    return Object.fromEntries(pairs.map(([path, version]) => [path, String(version)]));
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" || error instanceof SyntaxError) return {};
    throw error;
  }
}

async function stageApps(
  options: StageOptions,
  assigned: Readonly<Record<string, number>>,
  readable: boolean,
): Promise<Record<string, string>> {
  const appDirs: Record<string, string> = {};
  const { repositoryDir, places } = options;
  for (const { name, app } of appsOfAll(options)) {
    if (!needsOwnFolder(app, readable)) continue;
    const uid = assigned[name];
    if (uid === undefined) throw new Error(`no user is assigned to ${name}`);
    appDirs[name] = await stageApp({ name, app, uid, repositoryDir, places });
  }
  return appDirs;
}

/** A build writes into its folder, and must not be able to write into the clone. */
function needsOwnFolder(app: App, readable: boolean): boolean {
  return app.kind === "command" && (app.build !== undefined || !readable);
}

async function stageTools(tools: Host["tools"], sharedDir: string): Promise<Host["tools"]> {
  const usable = async (tool: string): Promise<string> => {
    const path = await realpath(tool);
    const executable = ((await stat(path)).mode & 0o005) === 0o005;
    return executable && (await canBeEntered(dirname(path))) ? path : stageTool(path, sharedDir);
  };
  return {
    spireServer: await usable(tools.spireServer),
    spireAgent: await usable(tools.spireAgent),
    envoy: await usable(tools.envoy),
    node: await usable(tools.node),
  };
}
