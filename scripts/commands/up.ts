// ./mesh up: brings the mesh up, or a running one to what mesh.yaml says now.

import { bringUp, type BroughtUp } from "../control/bring-up.ts";
import { exitStatus } from "../errors.ts";
import { paintResult, printResult } from "../output/print.ts";
import { plan } from "../plan/build.ts";
import type { Plan } from "../plan/plan.ts";
import { render } from "../render/render.ts";
import { readHost } from "../runtime/host.ts";
import { prepareAgentKeys } from "../runtime/keys.ts";
import { takeLock } from "../runtime/lock.ts";
import { nativeRuntime } from "../runtime/native.ts";
import { openStateFolder } from "../runtime/state.ts";
import { ensureTools } from "../tools/ensure-tools.ts";
import { readMesh, type Context } from "./context.ts";

export async function up(context: Context): Promise<number> {
  const begun = performance.now();
  const { report, signal, repositoryDir, cacheDir, env, offline } = context;
  const mesh = await readMesh(context);
  const tools = await ensureTools({ cacheDir, offline, report, signal });
  const folder = await openStateFolder(context.stateDir, { create: true });
  await using _lock = await takeLock(folder.path, "./mesh up");
  const state = await folder.read();
  await using reading = await readHost({ folder, state, mesh, repositoryDir, tools, cacheDir, env, report });
  const planned = plan(mesh, reading.host);
  const runtime = nativeRuntime({ folder, reading: reading.state, env, report });
  const before = await folder.readPlan();
  const wasUp = (await runtime.list()).length > 0;
  await runtime.preflight(planned);
  await runtime.begin(planned);
  await folder.writePlan(planned);
  try {
    await prepareAgentKeys(planned);
    const brought = await bringUp({ plan: planned, files: render(planned), runtime, report, signal });
    printResult(
      wasUp ? difference(brought, gone(before, planned)) : welcome(planned, brought, performance.now() - begun),
    );
    return exitStatus.ok;
  } catch (error) {
    // A mesh that was serving goes on with what it has; one that never was leaves nothing running.
    if (!wasUp) await runtime.suspend();
    throw error;
  }
}

function welcome(planned: Plan, { firstRequestMs }: BroughtUp, elapsedMs: number): string {
  const pages = planned.domains.flatMap(({ sidecars }) =>
    sidecars.flatMap(({ workload, published }) =>
      published === undefined ? [] : [`  ${workload}  http://localhost:${published.port}/`],
    ),
  );
  const first = firstRequestMs === undefined ? "" : `, first request across after ${seconds(firstRequestMs)}`;
  return [
    `${paintResult("green", "up")}: ${count(planned.processes.length, "process", "processes")} in ${count(planned.domains.length, "trust domain", "trust domains")}, ${seconds(elapsedMs)}${first}`,
    ...pages,
    "",
    "next:  ./mesh status    who trusts whom, and does every edge work",
    "       ./mesh logs -f   what the processes say",
    "       ./mesh down      end everything and destroy its keys",
  ].join("\n");
}

/** What an `up` on a running mesh changed. */
function difference({ started, restarted, changes }: BroughtUp, stopped: readonly string[]): string {
  const lines = [
    ...stopped.map((name) => `stopped ${name}`),
    ...started.map((name) => `started ${name}`),
    ...restarted.map((name) => `restarted ${name}`),
    ...changes,
  ];
  return lines.length === 0 ? "unchanged" : lines.join("\n");
}

function gone(before: Plan | undefined, planned: Plan): string[] {
  const names = new Set(planned.processes.map(({ name }) => name));
  return (before?.processes ?? []).map(({ name }) => name).filter((name) => !names.has(name));
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
