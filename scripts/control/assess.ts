// Judges facts: which of them stand in the way of a mesh that works, and the command that mends each. Pure. Causes come
// before what they cause: processes, controllers, servers, agents, bundles, sidecars, edges.

import { isCrossed } from "../observe/edge.ts";
import type { DomainFacts, EdgeFacts, Health, SidecarFacts, SvidFacts } from "../observe/facts.ts";
import type { Plan } from "../plan/plan.ts";
import { bundleProblems, bundleStatus, secondsBetween, sidecarBundleProblems } from "./assess-bundles.ts";
import { statusVersion, type DomainStatus, type Problem, type StatusReport } from "./status-report.ts";

/** A process that the runtime keeps, and how it is. */
export interface KeptProcess {
  readonly name: string;
  readonly state: string;
  readonly restarts: number;
}

/** SPIRE Agent rotates when half of the life is left, give or take a tenth. */
const overdueShare = 0.3;

/**
 * Joins the trust domains' facts and judges them.
 *
 * @param processes those that the runtime keeps; none when that is not known here
 */
export function assess(plan: Plan, domains: readonly DomainStatus[], processes: readonly KeptProcess[]): StatusReport {
  const bundles = plan.domains.flatMap(({ trustDomain, relationships }) =>
    relationships.map((partner) => bundleStatus(domains, trustDomain, partner.trustDomain)),
  );
  const known = domains.map(({ facts }) => facts).filter((facts) => facts !== undefined);
  const notRunning = processes.filter(({ state }) => state !== "running");
  const notStarted = namesNotIn(processes, plan);
  const down = new Set([...notStarted, ...notRunning.map(({ name }) => name)]);
  const problems = [
    ...notStartedProblems(notStarted),
    ...notRunning.map(processProblem),
    ...domains.flatMap((domain) => controllerProblems(plan, domain, down)),
    ...known.flatMap((facts) => spireProblems(facts, down)),
    ...bundles.flatMap((bundle) => bundleProblems(plan, domains, bundle)),
    ...known.flatMap((facts) =>
      facts.sidecars.flatMap((sidecar) => [
        ...sidecarProblems(facts, sidecar, down),
        ...sidecarBundleProblems(facts, sidecar),
      ]),
    ),
    ...known.flatMap(({ edges }) => edges.flatMap(edgeProblems)),
  ];
  return { version: statusVersion, ready: problems.length === 0, problems, trustDomains: domains, bundles };
}

/** What the plan has and the runtime does not keep: `./mesh up` was killed half-way, or has not ended yet. */
function namesNotIn(processes: readonly KeptProcess[], plan: Plan): string[] {
  if (processes.length === 0) return [];
  const kept = new Set(processes.map(({ name }) => name));
  // What is never ready is a one-shot, and nobody keeps it.
  return plan.processes.filter(({ name, ready }) => ready !== undefined && !kept.has(name)).map(({ name }) => name);
}

function notStartedProblems(names: readonly string[]): Problem[] {
  if (names.length === 0) return [];
  const verb = names.length === 1 ? "was" : "were";
  return [{ what: `${names.join(", ")} ${verb} not started: the last ./mesh up has not ended`, fix: "./mesh up" }];
}

function processProblem({ name, state, restarts }: KeptProcess): Problem {
  const words = state === "backing-off" ? `died and is started again (${restarts} times so far)` : `is ${state}`;
  return { what: `${name} ${words}`, fix: `./mesh logs ${name}` };
}

function controllerProblems(
  plan: Plan,
  { trustDomain, facts, reason }: DomainStatus,
  down: ReadonlySet<string>,
): Problem[] {
  const name = plan.domains.find((domain) => domain.trustDomain === trustDomain)?.controller.process ?? trustDomain;
  if (facts === undefined) {
    if (down.has(name)) return [];
    return [
      {
        what: `nothing is known of ${trustDomain}: ${reason ?? `${name} does not answer`}`,
        fix: `./mesh restart ${name}`,
      },
    ];
  }
  if (facts.controller.reason === undefined || facts.server.health.state !== "ready") return [];
  return [{ what: `${name} could not do all of the plan: ${facts.controller.reason}`, fix: `./mesh logs ${name}` }];
}

