// Brings a planned mesh up on the native runtime, or a running one to a new plan: one path for both, safe to repeat.
// The order is an optimisation; every part may also start alone. Ends when a request has crossed every probed edge.

import { existsSync } from "node:fs";

import { MeshError } from "../errors.ts";
import type { Report } from "../events.ts";
import { isCrossed, probeEdge } from "../observe/edge.ts";
import { isReady } from "../observe/readiness.ts";
import type { DomainPlan, EdgePlan, Plan, Process, RenderedFile, Role } from "../plan/plan.ts";
import type { ProcessRuntime } from "../runtime/runtime.ts";
import { changesOf, type ReconcileReport } from "../trust/reconcile.ts";
import { publishBundle } from "../trust/introduction.ts";
import { connectWhenUp, type ServerApi } from "../trust/server-api.ts";
import { until } from "../wait.ts";
import { untilBuilt } from "./built.ts";
import { controllerClient } from "./client.ts";
import { writeDynamicFiles } from "./dynamic-files.ts";
import { reconcileDomain } from "./reconcile-domain.ts";
import { explainRejection } from "./rejection.ts";
import type { PlanReport } from "./report.ts";
import { watchDeaths } from "./deaths.ts";

export interface BringUpOptions {
  readonly plan: Plan;
  readonly files: readonly RenderedFile[];
  /** Processes whose keys were minted anew: those of them that run must read them. */
  readonly rekeyed: readonly string[];
  readonly runtime: ProcessRuntime;
  readonly report: Report;
  readonly signal: AbortSignal;
}

export interface BroughtUp {
  /** Names of processes that were started, and of those that were restarted because their definition changed. */
  readonly started: readonly string[];
  readonly restarted: readonly string[];
  /** What changed in SPIRE Servers, as sentences without a full stop. */
  readonly trust: readonly string[];
  /** Dynamic files that sidecars took up. */
  readonly files: PlanReport["files"];
  /**
   * From spawning the first process until a request had crossed every edge that can be probed. Undefined when nothing was
   * started, or no edge can be.
   */
  readonly firstRequestMs: number | undefined;
}

const deadlineMs = 30_000;

const coldStart = "servers introduce themselves, bundles cross, identities are entered";
const liveEdit = "comparing the mesh with mesh.yaml";

/**
 * @throws MeshError MESH_PROCESS_FAILED with the last log lines of what died; MESH_TIMEOUT naming the unmet condition;
 *   MESH_UPDATE_REJECTED; MESH_SPIRE_API
 */
export async function bringUp(options: BringUpOptions): Promise<BroughtUp> {
  const deaths = watchDeaths(options.runtime, options.signal);
  // Trust domains are brought up side by side: when one has failed, the others must not go on behind the command.
  const over = new AbortController();
  const signal = AbortSignal.any([deaths.signal, over.signal]);
  try {
    return await Promise.race([deaths.failed, run({ ...options, signal })]);
  } finally {
    over.abort();
    deaths.stop();
  }
}

async function run(options: BringUpOptions): Promise<BroughtUp> {
  const { plan, runtime, files, report } = options;
  const running = new Set((await runtime.list()).filter(({ state }) => state === "running").map(({ name }) => name));
  const mesh: BringingUp = { ...options, running, started: [], restarted: [], trust: [], takenUp: [] };
  const reconfigured = (await runtime.writeFiles(files.filter(({ dynamic }) => !dynamic))).map(
    ({ process }) => process,
  );
  const isNew = plan.domains.filter(({ controller }) => !running.has(controller.process));
  await runtime.writeFiles(isNew.map((domain) => planFile(plan, domain)));
  await Promise.all(isNew.flatMap(({ sidecars }) => sidecars.map((sidecar) => writeDynamicFiles(sidecar))));

  const firstStart = performance.now();
  await start(mesh, (role) => role === "spire-server" || role === "app");
  await restartReconfigured(mesh, [...reconfigured, ...options.rekeyed]);
  report({ kind: "start", stage: "trust", message: isNew.length > 0 ? coldStart : liveEdit });
  await bringDomainsUp(mesh);
  report({ kind: "start", stage: "edges", message: "waiting for a request to cross every edge" });
  await Promise.all(plan.edges.map((edge) => crossed(mesh, edge)));
  const isProven = plan.edges.some(({ probePath }) => probePath !== undefined);
  const firstRequestMs = mesh.started.length > 0 && isProven ? performance.now() - firstStart : undefined;

  await start(mesh, (role) => role === "controller");
  await Promise.all(plan.processes.map((process) => ready(mesh, process)));
  const { started, restarted, trust, takenUp } = mesh;
  return { started, restarted, trust, files: takenUp, firstRequestMs };
}

/** What a controller starts from. A running one is handed a new plan over its socket, and keeps it here. */
function planFile(plan: Plan, { controller }: DomainPlan): RenderedFile {
  const content = `${JSON.stringify(plan)}\n`;
  return { path: controller.planFile, process: controller.process, dynamic: false, mode: 0o640, content };
}

interface BringingUp extends BringUpOptions {
  readonly running: ReadonlySet<string>;
  readonly started: string[];
  readonly restarted: string[];
  readonly trust: string[];
  readonly takenUp: PlanReport["files"][number][];
}

