// A certificate shown in both directions: by a caller to the callee's sidecar, and by who answers in the callee's place to the
// caller's. Each time somebody would be taken for one end of the edge, and the other end's sidecar judges.

import type { Admitted, Attempt, Refused } from "../claim.ts";
import type { Authority, Shown } from "../instance/authority.ts";
import { authorityOf } from "../instance/control.ts";
import type { SidecarPlan } from "../../../scripts/plan/plan.ts";
import type { KeyedMesh } from "../instance/keyed-mesh.ts";
import { answeringAs, towardsCallee } from "./callees-place.ts";
import { isInside, reachable, showing } from "./certificates.ts";

/** An end of the edge. */
interface End {
  readonly id: string;
  readonly trustDomain: string;
  /** Of its trust domain. */
  readonly ca: Authority;
}

/** Whom the attacker would be taken for. */
export interface Victim extends End {
  /** Another workload of its trust domain. */
  readonly sibling: string;
  /** Whose sidecar it is that judges. */
  readonly judge: End;
}

type Mint = (victim: Victim, mesh: KeyedMesh) => Promise<Shown>;
type Expected = Refused<KeyedMesh> | Admitted<KeyedMesh>;

/** Where the two directions differ, or an edge inside one trust domain from one across. */
interface Differing {
  /** What the caller's sidecar says; as the callee's unless given. */
  readonly answered?: Expected;
  readonly shownInside?: Expected;
  readonly answeredInside?: Expected;
  readonly notHere?: Attempt<KeyedMesh>["notHere"];
  readonly instead?: Attempt<KeyedMesh>["instead"];
}

/** @param expected of the callee's sidecar */
export function bothWays(tried: string, mint: Mint, expected: Expected, differing: Differing = {}): Attempt[] {
  const answered = differing.answered ?? (expected.kind === "refused" ? towardsCallee(expected) : expected);
  const { notHere } = differing;
  const always = notHere === undefined ? {} : { notHere };
  const shownInstead = differing.instead ?? insideOnly(differing.shownInside);
  const answeredInstead = insideOnly(differing.answeredInside);
  return [
    reachable(
      showing(tried, async (mesh) => mint(victim(mesh, mesh.caller, mesh.callee), mesh), expected, {
        ...always,
        ...(shownInstead === undefined ? {} : { instead: shownInstead }),
      }),
    ),
    answeringAs(
      `${tried}, as the callee`,
      async (mesh) => mint(victim(mesh, mesh.callee, mesh.caller), mesh),
      answered,
      {
        ...always,
        ...(answeredInstead === undefined ? {} : { instead: answeredInstead }),
      },
    ),
  ];
}

function insideOnly(expected: Expected | undefined): Attempt<KeyedMesh>["instead"] {
  return expected === undefined ? undefined : (mesh) => (isInside(mesh) ? expected : undefined);
}

function victim(mesh: KeyedMesh, taken: SidecarPlan, judging: SidecarPlan): Victim {
  return {
    ...end(mesh, taken),
    sibling: `spiffe://${taken.trustDomain}/other`,
    judge: end(mesh, judging),
  };
}

function end(mesh: KeyedMesh, { spiffeId, trustDomain }: SidecarPlan): End {
  return { id: spiffeId, trustDomain, ca: authorityOf(mesh, trustDomain) };
}
