// Which app a command is about: a folder with an app.yaml, or a short form of one.

import { readFile } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";

import type { ApiDocument } from "../contract/candidate.ts";
import { MeshError, messageOf, systemErrorCode } from "../errors.ts";
import { parseApp } from "../model/app-file.ts";
import type { App, Mesh, Workload } from "../model/mesh.ts";
import type { Context } from "./context.ts";

export interface AppOptions {
  /** Folder with an app.yaml. */
  readonly app?: string;
  readonly node?: string;
  readonly image?: string;
  readonly command?: readonly string[];
}

/** @throws MeshError MESH_NO_SUCH_WORKLOAD */
export function workloadNamed(mesh: Mesh, name: string): Workload {
  const found = mesh.workloads.find((workload) => workload.name === name);
  if (found !== undefined) return found;
  throw new MeshError("MESH_NO_SUCH_WORKLOAD", `mesh.yaml has no workload ${name}`, {
    details: mesh.workloads.map((workload) => workload.name),
    fix: "name one of these",
  });
}

/** How many of them were given. */
export function appOptionsGiven({ app, node, image, command }: AppOptions): number {
  return [app, node, image, command].filter((option) => option !== undefined).length;
}

/**
 * The app that was asked for, its paths relative to the repository. A short form keeps the health route of `like`.
 *
 * @throws MeshError MESH_USAGE, MESH_FILE_MISSING, MESH_FILE_INVALID
 */
export async function readAppArgument(context: Context, options: AppOptions, like: App): Promise<App> {
  if (appOptionsGiven(options) !== 1)
    throw new MeshError("MESH_USAGE", "say which app, in one way", {
      fix: "--app DIR (a folder with an app.yaml), --node FILE, --image REF or --command PROGRAM ARGUMENT…",
    });
  const common = { health: like.health };
  if (options.app !== undefined) return readAppFolder(context, options.app);
  if (options.node !== undefined) return { kind: "node", entry: inRepository(context, options.node), ...common };
  if (options.image !== undefined) return { kind: "image", image: options.image, ...common };
  return { kind: "command", command: options.command ?? [], ...common };
}

async function readAppFolder(context: Context, given: string): Promise<App> {
  const folder = inRepository(context, given);
  const file = join(folder, "app.yaml");
  try {
    const text = await readFile(join(context.repositoryDir, file), "utf8");
    return parseApp(text, { file, folder });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    throw new MeshError("MESH_FILE_MISSING", `${file} cannot be read: ${messageOf(error)}`, {
      fix: "write the keys of `app` there, e.g. `command: [./quotes]`: docs/mesh-yaml.md",
      cause: error,
    });
  }
}

/** What processes run is staged from the repository, and mesh.yaml names it relative to that. */
function inRepository({ repositoryDir }: Context, given: string): string {
  const path = relative(repositoryDir, resolve(given));
  if (path !== "" && !path.startsWith("..") && !isAbsolute(path)) return path;
  throw new MeshError("MESH_USAGE", `${given} is not below the repository, ${repositoryDir}`, {
    fix: "apps are run from the repository: copy it below that, e.g. to examples/",
  });
}

/** The OpenAPI document that an app of this workload is to meet; its own comes before that of mesh.yaml. */
export async function readApi(
  { repositoryDir }: Context,
  app: App,
  workload: Workload,
): Promise<ApiDocument | undefined> {
  const path = app.contract ?? workload.app.contract;
  if (path === undefined) return undefined;
  try {
    const document: unknown = JSON.parse(await readFile(join(repositoryDir, path), "utf8"));
    if (isApiDocument(document)) return document;
    throw new Error("it has no `paths`");
  } catch (error) {
    throw new MeshError("MESH_INPUT_INVALID", `${path} is no OpenAPI document in JSON: ${messageOf(error)}`, {
      fix: "correct `contract` in mesh.yaml, or the file",
      cause: error,
    });
  }
}

function isApiDocument(value: unknown): value is ApiDocument {
  return typeof value === "object" && value !== null && "paths" in value && typeof value.paths === "object";
}
