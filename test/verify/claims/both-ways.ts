// Certificates by the CA of the very domain that they name, shown in both directions: by a caller to the callee's sidecar, and by
// who answers in the callee's place to the caller's.

import type { Admitted, Attempt, Refused } from "../claim.ts";
import type { Authority, Shown } from "../instance/authority.ts";
import { authorityOf } from "../instance/control.ts";
import type { SidecarPlan } from "../../../scripts/plan/plan.ts";
import type { PrivateMesh } from "../instance/private-mesh.ts";
import { answeringAs, towardsCallee } from "./callees-place.ts";
import { showing } from "./certificates.ts";

/** Whom the attacker would be taken for. */
export interface Victim {
  readonly id: string;
  readonly trustDomain: string;
  /** Of its trust domain. */
  readonly ca: Authority;
  /** Another workload of its trust domain. */
  readonly sibling: string;
}

type Mint = (victim: Victim, mesh: PrivateMesh) => Promise<Shown>;

/** @param expected of the callee's sidecar; the caller's says the same, unless it is `answered` otherwise */
export function bothWays(
  tried: string,
  mint: Mint,
  expected: Refused | Admitted,
  answered: Refused | Admitted = expected.kind === "refused" ? towardsCallee(expected) : expected,
): Attempt[] {
  return [
    showing(tried, async (mesh) => mint(victim(mesh, mesh.caller), mesh), expected),
    answeringAs(`${tried}, as the callee`, async (mesh) => mint(victim(mesh, mesh.callee), mesh), answered),
  ];
}

function victim(mesh: PrivateMesh, { spiffeId, trustDomain }: SidecarPlan): Victim {
  return {
    id: spiffeId,
    trustDomain,
    ca: authorityOf(mesh, trustDomain),
    sibling: `spiffe://${trustDomain}/other`,
  };
}
