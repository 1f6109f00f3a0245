// What `./mesh verify` changes in a plan: the test takes the place of apps and of the network, a hostile partner is federated
// with, and two more callers are declared. Pure.

import type { HostPort } from "../../../scripts/model/mesh.ts";
import type { DomainPlan, FederatedTrustDomain, Plan, Process, SidecarPlan } from "../../../scripts/plan/plan.ts";
import type { Edge } from "./live-mesh.ts";

interface Changes {
  readonly edge: Edge;
  /** Where the caller's sidecar is to believe its callee, and who stands in for apps is the test: natively. */
  readonly relay?: HostPort;
  readonly connectionSeconds?: SidecarPlan["maxConnectionSeconds"];
  readonly relationship: FederatedTrustDomain;
  /** Where a trust domain finds the bundle by which the hostile one introduces itself; the relationship's own unless given. */
  readonly bundleFileOf?: (trustDomain: string) => string;
}

/** The plan as it is, but for what the test takes the place of. */
export function prepared(planned: Plan, changes: Changes): Plan {
  const isReplaced = ({ role }: Process): boolean => changes.relay !== undefined && role === "app";
  const processes = planned.processes.filter((process) => !isReplaced(process)).map(quickToTell);
  return { ...planned, processes, domains: planned.domains.map((domain) => preparedDomain(domain, changes)) };
}

/** Envoy's access log is read after each attempt: it must not be kept back for a second. */
function quickToTell(process: Process): Process {
  const at = process.command.indexOf("--file-flush-interval-msec");
  return at < 0 ? process : { ...process, command: process.command.with(at + 1, "5") };
}

/** As long as the standard demands (SPIFFE-ID.md 2.3). */
export function longestIdOf(trustDomain: string): string {
  return `spiffe://${trustDomain}/`.padEnd(2048, "x");
}

/** What is below it, the caller with the longest ID may do all of. */
export const below = "/below/";

export function partnerIdOf(trustDomain: string): string {
  return `spiffe://${trustDomain}/partner`;
}

function preparedDomain(domain: DomainPlan, changes: Changes): DomainPlan {
  const { relationship, bundleFileOf } = changes;
  const bootstrapBundleFile = bundleFileOf?.(domain.trustDomain) ?? relationship.bootstrapBundleFile;
  return {
    ...domain,
    relationships: [...domain.relationships, { ...relationship, bootstrapBundleFile }],
    entries: domain.entries.map((entry) => ({
      ...entry,
      federatesWith: [...entry.federatesWith, relationship.trustDomain],
    })),
    sidecars: domain.sidecars.map((sidecar) => preparedSidecar(sidecar, changes)),
  };
}

function preparedSidecar(sidecar: SidecarPlan, { edge, relay, relationship, connectionSeconds }: Changes): SidecarPlan {
  const { inbound, maxConnectionSeconds } = sidecar;
  const changed = {
    ...sidecar,
    maxConnectionSeconds: connectionSeconds ?? maxConnectionSeconds,
    outbound: sidecar.outbound.map((one) =>
      relay !== undefined && sidecar.workload === edge.caller && one.callee === edge.callee
        ? { ...one, address: relay }
        : one,
    ),
  };
  if (sidecar.workload !== edge.callee || inbound === undefined) return changed;
  const first = inbound.callers.find(({ workload }) => workload === edge.caller);
  if (first === undefined) throw new Error(`${edge.caller} does not call ${edge.callee}`);
  const longest = {
    ...first,
    workload: "longest",
    spiffeId: longestIdOf(new URL(first.spiffeId).hostname),
    rules: [...first.rules, { method: "*", path: `${below}*` } as const],
  };
  const partner = { ...first, workload: "partner", spiffeId: partnerIdOf(relationship.trustDomain) };
  return { ...changed, inbound: { ...inbound, callers: [...inbound.callers, longest, partner] } };
}
