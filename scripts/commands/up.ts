// ./mesh up: brings the mesh up, or a running one to what mesh.yaml says now.

import { bringUp } from "../control/bring-up.ts";
import { exitStatus } from "../errors.ts";
import { printNote, printResult } from "../output/print.ts";
import { formatDifference, formatWelcome } from "../output/up.ts";
import type { HostPort } from "../model/mesh.ts";
import { plan } from "../plan/build.ts";
import type { Plan } from "../plan/plan.ts";
import { render } from "../render/render.ts";
import { checkAppFiles, refuseImages } from "../runtime/app-files.ts";
import { readServing, servedOtherwise } from "../runtime/decisions.ts";
import { readHost } from "../runtime/host.ts";
import { loadX509, prepareAgentKeys } from "../runtime/keys.ts";
import { takeLock } from "../runtime/lock.ts";
import { type NativeOptions, nativeRuntime } from "../runtime/native.ts";
import { checkPages } from "../runtime/preflight.ts";
import { openStateFolder } from "../runtime/state.ts";
import { loadServerApi } from "../trust/server-api.ts";
import { ensureTools } from "../tools/ensure-tools.ts";
import { readMesh, type Context, typed } from "./context.ts";
import { runtimeOf } from "./open-runtime.ts";

export async function up(context: Context): Promise<number> {
  const folder = await openStateFolder(context.stateDir, { create: false });
  const runtime = await runtimeOf(context, folder);
  if (runtime === "docker") return (await import("./up-docker.ts")).upDocker(context);
  return upNative(context);
}

/** Where the mesh of this state folder listens, or did when a crash ended it. */
async function addressesOf(stateDir: string): Promise<readonly HostPort[]> {
  const folder = await openStateFolder(stateDir, { create: false });
  const [state, before] = await Promise.all([folder.read(), folder.readPlan()]);
  return state?.phase === "up" ? (before?.processes ?? []).flatMap(({ listens }) => listens) : [];
}

async function upNative(context: Context): Promise<number> {
  const begun = performance.now();
  const { report, signal, repositoryDir, cacheDir, env, offline } = context;
  const mesh = await readMesh(context);
  refuseImages(mesh);
  await checkAppFiles(mesh, repositoryDir);
  await checkPages(mesh, { ours: () => addressesOf(context.stateDir) });
  const tools = await ensureTools({ cacheDir, offline, report, signal });
  const folder = await openStateFolder(context.stateDir, { create: true });
  // Whether the folder is ours to lock at all.
  await folder.read();
  await using _lock = await takeLock(folder.path, "./mesh up");
  const state = await folder.read();
  const attempt: Attempt = { folder, env, report, isNew: state === undefined, wasUp: state?.phase === "up" };
  try {
    const serving = await readServing(folder, mesh);
    await using reading = await readHost({ folder, state, mesh, serving, repositoryDir, tools, cacheDir, env, report });
    const planned = plan(mesh, reading.host, serving);
    const runtime = nativeRuntime({ folder, reading: reading.state, env, report });
    const before = await folder.readPlan();
    attempt.wasUp = (await runtime.list()).length > 0;
    await runtime.preflight(planned);
    // Libraries for keys and for SPIRE Server's API load while the supervisor starts, not between processes.
    await Promise.all([runtime.begin(planned), loadServerApi(), attempt.wasUp ? undefined : loadX509()]);
    attempt.isNew = false;
    await folder.writePlan(planned);
    const rekeyed = await prepareAgentKeys(planned);
    const brought = await bringUp({ plan: planned, files: render(planned), rekeyed, runtime, report, signal });
    const summary = { ...brought, stopped: gone(before, planned), elapsedMs: performance.now() - begun };
    printResult(attempt.wasUp ? formatDifference(planned, summary) : formatWelcome(planned, summary, typed(context)));
    for (const { workload, app } of servedOtherwise(mesh, serving))
      printNote(`${workload} is served by ${app}; what mesh.yaml says: ${typed(context)} swap ${workload} --back`);
    return exitStatus.ok;
  } catch (error) {
    await giveUp(attempt);
    throw error;
  }
}

interface Attempt extends Pick<NativeOptions, "folder" | "env" | "report"> {
  /** Nothing was ever up here. */
  isNew: boolean;
  wasUp: boolean;
}

/** A mesh that was serving goes on with what it has; one that never was leaves nothing running; of a first try nothing is left. */
async function giveUp({ isNew, wasUp, ...options }: Attempt): Promise<void> {
  if (wasUp) return;
  const runtime = nativeRuntime(options);
  await (isNew ? runtime.destroy() : runtime.suspend());
}

function gone(before: Plan | undefined, planned: Plan): string[] {
  const names = new Set(planned.processes.map(({ name }) => name));
  return (before?.processes ?? []).map(({ name }) => name).filter((name) => !names.has(name));
}
