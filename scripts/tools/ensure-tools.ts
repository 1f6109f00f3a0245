// Finds SPIRE and Envoy: programs named in the environment, else those in the cache; what is missing is fetched or
// built (fetch-tools.ts). When everything is there this takes a few milliseconds.

import { join } from "node:path";

import { MeshError } from "../errors.ts";
import type { Report } from "../events.ts";
import { findNamedTools } from "./named-tools.ts";
import { examineFiles } from "./record.ts";
import { type ToolName, type Toolset, toolArchitecture, toolsetDir, toolsets } from "./toolset.ts";

/** Absolute paths of programs of the versions in versions.json. */
export interface Tools {
  readonly spireServer: string;
  readonly spireAgent: string;
  readonly envoy: string;
  readonly node: string;
}

export interface EnsureToolsOptions {
  /** See cache-dir.ts. */
  readonly cacheDir: string;
  /** Fetch nothing: what is missing is an error. */
  readonly offline: boolean;
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Returns the tools, having fetched or built those that are not on this machine yet. Safe to run in several processes
 * at once, and to interrupt: the next run goes on.
 *
 * @throws MeshError MESH_PLATFORM, MESH_TOOL_VERSION, MESH_TOOL_OFFLINE, MESH_PREREQUISITE, MESH_TOOL_FETCH,
 * MESH_DISK_FULL; the signal's reason
 */
export async function ensureTools(options: EnsureToolsOptions): Promise<Tools> {
  const { cacheDir, offline, report, env = process.env } = options;
  const architecture = toolArchitecture();
  const found = await Promise.all(toolsets.map((toolset) => findToolset(toolset, { cacheDir, architecture, env })));
  for (const { damage } of found) {
    if (damage !== undefined) report({ kind: "warning", stage: "tools", message: `${damage}; it is got again` });
  }
  const missing = found.filter(({ complete }) => !complete).map(({ toolset }) => toolset);
  if (missing.length > 0 && offline) throw offlineProblem(missing, cacheDir);
  if (missing.length > 0) {
    const { fetchToolsets } = await import("./fetch-tools.ts");
    await fetchToolsets(missing, { ...options, architecture, env });
  }
  const paths = new Map(found.flatMap((one) => [...one.paths]));
  return {
    spireServer: pathOf("spire-server", paths),
    spireAgent: pathOf("spire-agent", paths),
    envoy: pathOf("envoy", paths),
    node: process.execPath,
  };
}

interface FoundToolset {
  readonly toolset: Toolset;
  /** Where each program is, or will be when it has been fetched. */
  readonly paths: ReadonlyMap<ToolName, string>;
  readonly complete: boolean;
  readonly damage?: string;
}

async function findToolset(
  toolset: Toolset,
  { cacheDir, architecture, env }: Pick<EnsureToolsOptions, "cacheDir"> & FindContext,
): Promise<FoundToolset> {
  const dir = toolsetDir(cacheDir, toolset, architecture);
  const named = await findNamedTools(toolset, { env, cachedIn: dir });
  const paths = new Map(
    toolset.programs.map((program) => [program, named.get(program) ?? join(dir, program)] as const),
  );
  if (named.size === toolset.programs.length) return { toolset, paths, complete: true };
  const soundness = await examineFiles(dir, toolset.programs);
  const complete = soundness.kind === "sound";
  return soundness.kind === "damaged"
    ? { toolset, paths, complete, damage: soundness.problem }
    : { toolset, paths, complete };
}

interface FindContext {
  readonly architecture: ReturnType<typeof toolArchitecture>;
  readonly env: NodeJS.ProcessEnv;
}

function pathOf(program: ToolName, paths: ReadonlyMap<ToolName, string>): string {
  const path = paths.get(program);
  if (path === undefined) throw new Error(`no toolset has ${program}`);
  return path;
}

function offlineProblem(missing: readonly Toolset[], cacheDir: string): MeshError {
  const titles = missing.map(({ title }) => title).join(" and ");
  const variables = "MESH_SPIRE_SERVER, MESH_SPIRE_AGENT, MESH_ENVOY";
  return new MeshError("MESH_TOOL_OFFLINE", `--offline forbids fetching ${titles}, missing in ${cacheDir}`, {
    fix: `run ./mesh up once without --offline, copy a filled cache there, or name the programs in ${variables}`,
  });
}
