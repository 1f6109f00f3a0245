// ./mesh contract: holds one app to the app contract, on its own: as a workload of a mesh of nothing else, in a state folder
// of its own, under the same users and the same supervisor as it would have in the mesh.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { isMet } from "../contract/check.ts";
import type { Verdict } from "../contract/verdict.ts";
import { here, startCandidate } from "../control/candidate.ts";
import { exitStatus } from "../errors.ts";
import type { Mesh } from "../model/mesh.ts";
import { formatVerdicts } from "../output/contract.ts";
import type { ContractReport } from "../output/json-contract.ts";
import { printJson, printResult } from "../output/print.ts";
import { plan } from "../plan/build.ts";
import { checkAppFiles, refuseImages } from "../runtime/app-files.ts";
import { readHost } from "../runtime/host.ts";
import { nativeRuntime } from "../runtime/native.ts";
import { openStateFolder } from "../runtime/state.ts";
import { ensureTools } from "../tools/ensure-tools.ts";
import { type AppOptions, appOptionsGiven, readApi, readAppArgument, workloadNamed } from "./app-argument.ts";
import type { Alone } from "./contract-docker.ts";
import { readMesh, type Context } from "./context.ts";
import { runtimeOf } from "./open-runtime.ts";

export async function contract(
  context: Context,
  name: string,
  { json, ...options }: AppOptions & { readonly json: boolean },
): Promise<number> {
  const mesh = await readMesh(context);
  const workload = workloadNamed(mesh, name);
  const asked = appOptionsGiven(options) > 0;
  const app = asked ? await readAppArgument(context, options, workload.app) : workload.app;
  const api = await readApi(context, app, workload);
  const alone = { mesh, workload: { ...workload, app }, api };
  const folder = await openStateFolder(context.stateDir, { create: false });
  const verdicts =
    (await runtimeOf(context, folder)) === "docker"
      ? await (await import("./contract-docker.ts")).checkInContainers(context, alone)
      : await inPrivate(context, alone);
  const report: ContractReport = { version: 1, workload: name, met: isMet(verdicts), verdicts };
  if (json) printJson(report);
  else printResult(formatVerdicts(verdicts));
  return report.met ? exitStatus.ok : exitStatus.no;
}

async function inPrivate(context: Context, { mesh, workload, api }: Alone): Promise<readonly Verdict[]> {
  const { cacheDir, env, offline, report, repositoryDir, signal } = context;
  const alone: Mesh = { ...mesh, workloads: [workload], edges: [] };
  refuseImages(alone);
  await checkAppFiles(alone, repositoryDir);
  const tools = await ensureTools({ cacheDir, offline, report, signal });
  await using made = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "mesh-contract-"));
  made.defer(() => rm(dir, { recursive: true, force: true }));
  const folder = await openStateFolder(join(dir, "state"), { create: true });
  const reading = made.use(
    await readHost({ folder, state: undefined, mesh: alone, repositoryDir, tools, cacheDir, env, report }),
  );
  const planned = plan(alone, reading.host);
  const runtime = nativeRuntime({ folder, reading: reading.state, env, report });
  made.defer(() => nativeRuntime({ folder, env, report }).destroy());
  const process = planned.processes.find(({ role }) => role === "app");
  if (process === undefined) throw new Error(`${workload.name} has no process`);
  report({ kind: "start", stage: "candidate", message: `starting ${workload.name} alone` });
  await runtime.begin(planned);
  await folder.writePlan(planned);
  await startCandidate(process, { runtime, within: here, signal });
  report({ kind: "start", stage: "contract", message: "asking it what the contract asks" });
  const at = { plan: planned, workload: workload.name, slot: 1, runtime, within: here, signal, api } as const;
  // Before what was made is destroyed.
  return await here.checkContract(process, at);
}
