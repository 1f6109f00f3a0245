// What every command needs to know before it does anything: which description, which state folder, which checkout.

import { readFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";

import { MeshError, messageOf, systemErrorCode } from "../errors.ts";
import type { Report } from "../events.ts";
import type { Mesh } from "../model/mesh.ts";
import type { Plan } from "../plan/plan.ts";
import { parseMesh } from "../model/parse.ts";
import { shellWord } from "../runtime/state.ts";
import { toolCacheDir } from "../tools/cache-dir.ts";

/** Options that every command takes. */
export interface GlobalOptions {
  readonly file?: string;
  readonly state?: string;
  readonly offline?: boolean;
  readonly runtime?: string;
}

export interface Context {
  /** The checkout; paths of apps in mesh.yaml are relative to it. */
  readonly repositoryDir: string;
  readonly meshFile: string;
  readonly stateDir: string;
  readonly cacheDir: string;
  readonly offline: boolean;
  /** What was asked for: by --runtime, else by MESH_RUNTIME. */
  readonly runtime: Plan["runtime"] | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly report: Report;
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

export interface Surroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Relative paths of options are the user's: from where the command was typed. Defaults lie in the checkout. */
export function contextOf(options: GlobalOptions, { cwd, env, report, signal }: Surroundings): Context {
  const repositoryDir = resolve(import.meta.dirname, "../..");
  const meshFile = options.file === undefined ? join(repositoryDir, "mesh.yaml") : resolve(cwd, options.file);
  const stateDir = options.state === undefined ? join(dirname(meshFile), ".mesh") : resolve(cwd, options.state);
  return {
    repositoryDir,
    meshFile,
    stateDir,
    cacheDir: toolCacheDir({ env }),
    offline: options.offline === true,
    runtime: runtimeNamed(options.runtime ?? env["MESH_RUNTIME"]),
    env,
    report,
    signal,
  };
}

function runtimeNamed(name: string | undefined): Plan["runtime"] | undefined {
  if (name === undefined || name === "") return undefined;
  if (name === "native" || name === "docker") return name;
  throw new MeshError("MESH_USAGE", `there is no runtime ${name}`, { fix: "--runtime native, or --runtime docker" });
}

/** How a command about the same mesh begins: `./mesh`, and the options that chose another than the checkout's own. */
export function typed({ repositoryDir, meshFile, stateDir }: Context): string {
  const isOwn = meshFile === join(repositoryDir, "mesh.yaml");
  const isUsual = stateDir === join(dirname(meshFile), ".mesh");
  return [
    "./mesh",
    ...(isOwn ? [] : ["--file", shellWord(meshFile)]),
    ...(isUsual ? [] : ["--state", shellWord(stateDir)]),
  ].join(" ");
}

/**
 * The mesh of the description.
 *
 * @throws MeshError MESH_FILE_MISSING, MESH_FILE_INVALID, MESH_FILE_NOT_YET
 */
export async function readMesh({ meshFile }: Pick<Context, "meshFile">): Promise<Mesh> {
  const shown = relative(process.cwd(), meshFile) || meshFile;
  let text: string;
  try {
    text = await readFile(meshFile, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT")
      throw new MeshError("MESH_FILE_MISSING", `${meshFile} does not exist`, {
        fix: "name the description with --file PATH, or bring the shipped one back: git checkout -- mesh.yaml",
      });
    throw new MeshError("MESH_FILE_MISSING", `${meshFile} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  return parseMesh(text, { file: shown.startsWith("..") ? meshFile : shown });
}
