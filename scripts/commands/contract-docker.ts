// ./mesh contract in containers: the app alone, as a container of a Compose project of its own, without a mesh around it, and
// asked from a container beside it as its sidecar would. What was made is gone afterwards.

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { ApiDocument } from "../contract/candidate.ts";
import type { Verdict } from "../contract/verdict.ts";
import { startCandidate } from "../control/candidate.ts";
import { slotsInContainers } from "../control/slots-in-containers.ts";
import { withinContainers } from "../control/within-containers.ts";
import type { Mesh, Workload } from "../model/mesh.ts";
import { plan } from "../plan/build.ts";
import { dockerHost } from "../plan/docker.ts";
import type { Serving } from "../plan/slots.ts";
import { swappedFiles } from "../render/docker.ts";
import { checkAppFiles, refuseWhatImagesLack } from "../runtime/app-files.ts";
import { docker } from "../runtime/compose-project.ts";
import { dockerRuntime } from "../runtime/docker.ts";
import { openStateFolder } from "../runtime/state.ts";
import { writeSwapped } from "../runtime/swapped.ts";
import { npmConfiguration } from "../tools/docker/npm-configuration.ts";
import type { Context } from "./context.ts";
import { openEngine, swappedFileOf } from "./open-docker.ts";

export interface Alone {
  readonly mesh: Mesh;
  readonly workload: Workload;
  readonly api: ApiDocument | undefined;
}

export async function checkInContainers(context: Context, { mesh, workload, api }: Alone): Promise<readonly Verdict[]> {
  const { repositoryDir, report, signal, offline } = context;
  const alone: Mesh = { ...mesh, workloads: [workload], edges: [] };
  refuseWhatImagesLack(alone);
  await checkAppFiles(alone, repositoryDir);
  const engine = await openEngine(context);
  await using made = new AsyncDisposableStack();
  const temporary = await mkdtemp(join(tmpdir(), "mesh-contract-"));
  made.defer(() => rm(temporary, { recursive: true, force: true }));
  const folder = await openStateFolder(join(temporary, "state"), { create: true });
  const dir = join(folder.path, "docker");
  await mkdir(dir);
  const npm = await npmConfiguration({ env: engine.env, signal });
  const name = `mesh-contract-${folder.id}`;
  const env = { ...engine.env, ...npm };
  const project = { name, dir, swappedFile: swappedFileOf(folder), command: engine.command, env };
  const { app } = workload;
  // The other slot stays empty: with two, there is who asks.
  const serving: Serving = { [workload.name]: { 1: { app, weight: 1 }, 2: { app, weight: 0 } } };
  const planned = plan(alone, dockerHost(alone), serving);
  await writeSwapped(project, { ...swappedFiles(alone, serving, { name, context: repositoryDir }), plans: [] });
  made.defer(async () => {
    await dockerRuntime(project, planned, folder).destroy();
    await docker(project, ["image", "rm", "--force", `${name}:app`, `${name}:mesh`]);
  });
  // With who holds its network, where it can only do TCP.
  const own = planned.processes.filter((one) => one.workload === workload.name);
  const process = own.find(({ role }) => role === "app");
  if (process === undefined) throw new Error(`${workload.name} has no process`);
  const runtime = slotsInContainers({ project, folder, workload: workload.name, plan: planned, offline, signal });
  const within = withinContainers(project);
  const start: typeof runtime.start = (processes) =>
    runtime.start([...own.filter(({ role }) => role === "network"), ...processes]);
  report({ kind: "start", stage: "candidate", message: `starting ${workload.name} alone` });
  await startCandidate(process, { runtime: { ...runtime, start }, within, signal });
  report({ kind: "start", stage: "contract", message: "asking it what the contract asks" });
  const at = { plan: planned, workload: workload.name, slot: 1, runtime, within, signal, api } as const;
  // Before what was made is destroyed.
  return await within.checkContract(process, at);
}
