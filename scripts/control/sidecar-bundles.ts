// Whether a sidecar verifies peers by the bundles that its SPIRE Server holds. Envoy rejects a whole validation context for
// one certificate that it cannot read, and serves on with the one before: only a look at both ends shows it.

import type { DomainFacts, SidecarFacts } from "../observe/facts.ts";
import type { Problem } from "./status-report.ts";

/** An agent asks its server every 5 s and tells its sidecars at once; one lost answer is no problem yet. */
const patienceSeconds = 20;

export function sidecarBundleProblems(facts: DomainFacts, { process, bundles }: SidecarFacts): Problem[] {
  const held = heldBundles(facts);
  const stale = bundles
    .flatMap(({ trustDomains }) => trustDomains)
    .filter(({ trustDomain, digest }) => {
      const known = held.get(trustDomain);
      return known !== undefined && known.digest !== digest && known.seconds > patienceSeconds;
    })
    .map(({ trustDomain }) => trustDomain);
  return [...new Set(stale)].map((trustDomain) => ({
    what: `${process} verifies ${trustDomain} by an older bundle, and all others by what it held then: it takes up none since ${held.get(trustDomain)?.seconds ?? 0} s`,
    fix: `./mesh logs ${process}`,
  }));
}

/** By trust domain: which bundle the server holds, its own too, and for how long. */
function heldBundles({ trustDomain, at, server, partners }: DomainFacts) {
  const own = { trustDomain, bundle: server.bundle, since: server.bundleSince };
  const all = [own, ...partners.map(({ heldSince, ...partner }) => ({ ...partner, since: heldSince }))];
  return new Map(
    all.flatMap(({ trustDomain: of, bundle, since }) =>
      bundle === undefined || since === undefined
        ? []
        : [[of, { digest: bundle.digest, seconds: Math.floor((Date.parse(at) - Date.parse(since)) / 1000) }] as const],
    ),
  );
}
