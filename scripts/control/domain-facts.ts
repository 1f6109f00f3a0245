// Puts together what one controller knows of its trust domain, all sources asked at once: SPIRE Server's API, health
// addresses, sidecars, edges. A source that does not answer leaves its facts out and says why.

import { messageOf } from "../errors.ts";
import { probeEdge } from "../observe/edge.ts";
import { observeSidecar, type SidecarObservation } from "../observe/envoy.ts";
import {
  factsVersion,
  type AgentFacts,
  type BundleFacts,
  type ControllerFacts,
  type DomainFacts,
  type EdgeFacts,
  type PartnerFacts,
} from "../observe/facts.ts";
import { observeSpireHealth } from "../observe/spire.ts";
import type { DomainPlan, EdgePlan } from "../plan/plan.ts";
import type { BundleSummary, TrustFacts } from "../trust/facts.ts";
import type { Memory } from "./memory.ts";
import { sidecarFacts } from "./sidecar-facts.ts";
import type { SidecarUpdates } from "./updates.ts";

/** What the controller itself knows. */
export interface Knowledge {
  readonly controller: ControllerFacts;
  readonly memory: Memory;
  /** @throws MeshError MESH_SPIRE_API */
  readonly trust: () => Promise<TrustFacts>;
  readonly updates: SidecarUpdates;
  /** Partners that are left out because of their bundle, and why. */
  readonly refused: ReadonlyMap<string, string>;
}

export interface FactsOptions {
  readonly probe: boolean;
}

/** Facts of one trust domain, now. Never throws for a part that does not answer. */
export async function domainFacts(
  domain: DomainPlan,
  edges: readonly EdgePlan[],
  knowledge: Knowledge,
  options: FactsOptions,
): Promise<DomainFacts> {
  const now = new Date();
  const [trust, server, agent, sidecars, probed] = await Promise.all([
    knowledge.trust().catch((error: unknown) => messageOf(error)),
    observeSpireHealth(domain.server.health),
    observeSpireHealth(domain.agent.health),
    Promise.all(domain.sidecars.map((sidecar) => observeSidecar(sidecar, now))),
    Promise.all(edges.map((edge) => probe(domain, edge, options))),
  ]);
  const known = typeof trust === "string" ? undefined : trust;
  const unknown = typeof trust === "string" ? trust : undefined;
  const unknownBundle = unknown === undefined ? undefined : `${domain.server.process} does not answer`;
  return {
    version: factsVersion,
    trustDomain: domain.trustDomain,
    name: domain.name,
    at: now.toISOString(),
    server: {
      process: domain.server.process,
      health: unknown === undefined || server.state !== "ready" ? server : { state: "live", reason: unknown },
      spiffeId: domain.server.spiffeId,
      ...(known === undefined
        ? {}
        : {
            bundle: bundleFacts(known.bundle),
            bundleSince: knowledge.memory.holdsBundle(domain.trustDomain, known.bundle.digest, now),
          }),
    },
    agent: { ...agentFacts(domain, known, now), health: agent },
    controller: knowledge.controller,
    partners: domain.relationships.map(({ trustDomain }) =>
      partnerFacts(trustDomain, { known, unknown: unknownBundle, now }, knowledge),
    ),
    sidecars: domain.sidecars.map((sidecar, index) =>
      sidecarFacts(sidecar, sidecars[index] ?? notAnswering, { now, ...knowledge }),
    ),
    edges: edges.map((edge, index) => edgeFacts(domain, edge, { probe: probed[index], sidecars })),
  };
}

const notAnswering: SidecarObservation = { health: { state: "down" }, bundles: [], subscriptions: {}, outbound: {} };

async function probe(domain: DomainPlan, edge: EdgePlan, { probe: wanted }: FactsOptions): Promise<EdgeFacts["probe"]> {
  if (!wanted) return { kind: "not-probed" };
  const sidecar = domain.sidecars.find(({ workload }) => workload === edge.caller.workload);
  const outbound = sidecar?.outbound.find(({ callee }) => callee === edge.callee.workload);
  return await probeEdge(edge, {
    ...(sidecar === undefined ? {} : { adminSocket: sidecar.adminSocket }),
    ...(outbound === undefined ? {} : { address: outbound.address }),
  });
}

function bundleFacts(bundle: BundleSummary): BundleFacts {
  return {
    digest: bundle.digest,
    ...(bundle.sequence === undefined ? {} : { sequence: bundle.sequence }),
    ...(bundle.refreshHintSeconds === undefined ? {} : { refreshHintSeconds: bundle.refreshHintSeconds }),
    x509Authorities: bundle.x509Authorities.length,
  };
}

function agentFacts(domain: DomainPlan, trust: TrustFacts | undefined, now: Date): Omit<AgentFacts, "health"> {
  const { process, spiffeId } = domain.agent;
  if (trust === undefined) return { process, spiffeId };
  const agent = trust.agents.find((candidate) => candidate.spiffeId === spiffeId);
  if (agent === undefined) return { process, spiffeId, attested: false };
  const secondsLeft = Math.floor(agent.expiresAt - now.getTime() / 1000);
  const notAfter = new Date(agent.expiresAt * 1000).toISOString();
  return { process, spiffeId, attested: true, svid: { spiffeId, serial: agent.serial, notAfter, secondsLeft } };
}

function partnerFacts(
  trustDomain: string,
  seen: { readonly known: TrustFacts | undefined; readonly unknown: string | undefined; readonly now: Date },
  { memory, refused }: Knowledge,
): PartnerFacts {
  if (seen.known === undefined) return { trustDomain, ...(seen.unknown === undefined ? {} : { reason: seen.unknown }) };
  const partner = seen.known.partners.find((candidate) => candidate.trustDomain === trustDomain);
  const refusal = refused.get(trustDomain) ?? partner?.refused;
  if (refusal !== undefined)
    return { trustDomain, reason: `it is refused: ${refusal}; once that is mended, ./mesh up federates again` };
  if (partner?.relationship === undefined) return { trustDomain, reason: "there is no federation relationship yet" };
  if (partner.bundle === undefined) return { trustDomain, reason: "no bundle of it is held yet" };
  const heldSince = memory.holdsBundle(trustDomain, partner.bundle.digest, seen.now);
  const heldSeconds = Math.max(0, Math.floor((seen.now.getTime() - Date.parse(heldSince)) / 1000));
  return { trustDomain, bundle: bundleFacts(partner.bundle), heldSince, heldSeconds };
}

function edgeFacts(
  domain: DomainPlan,
  { caller, callee }: EdgePlan,
  seen: { readonly probe: EdgeFacts["probe"] | undefined; readonly sidecars: readonly SidecarObservation[] },
): EdgeFacts {
  const index = domain.sidecars.findIndex(({ workload }) => workload === caller.workload);
  const counters = seen.sidecars[index]?.outbound[callee.workload];
  return {
    caller,
    callee,
    probe: seen.probe ?? { kind: "not-probed" },
    ...(counters === undefined ? {} : { counters }),
  };
}
