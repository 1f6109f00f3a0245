// A mesh whose CAs' keys are the test's too: whatever certificate can be minted. A private mesh natively has this and more; in
// containers it is all there is.

import type { Authority } from "./authority.ts";
import type { HostileDomain } from "./hostile-domain.ts";
import type { LiveMesh } from "./live-mesh.ts";

export interface KeyedMesh extends LiveMesh {
  /** By trust domain: the authority that its SPIRE Server signs under. */
  readonly authorities: ReadonlyMap<string, Authority>;
  /** Federated with; its CA is the attacker's. */
  readonly hostile: Pick<HostileDomain, "trustDomain" | "authority">;
  /** A caller that the test adds to those of the callee: an ID as long as the standard demands (SPIFFE-ID.md 2.3). */
  readonly longestId: string;
  /** Another caller that the test adds: a workload of the hostile partner, rightful until the relationship ends. */
  readonly partnerId: string;
}
