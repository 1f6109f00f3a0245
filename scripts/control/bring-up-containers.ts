// Brings a mesh up in containers, or a running one to a new plan: running controllers take the plan up live, Compose does
// what is left, and both prove it. Ends when every health check has (docker-compose.yml says what each proves).

import { MeshError } from "../errors.ts";
import type { Report } from "../events.ts";
import { ownPart } from "../plan/own-part.ts";
import type { DomainPlan, Plan } from "../plan/plan.ts";
import { type ComposeProject, compose } from "../runtime/compose-project.ts";
import { type Container, containersOf, isOneShot } from "../runtime/containers.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { dropStaleVolumes } from "../runtime/stale-volumes.ts";
import { plannedChanges } from "../trust/planned-changes.ts";
import { until } from "../wait.ts";
import { askContainer } from "./ask-container.ts";
import { assess } from "./assess.ts";
import { controllerClient } from "./client.ts";
import { explainComposeFailure } from "./compose-failure.ts";
import { explainRejection } from "./rejection.ts";
import type { PlanReport } from "./report.ts";

export interface BringUpContainersOptions {
  /** What the containers were made of; undefined: it is not known. */
  readonly before: Plan | undefined;
  readonly plan: Plan;
  readonly project: ComposeProject;
  readonly runtime: Runtime;
  /** Use the images that are there. */
  readonly offline: boolean;
  readonly report: Report;
  readonly signal: AbortSignal;
}

export interface ContainersBroughtUp {
  readonly started: readonly string[];
  readonly restarted: readonly string[];
  readonly stopped: readonly string[];
  readonly trust: readonly string[];
  readonly files: PlanReport["files"];
}

/** Longer than the longest health check may take. */
const waitSeconds = 90;
const answerMs = 20_000;
const provenMs = 30_000;
const buildMs = 15 * 60_000;

/**
 * @throws MeshError MESH_UPDATE_REJECTED; MESH_IMAGE_ABSENT, MESH_PORT_TAKEN, MESH_DISK_FULL, MESH_ADDRESS_UNUSABLE,
 *   MESH_PROCESS_FAILED naming the service and its reason, MESH_COMPOSE_FAILED
 */
export async function bringUpContainers(options: BringUpContainersOptions): Promise<ContainersBroughtUp> {
  const { project, plan, report } = options;
  const before = await containersOf(project);
  const reports = await handOver(options, before);
  report({ kind: "start", stage: "images", message: "building what is not built yet" });
  await must(options, ["build", "--quiet"], buildMs);
  await dropStaleVolumes(project);
  report({ kind: "start", stage: "mesh", message: "starting containers, waiting for the proof of every one" });
  const pull = options.offline ? ["--pull", "never"] : [];
  const words = [
    "--detach",
    "--wait",
    "--wait-timeout",
    String(waitSeconds),
    "--remove-orphans",
    "--no-build",
    ...pull,
  ];
  await must(options, ["up", ...words], (waitSeconds + 600) * 1000);
  await proven(options);
  const changes = differences(before, await containersOf(project), plan);
  // They were told of the new plan, and Compose has renewed them only for them to read it at their next start.
  const told = new Set(reports.map(({ trustDomain }) => trustDomain));
  const renewed = new Set(
    plan.domains.flatMap(({ trustDomain, controller }) => (told.has(trustDomain) ? [controller.process] : [])),
  );
  return {
    ...changes,
    restarted: changes.restarted.filter((name) => !renewed.has(name)),
    trust: [...reports.flatMap(({ trust }) => trust), ...untold(options, told)],
    files: reports.flatMap(({ files }) => files),
  };
}

/**
 * Compose takes the last word of each health check, which may be from before the containers that it has just made anew. So
 * every controller is asked, and sends a request along each of its edges.
 */
async function proven(options: BringUpContainersOptions): Promise<void> {
  const { plan, project, runtime, signal } = options;
  const ask = askContainer(project);
  const since = Date.now();
  let problems: readonly string[] = [];
  const look = async (): Promise<boolean> => {
    const [processes, ...domains] = await Promise.all([
      runtime.list(),
      ...plan.domains.map(async (domain) => ({
        trustDomain: domain.trustDomain,
        name: domain.name,
        facts: await controllerClient(domain, ask).facts(),
      })),
    ]);
    problems = assess(plan, domains, processes).problems.map(({ what }) => what);
    return problems.length === 0;
  };
  try {
    const lastSeen = (): string => problems.join("; ");
    await until("the mesh is as planned", look, { deadlineMs: provenMs, intervalMs: 250, signal, lastSeen });
  } catch (error) {
    if (!(error instanceof MeshError) || error.code === "MESH_INTERRUPTED") throw error;
    throw await explainComposeFailure({ ...options, verb: "up", stderr: error.message, since });
  }
}

