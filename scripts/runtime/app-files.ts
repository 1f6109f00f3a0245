// Looks whether what apps are started from is there, before anything that runs is touched.

import { access, constants, stat } from "node:fs/promises";
import { join, resolve } from "node:path";

import { MeshError, systemErrorCode } from "../errors.ts";
import { childPath } from "../plan/processes.ts";
import type { App, Mesh, Workload } from "../model/mesh.ts";

/** @throws MeshError MESH_NEEDS_DOCKER naming every workload that only containers can run */
export function refuseImages(mesh: Mesh): void {
  const images = mesh.workloads.flatMap(({ name, app }) => (app.kind === "image" ? [`${name}: ${app.image}`] : []));
  if (images.length === 0) return;
  throw new MeshError("MESH_NEEDS_DOCKER", "mesh.yaml has apps that are container images", {
    details: images,
    fix: "./mesh up --runtime docker",
  });
}

/** What the image of our apps holds of the repository (Dockerfile). */
const inTheImage = "apps";

/**
 * @throws MeshError MESH_INPUT_INVALID naming every app that a container could not start: the image of our apps holds
 *   apps/ alone, and nothing is built in it
 */
export function refuseWhatImagesLack(mesh: Mesh): void {
  const problems = mesh.workloads.flatMap(problemsInContainers);
  if (problems.length === 0) return;
  throw new MeshError("MESH_INPUT_INVALID", "mesh.yaml has apps that containers cannot start", {
    details: problems,
    fix: `move them below ${inTheImage}/, which their image holds; or give them an image of their own: app: { image: … }; or run natively: ./mesh up --runtime native`,
  });
}

function problemsInContainers({ name, app }: Workload): string[] {
  const paths = [
    ...(app.kind === "node" ? [{ path: app.entry, key: "node" }] : []),
    ...(app.workingDir === undefined ? [] : [{ path: app.workingDir, key: "workingDir" }]),
  ];
  return [
    ...paths.flatMap(({ path, key }) =>
      isInTheImage(path) ? [] : [`workload ${name}: ${path} (${key}) is not below ${inTheImage}/`],
    ),
    ...(app.build === undefined ? [] : [`workload ${name}: \`build\` is not run in containers`]),
  ];
}

function isInTheImage(path: string): boolean {
  return path === inTheImage || path.startsWith(`${inTheImage}/`);
}

/** @throws MeshError MESH_INPUT_INVALID naming every file and folder of mesh.yaml that is not there */
export async function checkAppFiles(mesh: Mesh, repositoryDir: string): Promise<void> {
  const found = await Promise.all(mesh.workloads.map((workload) => missingOf(workload, repositoryDir)));
  const missing = found.flat();
  if (missing.length === 0) return;
  throw new MeshError("MESH_INPUT_INVALID", "mesh.yaml names files that are not there", {
    details: missing,
    fix: "correct these paths; they are relative to the repository, the folder of ./mesh",
  });
}

async function missingOf({ name, app }: Workload, repositoryDir: string): Promise<string[]> {
  const problems: string[] = [];
  if (app.workingDir !== undefined && (await kindOf(join(repositoryDir, app.workingDir))) !== "folder")
    problems.push(`workload ${name}: there is no folder ${app.workingDir} (workingDir)`);
  if (app.kind === "node" && (await kindOf(join(repositoryDir, app.entry))) !== "file")
    problems.push(`workload ${name}: there is no file ${app.entry} (node)`);
  if (app.kind === "command" && app.build === undefined && !(await isProgram(app, repositoryDir)))
    problems.push(`workload ${name}: there is no program ${app.command[0] ?? ""} (command)`);
  return problems;
}

/** As execvp(3) would find it for the app: by its path from where it runs, or in the PATH that it is given. */
async function isProgram(
  { command, workingDir = "." }: App & { kind: "command" },
  repositoryDir: string,
): Promise<boolean> {
  const [program = ""] = command;
  const places = program.includes("/")
    ? [resolve(repositoryDir, workingDir, program)]
    : childPath.split(":").map((folder) => join(folder, program));
  const found = await Promise.all(places.map(isExecutable));
  return found.includes(true);
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await kindOf(path)) === "file";
  } catch {
    return false; // Not there, or not to be run: the same to whoever wrote it.
  }
}

async function kindOf(path: string): Promise<"file" | "folder" | undefined> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "file";
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