async function start(mesh: BringingUp, wanted: (role: Role) => boolean, trustDomain?: string): Promise<void> {
  const processes = mesh.plan.processes.filter(
    (process) => wanted(process.role) && (trustDomain === undefined || process.trustDomain === trustDomain),
  );
  const { started, restarted } = await mesh.runtime.start(processes);
  mesh.started.push(...started);
  mesh.restarted.push(...restarted);
}

/** Processes that run on, but whose static file changed; as their definition is now, e.g. in other groups. */
async function restartReconfigured(mesh: BringingUp, reconfigured: readonly string[]): Promise<void> {
  const names = new Set(reconfigured.filter((name) => mesh.running.has(name) && !mesh.restarted.includes(name)));
  if (names.size === 0) return;
  const { restarted, unchanged } = await mesh.runtime.start(mesh.plan.processes.filter(({ name }) => names.has(name)));
  if (unchanged.length > 0) await mesh.runtime.restart(unchanged);
  mesh.restarted.push(...restarted, ...unchanged);
}

/**
 * Per trust domain: its server answers; its bundle is published; once its partners' are there too, relationships and
 * entries; then agent and sidecars. Agents come after entries, so that their first sync has them.
 */
async function bringDomainsUp(mesh: BringingUp): Promise<void> {
  const introductions = new Map(
    mesh.plan.domains.map((domain) => [domain.trustDomain, introduce(mesh, domain)] as const),
  );
  const all = mesh.plan.domains.map(async (domain) => {
    await using api = await introductions.get(domain.trustDomain);
    for (const { trustDomain } of domain.relationships) await introductions.get(trustDomain);
    if (api === undefined) return;
    await reconciled(mesh, domain, api);
    await start(mesh, (role) => role === "spire-agent", domain.trustDomain);
    await until(`${domain.agent.process} has its socket`, () => existsSync(domain.agent.socket), {
      ...waiting(mesh),
      fix: `./mesh logs ${domain.agent.process}`,
    });
    await start(mesh, (role) => role === "sidecar", domain.trustDomain);
  });
  await Promise.all(all);
}

async function introduce(mesh: BringingUp, domain: DomainPlan): Promise<ServerApi> {
  const { process: server, adminSocket } = domain.server;
  const api = await connectWhenUp(adminSocket, { server, untilMs: deadlineMs, signal: mesh.signal });
  await publishBundle(api, domain.bundleFile);
  return api;
}

/** By its controller where that runs: it alone writes the files of running sidecars. Otherwise here, by the same code. */
async function reconciled(mesh: BringingUp, domain: DomainPlan, api: ServerApi): Promise<void> {
  const { process } = domain.controller;
  if (mesh.running.has(process)) {
    const controller = controllerClient(domain);
    // It runs, but may have been restarted a moment ago.
    await until(`${process} answers on its socket`, () => controller.health(), {
      ...waiting(mesh),
      fix: `./mesh restart ${process}`,
    });
    const report = await controller.applyPlan(mesh.plan).catch(async (error: unknown) => {
      throw await explainRejection(error, domain, mesh.runtime);
    });
    mesh.trust.push(...report.trust);
    mesh.takenUp.push(...report.files);
    return;
  }
  const settled = async (): Promise<boolean> => {
    const report = await reconcileDomain(domain, api);
    mesh.trust.push(...changesOf(report));
    refuseFailures(domain, report);
    return report.pending.length === 0;
  };
  await until(`${domain.server.process} holds its partners' bundles and its entries`, settled, waiting(mesh));
}

function refuseFailures(domain: DomainPlan, { failed }: ReconcileReport): void {
  if (failed.length === 0) return;
  throw new MeshError("MESH_SPIRE_API", `${domain.server.process} refused what mesh.yaml asks for`, {
    details: failed,
    fix: `./mesh logs ${domain.server.process}`,
  });
}

/** The proof that the mesh works: a request went through both sidecars and was answered by the app. */
async function crossed(mesh: BringingUp, edge: EdgePlan): Promise<void> {
  if (edge.probePath === undefined) return;
  // Not before both ends are there: each earlier request would be counted and logged as an error of the edge.
  const ends = [edge.caller.workload, edge.callee.workload];
  const needed = mesh.plan.processes.filter(({ workload }) => workload !== undefined && ends.includes(workload));
  await Promise.all(needed.map((process) => ready(mesh, process)));
  let last: string | undefined;
  const look = async (): Promise<boolean> => {
    const probe = await probeEdge(edge);
    if (probe.kind === "failed") last = probe.reason;
    if (probe.kind === "answered") last = `${edge.callee.workload} answered ${probe.status} to GET ${probe.path}`;
    return isCrossed(probe);
  };
  const condition = `a request crosses ${edge.caller.workload} → ${edge.callee.workload}`;
  await until(condition, look, {
    ...waiting(mesh),
    lastSeen: () => last,
    fix: `./mesh logs ${edge.callee.workload}; its answer to GET ${edge.probePath}, the first rule without *, is the proof`,
  });
}

async function ready(mesh: BringingUp, process: Process): Promise<void> {
  const { name, build } = process;
  const onWait = (): void => mesh.report({ kind: "progress", stage: "edges", message: `building ${name}` });
  if (build !== undefined) await untilBuilt(name, { ...mesh, onWait });
  await until(`${process.name} is ready`, () => isReady(process.ready), {
    ...waiting(mesh),
    fix: `./mesh logs ${process.name}`,
  });
}

function waiting(mesh: BringingUp) {
  return { deadlineMs, signal: mesh.signal };
}