function spireProblems({ server, agent }: DomainFacts, down: ReadonlySet<string>): Problem[] {
  const problems = [
    ...healthProblems(server.process, server.health, down),
    ...healthProblems(agent.process, agent.health, down),
  ];
  if (agent.attested === false)
    problems.push({
      what: `${agent.process} has not attested to ${server.process}`,
      fix: `./mesh restart ${agent.process}`,
    });
  if (agent.svid !== undefined && agent.svid.secondsLeft <= 0)
    problems.push({ what: `the SVID of ${agent.process} has expired`, fix: `./mesh restart ${agent.process}` });
  return problems;
}

function healthProblems(process: string, { state, reason }: Health, down: ReadonlySet<string>): Problem[] {
  if (state === "ready" || down.has(process)) return [];
  const what = `${process} is ${state === "down" ? "down" : "not ready"}${reason === undefined ? "" : `: ${reason}`}`;
  return [{ what, fix: state === "down" ? `./mesh restart ${process}` : `./mesh logs ${process}` }];
}

function sidecarProblems(facts: DomainFacts, sidecar: SidecarFacts, down: ReadonlySet<string>): Problem[] {
  const { process, health, svid, configuration } = sidecar;
  if (health.state === "down") return healthProblems(process, health, down);
  const problems: Problem[] = [];
  if (health.state === "live")
    problems.push({
      what: `${process} is not ready: ${health.reason ?? "unknown why"}`,
      fix: `./mesh logs ${facts.agent.process}`,
    });
  if (svid !== undefined && svid.secondsLeft <= 0)
    problems.push({ what: `the SVID of ${process} has expired`, fix: `./mesh restart ${facts.agent.process}` });
  else if (svid !== undefined && isOverdue(svid))
    problems.push({
      what: `the SVID of ${process} should have been rotated: ${svid.secondsLeft} s left`,
      fix: `./mesh logs ${facts.agent.process}`,
    });
  for (const { file, state, reason } of configuration) {
    if (state === "rejected")
      problems.push({
        what: `${process} rejected ${file} and serves on as before${reason === undefined ? "" : `: ${reason}`}`,
        fix: `./mesh logs ${process}`,
      });
  }
  const behind = configuration.filter(({ state }) => state === "behind").map(({ file }) => file);
  // What waits for its secrets, or serves on after a rejection, is behind for that reason.
  const isExplained = health.state === "live" || configuration.some(({ state }) => state === "rejected");
  if (behind.length > 0 && !isExplained)
    problems.push({ what: `${process} has not taken up ${behind.join(", ")}`, fix: `./mesh restart ${process}` });
  return problems;
}

function isOverdue({ notBefore, notAfter, secondsLeft }: SvidFacts): boolean {
  return notBefore !== undefined && secondsLeft < overdueShare * secondsBetween(notBefore, notAfter);
}

function edgeProblems({ caller, callee, probe, counters }: EdgeFacts): Problem[] {
  const edge = `${caller.workload} → ${callee.workload}`;
  const logs = `./mesh logs ${caller.workload}-sidecar ${callee.workload}-sidecar`;
  if (probe.kind === "failed") return [{ what: `${edge}: ${probe.reason}`, fix: logs }];
  if (probe.kind === "answered") {
    if (isCrossed(probe)) return [];
    return [
      {
        what: `${edge}: ${callee.workload} answered ${probe.status} to GET ${probe.path}`,
        fix: `./mesh logs ${callee.workload}`,
      },
    ];
  }
  if (counters === undefined) return [];
  if (counters.handshakes === 0 && counters.connectFailures > 0)
    return [{ what: `${edge}: none of ${counters.connectFailures} connections succeeded`, fix: logs }];
  if (counters.responses2xx === 0 && counters.responses5xx > 0)
    return [{ what: `${edge}: all of ${counters.responses5xx} answers were errors`, fix: logs }];
  return [];
}