/** What changed where no controller was told: each has read the new plan at its start, and proved that all is so. */
function untold({ before, plan }: BringUpContainersOptions, told: ReadonlySet<string>): string[] {
  return plan.domains.flatMap((domain) => {
    const was = before?.domains.find(({ trustDomain }) => trustDomain === domain.trustDomain);
    return was === undefined || told.has(domain.trustDomain) ? [] : plannedChanges(was, domain);
  });
}

/** To the controllers that run, with all that they control, and have all volumes that the new plan gives them. */
async function handOver(options: BringUpContainersOptions, before: readonly Container[]): Promise<PlanReport[]> {
  const { plan, project, runtime } = options;
  const running = new Set(before.filter(({ state }) => state === "running").map(({ service }) => service));
  const able = plan.domains.filter((domain) => isWhole(options, domain, running) && hasSameMounts(options, domain));
  const ask = askContainer(project);
  return Promise.all(
    able.map(async (domain) => {
      const controller = controllerClient(domain, ask);
      const { process } = domain.controller;
      // One that was started a moment ago need not have its socket yet.
      if (before.find(({ service }) => service === process)?.health?.status !== "healthy")
        await until(`${process} answers on its socket`, controller.health, {
          deadlineMs: answerMs,
          signal: options.signal,
          fix: `./mesh logs ${process}`,
        });
      return controller.applyPlan(ownPart(plan, domain)).catch(async (error: unknown) => {
        throw await explainRejection(error, domain, runtime);
      });
    }),
  );
}

/** Where a part is missing Compose starts it first, and the controller takes the plan up as after any start. */
function isWhole(
  { before }: BringUpContainersOptions,
  { trustDomain }: DomainPlan,
  running: ReadonlySet<string>,
): boolean {
  const meant = before?.processes.filter((process) => process.trustDomain === trustDomain && !isOneShot(process)) ?? [];
  return meant.length > 0 && meant.every(({ name }) => running.has(name));
}

function hasSameMounts({ before, plan }: BringUpContainersOptions, { controller }: DomainPlan): boolean {
  return before !== undefined && mountsOf(before, controller.process) === mountsOf(plan, controller.process);
}

function mountsOf({ folders }: Plan, process: string): string {
  const own = folders.flatMap(({ path, mounts = {} }) => (process in mounts ? [`${path} ${mounts[process]}`] : []));
  return own.toSorted().join("\n");
}

function differences(
  before: readonly Container[],
  after: readonly Container[],
  plan: Plan,
): Pick<ContainersBroughtUp, "started" | "restarted" | "stopped"> {
  const lasting = new Set(plan.processes.filter((process) => !isOneShot(process)).map(({ name }) => name));
  const was = new Map(before.map((container) => [container.service, container]));
  const now = after.filter(({ service }) => lasting.has(service));
  // The engine starts what has died again by itself, in the same container: that is not this command's doing.
  const lives = new Set(["running", "restarting"]);
  const isNew = ({ service }: Container): boolean => !lives.has(was.get(service)?.state ?? "");
  const kept = new Set(after.map(({ service }) => service));
  return {
    started: now.filter(isNew).map(({ service }) => service),
    restarted: now
      .filter((container) => !isNew(container))
      .filter(({ service, id }) => was.get(service)?.id !== id)
      .map(({ service }) => service),
    stopped: before.filter(({ service }) => !kept.has(service)).map(({ service }) => service),
  };
}

async function must(options: BringUpContainersOptions, args: readonly string[], deadlineMs: number): Promise<void> {
  const { project, signal, report } = options;
  const [verb = ""] = args;
  const since = Date.now();
  const onLine = (line: string): void => {
    const message = line.trim();
    if (message !== "") report({ kind: "progress", stage: verb === "build" ? "images" : "mesh", message });
  };
  const { status, stderr } = await compose(project, ["--progress", "plain", ...args], { deadlineMs, signal, onLine });
  if (status === 0) return;
  throw await explainComposeFailure({ ...options, verb, stderr, since });
}
