// ./mesh swap: replaces the app of a workload while it serves, or returns to what mesh.yaml says.

import { isDeepStrictEqual } from "node:util";

import type { Canary } from "../control/canary.ts";
import { swapApp } from "../control/swap.ts";
import { exitStatus, MeshError } from "../errors.ts";
import type { App, Mesh } from "../model/mesh.ts";
import { formatSwapped } from "../output/contract.ts";
import { printResult } from "../output/print.ts";
import { plan } from "../plan/build.ts";
import { appsOf, type Serving, type SlottedApp } from "../plan/slots.ts";
import { appInWords, readServing, writeServing } from "../runtime/decisions.ts";
import { checkAppFiles, refuseImages } from "../runtime/app-files.ts";
import { readHost } from "../runtime/host.ts";
import { takeLock } from "../runtime/lock.ts";
import { nativeRuntime } from "../runtime/native.ts";
import { ensureTools } from "../tools/ensure-tools.ts";
import { type AppOptions, appOptionsGiven, readApi, readAppArgument, workloadNamed } from "./app-argument.ts";
import { readMesh, type Context } from "./context.ts";
import { meshThatIsUp } from "./mesh-that-is-up.ts";

export interface SwapFlags extends AppOptions {
  readonly back?: boolean;
  readonly canary?: Canary | undefined;
}

export async function swap(context: Context, name: string, flags: SwapFlags): Promise<number> {
  const { folder, runtime: there, plan: applied } = await meshThatIsUp(context);
  if (there.kind !== "native") throw onlyNative();
  await using _lock = await takeLock(folder.path, "./mesh swap");
  const mesh = await readMesh(context);
  const workload = workloadNamed(mesh, name);
  const before = await readServing(folder, mesh);
  const old = servingNow(appsOf(workload, before));
  const app = await wantedApp(context, flags, workload.app);
  if (isDeepStrictEqual(app, old.workload.app)) {
    printResult(`unchanged: ${name} is served by ${appInWords(app)} already`);
    return exitStatus.ok;
  }
  refuseSharedAddress(name, old.workload.app, app);
  const candidate: Mesh = { ...mesh, workloads: [{ ...workload, app }] };
  refuseImages(candidate);
  await checkAppFiles(candidate, context.repositoryDir);
  const { report, signal, repositoryDir, cacheDir, env, offline } = context;
  const tools = await ensureTools({ cacheDir, offline, report, signal });
  const slot = old.slot === 1 ? 2 : 1;
  const both = { ...before, [name]: { [old.slot]: { app: old.workload.app, weight: 1 }, [slot]: { app, weight: 0 } } };
  const state = await folder.read();
  const hostOptions = { folder, state, mesh, serving: both, repositoryDir, tools, cacheDir, env, report };
  await using reading = await readHost(hostOptions);
  const planWith = (serving: Serving) => plan(mesh, reading.host, serving);
  if (!isDeepStrictEqual(applied, JSON.parse(JSON.stringify(planWith(before))))) throw edited();
  const swapped = await swapApp({
    workload: name,
    old: { app: old.workload.app, slot: old.slot },
    app,
    api: await readApi(context, app, workload),
    planWith: (slots) => planWith(withSlots(before, name, slots)),
    decide: (slots) => writeServing(folder, decided(withSlots(before, name, slots), mesh)),
    writePlan: (planned) => folder.writePlan(planned),
    runtime: nativeRuntime({ folder, reading: reading.state, env, report }),
    canary: flags.canary,
    report,
    signal,
  });
  printResult(formatSwapped({ workload: name, app: appInWords(app), was: appInWords(old.workload.app), ...swapped }));
  return exitStatus.ok;
}

async function wantedApp(context: Context, flags: SwapFlags, declared: App): Promise<App> {
  if (flags.back !== true) return readAppArgument(context, flags, declared);
  if (appOptionsGiven(flags) === 0) return declared;
  throw new MeshError("MESH_USAGE", "--back returns to the app of mesh.yaml, and takes no other", {
    fix: "./mesh swap WORKLOAD --back",
  });
}

function servingNow(apps: readonly SlottedApp[]): SlottedApp {
  const found = apps.find(({ weight }) => weight > 0);
  if (found === undefined) throw new Error("no app serves");
  return found;
}

function withSlots(serving: Serving, workload: string, slots: Serving[string] | undefined): Serving {
  return { ...serving, ...(slots === undefined ? {} : { [workload]: slots }) };
}

/** What mesh.yaml says in the first slot is no decision. */
function decided(serving: Serving, mesh: Mesh): Serving {
  const isDeclared = ([name, { 1: first, 2: second }]: [string, Serving[string]]): boolean =>
    second === undefined && isDeepStrictEqual(first?.app, mesh.workloads.find((one) => one.name === name)?.app);
  return Object.fromEntries(Object.entries(serving).filter((entry) => !isDeclared(entry)));
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

function onlyNative(): MeshError {
  return new MeshError(
    "MESH_RUNTIME_FIXED",
    "./mesh swap is built for the native runtime, and this mesh is in containers",
    {
      fix: "write the new `app` in mesh.yaml, then ./mesh up: requests wait for it while it starts",
    },
  );
}
