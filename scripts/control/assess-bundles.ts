// Judges bundles: whether a trust domain holds what its partner publishes, and whether its sidecars verify by what it holds.
// Pure.

import type { DomainFacts, SidecarFacts } from "../observe/facts.ts";
import type { Plan } from "../plan/plan.ts";
import type { BundleStatus, DomainStatus, Problem } from "./status-report.ts";

/**
 * SPIRE fetches a partner's bundle at a quarter of its refresh hint; when a whole hint has passed something is wrong.
 * Where the partner gives no hint the standard proposes five minutes (SPIFFE_Trust_Domain_and_Bundle.md 4.1.2).
 */
const defaultRefreshHintSeconds = 300;

/** An agent asks its server every 5 s and tells its sidecars at once; one lost answer is no problem yet. */
const syncPatienceSeconds = 20;

/** Whether `holder` holds the bundle that is `of`'s current one. */
export function bundleStatus(domains: readonly DomainStatus[], holder: string, of: string): BundleStatus {
  const facts = domains.find(({ trustDomain }) => trustDomain === holder)?.facts;
  const partner = domains.find(({ trustDomain }) => trustDomain === of)?.facts?.server;
  const held = facts?.partners.find(({ trustDomain }) => trustDomain === of);
  if (facts === undefined || held === undefined) return { holder, of, state: "unknown" };
  const { heldSeconds, reason } = held;
  if (held.bundle === undefined) {
    const state = facts.server.bundle === undefined ? "unknown" : "missing";
    return { holder, of, state, ...(reason === undefined ? {} : { reason }) };
  }
  const age = heldSeconds === undefined ? {} : { heldSeconds };
  if (partner?.bundle === undefined) return { holder, of, state: "unknown", ...age };
  if (partner.bundle.digest === held.bundle.digest) return { holder, of, state: "current", ...age };
  const since =
    partner.bundleSince === undefined ? {} : { behindSeconds: secondsBetween(partner.bundleSince, facts.at) };
  return { holder, of, state: "older", ...age, ...since };
}

export function bundleProblems(plan: Plan, domains: readonly DomainStatus[], bundle: BundleStatus): Problem[] {
  const { holder, of, state, reason, behindSeconds = 0 } = bundle;
  const domain = plan.domains.find(({ trustDomain }) => trustDomain === holder);
  if (domain === undefined) return [];
  if (state === "missing")
    return [
      {
        what: `${holder} holds no bundle of ${of}${reason === undefined ? "" : `: ${reason}`}`,
        fix: `./mesh logs ${domain.controller.process}`,
      },
    ];
  const held = domains.find(({ trustDomain }) => trustDomain === holder)?.facts?.partners;
  const hint = held?.find(({ trustDomain }) => trustDomain === of)?.bundle?.refreshHintSeconds;
  if (state !== "older" || behindSeconds < (hint ?? defaultRefreshHintSeconds)) return [];
  const what = `${holder} has not fetched the bundle of ${of} that is current since ${behindSeconds} s`;
  return [{ what, fix: `./mesh logs ${domain.server.process}` }];
}

/**
 * Envoy rejects a whole validation context for one certificate that it cannot read, and serves on with the one before: only a
 * look at both ends shows it.
 */
export function sidecarBundleProblems(facts: DomainFacts, { process, bundles }: SidecarFacts): Problem[] {
  const held = heldBundles(facts);
  const verifiedBy = bundles.flatMap(({ trustDomains }) => trustDomains);
  const stale = held.filter(
    ({ trustDomain, digest, heldSeconds }) =>
      heldSeconds > syncPatienceSeconds &&
      verifiedBy.some((one) => one.trustDomain === trustDomain && one.digest !== digest),
  );
  return stale.map(({ trustDomain, heldSeconds }) => ({
    what: `${process} does not verify ${trustDomain} by the bundle that ${facts.server.process} holds since ${heldSeconds} s`,
    fix: `./mesh logs ${process}`,
  }));
}

/** Which bundles the server holds, its own too, and for how long. */
function heldBundles({ trustDomain, at, server, partners }: DomainFacts) {
  const ownSeconds = server.bundleSince === undefined ? undefined : secondsBetween(server.bundleSince, at);
  return [{ trustDomain, bundle: server.bundle, heldSeconds: ownSeconds }, ...partners].flatMap(
    ({ trustDomain: of, bundle, heldSeconds }) =>
      bundle === undefined || heldSeconds === undefined
        ? []
        : [{ trustDomain: of, digest: bundle.digest, heldSeconds }],
  );
}

/** Whole seconds; 0 when `to` is the earlier. */
export function secondsBetween(from: string, to: string): number {
  return Math.max(0, Math.floor((Date.parse(to) - Date.parse(from)) / 1000));
}
