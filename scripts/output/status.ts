// A status report as people read it: what is wrong and the command that mends it first, then three tables.

import type { StatusReport, BundleStatus, Swapped } from "../control/status-report.ts";
import type { DomainFacts, EdgeFacts, Health, SidecarFacts } from "../observe/facts.ts";
import type { Paint } from "./print.ts";
import { alignColumns, formatSeconds } from "./table.ts";

/** Lines for standard output. */
export function formatStatus(report: StatusReport, paint: Paint): string {
  const facts = report.trustDomains.map((domain) => domain.facts).filter((known) => known !== undefined);
  const sidecars = facts.flatMap((domain) => domain.sidecars);
  const edges = facts.flatMap((domain) => domain.edges);
  const blocks = [
    ...(report.swapped === undefined ? [] : [swaps(report.swapped, paint)]),
    ...(report.ready ? [] : [problems(report, paint)]),
    domainTable(report, paint),
    ...(sidecars.length === 0 ? [] : [sidecarTable(sidecars, paint)]),
    ...(edges.length === 0 ? [] : [edgeTable(edges, paint)]),
    ...(report.ready ? [summary(report, { sidecars, edges }, paint)] : []),
  ];
  return blocks.map((lines) => lines.join("\n")).join("\n\n");
}

function swaps(swapped: readonly Swapped[], paint: Paint): string[] {
  return swapped.flatMap(({ workload, app, back }) => [
    `${paint("yellow", "swapped:")} ${workload} is served by ${app}`,
    `  ${paint("green", "what mesh.yaml says:")} ${back}`,
  ]);
}

function problems({ problems: found }: StatusReport, paint: Paint): string[] {
  return [
    paint(["bold", "red"], `not ready: ${found.length === 1 ? "1 problem" : `${found.length} problems`}`),
    ...found.flatMap(({ what, fix }) => [`${paint("red", "✗")} ${what}`, `  ${paint("green", "fix:")} ${fix}`]),
  ];
}

function summary(
  { trustDomains }: StatusReport,
  { sidecars, edges }: { readonly sidecars: readonly SidecarFacts[]; readonly edges: readonly EdgeFacts[] },
  paint: Paint,
): string[] {
  const probed = edges.filter(({ probe }) => probe.kind === "answered").length;
  const counts = `${trustDomains.length} trust domains, ${sidecars.length} sidecars, ${probed} of ${edges.length} edges probed`;
  return [`${paint(["bold", "green"], "ready")}: ${counts}`];
}

function domainTable(report: StatusReport, paint: Paint): string[] {
  const rows = report.trustDomains.flatMap(({ trustDomain, facts }) => {
    const head = [trustDomain, ...domainCells(facts, paint)];
    const held = report.bundles
      .filter(({ holder }) => holder === trustDomain)
      .map((bundle) => bundleCells(bundle, paint));
    const [first = ["", "none", ""], ...rest] = held;
    return [[...head, ...first], ...rest.map((cells) => ["", "", "", "", ...cells])];
  });
  return table(["TRUST DOMAIN", "SERVER", "AGENT", "CONTROLLER", "BUNDLE OF", "IS", "HELD FOR"], rows, paint);
}

function domainCells(facts: DomainFacts | undefined, paint: Paint): string[] {
  if (facts === undefined) return [paint("yellow", "unknown"), paint("yellow", "unknown"), paint("red", "down")];
  const { server, agent, controller } = facts;
  const reconciled = controller.reason === undefined ? paint("green", "ready") : paint("yellow", "not reconciled");
  return [health(server.health, paint), health(agent.health, paint), reconciled];
}

function bundleCells({ of, state, heldSeconds }: BundleStatus, paint: Paint): string[] {
  const colour = state === "current" ? "green" : state === "missing" ? "red" : "yellow";
  return [of, paint(colour, state), heldSeconds === undefined ? "" : formatSeconds(heldSeconds)];
}

function sidecarTable(sidecars: readonly SidecarFacts[], paint: Paint): string[] {
  const rows = sidecars.map(({ process, health: state, spiffeId, svid, bundles, configuration }) => [
    process,
    health(state, paint),
    spiffeId,
    svid === undefined ? paint("red", "none") : shortSerial(svid.serial),
    svid === undefined ? "" : leftCell(svid.secondsLeft, paint),
    svid === undefined ? "" : `${svid.rotations}×`,
    bundles.map((bundle) => validationCell(bundle, paint)).join(", "),
    configurationCell(configuration, paint),
  ]);
  return table(["SIDECAR", "IS", "SVID", "SERIAL", "LEFT", "ROTATED", "BUNDLES", "CONFIGURATION"], rows, paint);
}

/** Whose certificates it verifies; one trust domain's name stands for that one's bundle alone. */
function validationCell({ context, trustDomains }: SidecarFacts["bundles"][number], paint: Paint): string {
  const name = context.replace("spiffe://", "");
  if (trustDomains.length === 0) return paint("red", `${name} missing`);
  return context === "ALL" ? `ALL of ${trustDomains.length}` : name;
}

function shortSerial(serial: string): string {
  return serial.length <= 12 ? serial : `${serial.slice(0, 12)}…`;
}

function leftCell(seconds: number, paint: Paint): string {
  return seconds <= 0 ? paint("red", "expired") : formatSeconds(seconds);
}

function configurationCell(configuration: SidecarFacts["configuration"], paint: Paint): string {
  const not = configuration.filter(({ state }) => state !== "in-sync");
  if (configuration.length === 0) return paint("yellow", "unknown");
  if (not.length === 0) return paint("green", "in sync");
  return not.map(({ file, state }) => paint(state === "rejected" ? "red" : "yellow", `${file} ${state}`)).join(", ");
}

function edgeTable(edges: readonly EdgeFacts[], paint: Paint): string[] {
  const rows = edges.map(({ caller, callee, probe, counters }) => [
    `${caller.workload} → ${callee.workload}`,
    probe.kind === "not-probed" ? "" : `GET ${probe.path}`,
    probeCell(probe, paint),
    ...(counters === undefined
      ? ["", "", ""]
      : [String(counters.requests), String(counters.responses5xx), String(counters.refused)]),
  ]);
  return table(["EDGE", "PROBE", "RESULT", "REQUESTS", "5XX", "PEERS REFUSED"], rows, paint);
}

function probeCell(probe: EdgeFacts["probe"], paint: Paint): string {
  if (probe.kind === "not-probed") return paint("yellow", "not probed");
  if (probe.kind === "failed") return paint("red", probe.status === undefined ? "failed" : `failed, ${probe.status}`);
  return `${paint(probe.status < 400 ? "green" : "red", String(probe.status))} in ${probe.ms} ms`;
}

function health({ state }: Health, paint: Paint): string {
  if (state === "ready") return paint("green", "ready");
  return state === "live" ? paint("yellow", "not ready") : paint("red", "down");
}

function table(headings: readonly string[], rows: readonly (readonly string[])[], paint: Paint): string[] {
  return alignColumns([headings.map((heading) => paint("dim", heading)), ...rows]);
}
