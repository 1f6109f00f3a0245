// What sidecars are told while a partner is refused because of its bundle. Without the bundle its callers are refused by
// themselves; but Envoy keeps the last validation context that it was handed, so that a sidecar would go on trusting a
// callee's for ever: its calls end with the relationship.

import type { DomainPlan, SidecarPlan } from "../plan/plan.ts";

/** The trust domain without its sidecars' calls to these partners. Pure; the same value when there is none. */
export function withoutCallsTo(domain: DomainPlan, refused: ReadonlyMap<string, string>): DomainPlan {
  if (refused.size === 0) return domain;
  return { ...domain, sidecars: domain.sidecars.map((sidecar) => restricted(sidecar, refused)) };
}

function restricted(sidecar: SidecarPlan, refused: ReadonlyMap<string, string>): SidecarPlan {
  const outbound = sidecar.outbound.filter(({ spiffeId }) => !refused.has(trustDomainOf(spiffeId)));
  return outbound.length === sidecar.outbound.length ? sidecar : { ...sidecar, outbound };
}

/** Of an ID that the model has checked: `spiffe://broker.example/webapp`. */
function trustDomainOf(spiffeId: string): string {
  return spiffeId.split("/")[2] ?? "";
}
