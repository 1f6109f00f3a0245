// What commands need that replace the app of a workload of a mesh that is up: its lock, who serves, and plans of both apps.

import { isDeepStrictEqual } from "node:util";

import { here } from "../control/candidate.ts";
import type { SwapOptions } from "../control/swap.ts";
import { otherSlot } from "../control/swap.ts";
import { MeshError } from "../errors.ts";
import type { App, Mesh, Workload } from "../model/mesh.ts";
import { plan } from "../plan/build.ts";
import type { Host, Plan } from "../plan/plan.ts";
import { appsOf, type Serving, type SlottedApp } from "../plan/slots.ts";
import { checkAppFiles, refuseImages } from "../runtime/app-files.ts";
import type { ComposeProject } from "../runtime/compose-project.ts";
import { readServing, writeServing } from "../runtime/decisions.ts";
import { readHost } from "../runtime/host.ts";
import { takeLock } from "../runtime/lock.ts";
import { nativeRuntime } from "../runtime/native.ts";
import type { StateFolder } from "../runtime/state.ts";
import { ensureTools } from "../tools/ensure-tools.ts";
import { workloadNamed } from "./app-argument.ts";
import { type Context, readMesh } from "./context.ts";
import { meshThatIsUp } from "./mesh-that-is-up.ts";

/** A workload of a mesh that nobody else changes until this is disposed of. */
export interface Swapping extends AsyncDisposable {
  readonly folder: StateFolder;
  readonly mesh: Mesh;
  readonly workload: Workload;
  /** Who serves, by decision. */
  readonly serving: Serving;
  readonly now: SlottedApp;
  readonly applied: Plan;
  /** On docker. */
  readonly project?: ComposeProject;
  readonly made: AsyncDisposableStack;
}

export interface SwappingOptions {
  /** As typed: `./mesh swap`. */
  readonly command: string;
  /** What mesh.yaml says unless given. */
  readonly mesh?: Mesh;
}

/** @throws MeshError MESH_NOT_UP, MESH_LOCKED, MESH_NO_SUCH_WORKLOAD; what is wrong with mesh.yaml */
export async function openSwapping(
  context: Context,
  name: string,
  { command, mesh: given }: SwappingOptions,
): Promise<Swapping> {
  const { folder, project, plan: applied } = await meshThatIsUp(context);
  await using untilDone = new AsyncDisposableStack();
  untilDone.use(await takeLock(folder.path, command));
  const mesh = given ?? (await readMesh(context));
  const workload = workloadNamed(mesh, name);
  const serving = await readServing(folder, mesh);
  const now = appsOf(workload, serving).find(({ weight }) => weight > 0);
  if (now === undefined) throw new Error("no app serves");
  const made = untilDone.move();
  const onDocker = project === undefined ? {} : { project };
  return {
    folder,
    mesh,
    workload,
    serving,
    now,
    applied,
    ...onDocker,
    made,
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
}

export interface Prepared {
  readonly options: Omit<SwapOptions, "contract">;
  /** Where apps are run from: the clone, or a copy of it. */
  readonly runFrom: string;
}

export type Apps = Pick<SwapOptions, "old" | "app">;

/**
 * A swap between `old` and `app`, which has the other slot.
 *
 * @throws MeshError MESH_INPUT_INVALID when files are missing, or mesh.yaml says something else than what is up
 */
export async function prepareSwap(context: Context, swapping: Swapping, apps: Apps): Promise<Prepared> {
  refuseSharedAddress(swapping.workload.name, apps.old.app, apps.app);
  if (swapping.project === undefined) return prepareNative(context, swapping, apps);
  const { prepareInContainers } = await import("./swapping-docker.ts");
  return prepareInContainers(context, { ...swapping, project: swapping.project }, apps);
}

async function prepareNative(context: Context, swapping: Swapping, { old, app }: Apps): Promise<Prepared> {
  const { folder, mesh, workload, serving, made } = swapping;
  const { report, signal, repositoryDir, cacheDir, env, offline } = context;
  const { name } = workload;
  const candidate: Mesh = { ...mesh, workloads: [{ ...workload, app }] };
  refuseImages(candidate);
  await checkAppFiles(candidate, repositoryDir);
  const tools = await ensureTools({ cacheDir, offline, report, signal });
  const both = { [old.slot]: { app: old.app, weight: 1 }, [otherSlot(old.slot)]: { app, weight: 0 } };
  const state = await folder.read();
  const host = { folder, state, mesh, repositoryDir, tools, cacheDir, env, report };
  const reading = made.use(await readHost({ ...host, serving: { ...serving, [name]: both } }));
  const options: Prepared["options"] = {
    workload: name,
    old,
    app,
    ...decisionsOf(swapping, reading.host),
    writePlan: (planned) => folder.writePlan(planned),
    runtime: nativeRuntime({ folder, reading: reading.state, env, report }),
    within: here,
    report,
    signal,
  };
  return { options, runFrom: reading.host.repositoryDir };
}

/**
 * Plans by who serves, and how that is kept.
 *
 * @throws MeshError MESH_INPUT_INVALID when mesh.yaml says something else than what is up
 */
export function decisionsOf(
  { folder, mesh, workload, serving, applied }: Omit<Swapping, "made" | keyof AsyncDisposable>,
  host: Host,
): Pick<SwapOptions, "planWith" | "decide"> & { readonly withSlots: (slots: Serving[string]) => Serving } {
  const withSlots = (slots: Serving[string]): Serving => ({ ...serving, [workload.name]: slots });
  if (!isDeepStrictEqual(applied, JSON.parse(JSON.stringify(plan(mesh, host, serving))))) throw edited();
  return {
    withSlots,
    planWith: (slots) => plan(mesh, host, withSlots(slots)),
    decide: (slots) => writeServing(folder, withSlots(slots), mesh),
  };
}

/** Both run for a while, side by side. */
function refuseSharedAddress(name: string, old: App, app: App): void {
  if (app.listen === undefined || !isDeepStrictEqual(app.listen, old.listen)) return;
  const { host, port } = app.listen;
  throw new MeshError("MESH_PORT_TAKEN", `the app of ${name} that serves listens on ${host}:${port} too`, {
    fix: "give the new one another `listen`",
  });
}

function edited(): MeshError {
  return new MeshError(
    "MESH_INPUT_INVALID",
    "mesh.yaml, or what follows from it, has changed since the last ./mesh up",
    {
      fix: "./mesh up, then this again",
    },
  );
}
