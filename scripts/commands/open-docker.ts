// The Compose project of a mesh: its name, its folder, the engine and Compose that serve it. Plain `docker compose` in
// that folder is the same project.

import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";

import { askContainer } from "../control/ask-container.ts";
import { isContainerReady } from "../control/container-ready.ts";
import { MeshError } from "../errors.ts";
import type { Mesh } from "../model/mesh.ts";
import { plan } from "../plan/build.ts";
import { defaultSubnet, dockerHost } from "../plan/docker.ts";
import type { Plan } from "../plan/plan.ts";
import type { Serving } from "../plan/slots.ts";
import { checkoutProject, type DockerFilesOptions, type SwappedFiles, swappedFiles } from "../render/docker.ts";
import { type ComposeProject, labels } from "../runtime/compose-project.ts";
import { containersOf } from "../runtime/containers.ts";
import { decidedIn, readServing } from "../runtime/decisions.ts";
import { dockerRuntime, exists } from "../runtime/docker.ts";
import type { StateFolder } from "../runtime/state.ts";
import { chosenSubnet } from "../runtime/subnet.ts";
import { ensureCompose } from "../tools/docker/compose.ts";
import { ensureEngine } from "../tools/docker/engine.ts";
import { readMesh, type Context, typed } from "./context.ts";
import type { OpenRuntime } from "./open-runtime.ts";

/** Where docker-compose.yml, envoy/ and spire/ lie: beside the description; with a state folder elsewhere, in that. */
export function composeDirOf({ meshFile, stateDir }: Context, folder: StateFolder): string {
  const home = dirname(meshFile);
  return stateDir === join(home, ".mesh") ? realpathSync(home) : join(folder.path, "docker");
}

/** The checkout's own mesh has the name that its docker-compose.yml has; any other one by its state folder. */
export function filesOptions(context: Context, folder: StateFolder): DockerFilesOptions {
  const checkout = realpathSync(context.repositoryDir);
  return composeDirOf(context, folder) === checkout
    ? checkoutProject
    : { name: `mesh-${folder.id}`, context: checkout };
}

/**
 * Finds engine and Compose.
 *
 * @throws MeshError MESH_ENGINE_ABSENT, MESH_ENGINE_DENIED, MESH_ENGINE_OLD, MESH_COMPOSE_ABSENT, MESH_COMPOSE_OLD;
 *   MESH_PROJECT_TAKEN
 */
export async function openProject(context: Context, folder: StateFolder): Promise<ComposeProject> {
  const dir = composeDirOf(context, folder);
  const project = {
    name: filesOptions(context, folder).name,
    dir,
    swappedFile: swappedFileOf(folder),
    ...(await openEngine(context)),
  };
  await refuseForeign(project, context);
  return project;
}

/** How Compose is called, and its environment. @throws MeshError as `openProject` does */
export async function openEngine(context: Context): Promise<Pick<ComposeProject, "command" | "env">> {
  const { cacheDir, report, signal, offline } = context;
  const engine = await ensureEngine({ cacheDir, report, signal, install: false, env: context.env });
  const env = { ...context.env, ...engine.env };
  const { command } = await ensureCompose({ cacheDir, report, signal, env, fetch: offline, offline });
  return { command, env };
}

/** The project's Compose file while a swap lasts. */
export function swappedFileOf({ path }: Pick<StateFolder, "path">): string {
  return join(path, "swapped.yml");
}

/** What lies beside the rendered files when others serve than mesh.yaml says; undefined: nobody does. */
export function swappedContent(
  context: Context,
  folder: StateFolder,
  { mesh, serving }: { readonly mesh: Mesh; readonly serving: Serving },
): SwappedFiles | undefined {
  const decided = decidedIn(mesh, serving);
  return Object.keys(decided).length === 0 ? undefined : swappedFiles(mesh, decided, filesOptions(context, folder));
}

/** What every container of the mesh is labelled with: project and folder. */
export function composeLabels(context: Context, folder: StateFolder): string[] {
  const project = `${labels.project}=${filesOptions(context, folder).name}`;
  return [project, `${labels.workingDir}=${composeDirOf(context, folder)}`];
}

/** The mesh as it was brought up last by a command; by plain `docker compose up`, as mesh.yaml says. */
export async function openDocker(context: Context, folder: StateFolder): Promise<OpenRuntime> {
  const project = await openProject(context, folder);
  const [applied, isThere] = await Promise.all([folder.readPlan(), exists(project)]);
  // Where nothing is, mesh.yaml need not be valid for a command that says so.
  const planned = applied ?? (isThere ? await planFor(context, folder, project) : undefined);
  const known = planned ?? nothing;
  const runtime = dockerRuntime(project, known, folder);
  const ask = askContainer(project);
  const isUp = isThere && (await runtime.list()).length > 0;
  return {
    folder,
    runtime,
    project,
    plan: planned,
    phase: isUp ? "up" : isThere ? "stopped" : "absent",
    ask,
    isReady: (process) => isContainerReady(process, { plan: known, project, ask }),
  };
}

const nothing: Plan = { runtime: "docker", domains: [], processes: [], edges: [], folders: [] };

async function planFor(context: Context, folder: StateFolder, { dir, env }: ComposeProject): Promise<Plan> {
  const mesh = await readMesh(context);
  const subnet = (await chosenSubnet(dir, env)) ?? defaultSubnet;
  return plan(mesh, dockerHost(mesh, { subnet }), await readServing(folder, mesh));
}

/** Compose would take another folder's containers for ours, and replace them. */
async function refuseForeign(project: ComposeProject, context: Context): Promise<void> {
  const foreign = (await containersOf(project)).find(({ workingDir }) => workingDir !== project.dir);
  if (foreign === undefined) return;
  const beside = typed({ ...context, stateDir: "DIR" });
  throw new MeshError(
    "MESH_PROJECT_TAKEN",
    `the Compose project ${project.name} is that of another folder, ${foreign.workingDir}`,
    {
      fix: `end that: docker compose --project-name ${project.name} down; or bring this mesh up beside it: ${beside} --runtime docker up`,
    },
  );
}
