// How a hostile caller is refused by the callee's sidecar: rows A and B, each a certificate and where its refusal shows.

import type { Attempt, Refused } from "../claim.ts";
import type { Authority, Shown } from "../instance/authority.ts";
import { allowedRequest, authorityOf } from "../instance/control.ts";
import type { KeyedMesh } from "../instance/keyed-mesh.ts";
import type { LiveMesh } from "../instance/live-mesh.ts";
import { inboundOf, type PrivateMesh } from "../instance/private-mesh.ts";
import { withoutPartnersBundles } from "../instance/users.ts";

/** Shows a certificate at the callee's sidecar, and asks for what the rightful caller may have. */
export function showing<Mesh extends LiveMesh = PrivateMesh>(
  tried: string,
  mint: (mesh: Mesh) => Promise<Shown | undefined>,
  expected: NoInfer<Attempt<Mesh>["expected"]>,
  more: NoInfer<Pick<Attempt<Mesh>, "instead" | "notHere">> = {},
): Attempt<Mesh> {
  return {
    tried,
    expected,
    ...more,
    run: async (mesh) => {
      const issued = await mint(mesh);
      const shown = issued === undefined ? undefined : { cert: issued.cert, key: issued.key };
      return mesh.network.probe(inboundOf(mesh.callee), { shown, raw: allowedRequest(mesh) });
    },
  };
}

/** From anywhere in the network of the callee's sidecar. */
export function reachable(attempt: Attempt<KeyedMesh>): Attempt {
  return { ...attempt, keyed: attempt };
}

function refusedBy(counter: string, reason: RegExp): Refused<LiveMesh> {
  return { kind: "refused", by: "inbound", counter, reason };
}

/** Who shows no certificate, or one that TLS itself does not take. */
export const noCertificate = refusedBy("inbound: ssl.fail_verify_no_cert", /PEER DID NOT RETURN A CERTIFICATE/);
/** No chain to a bundle of the SPIFFE ID's own trust domain. */
export const noChain = (reason = /unable to get local issuer certificate/): Refused<LiveMesh> =>
  refusedBy("inbound: ssl.fail_verify_error", reason);
/** A certificate that its trust domain vouches for, of somebody else. */
export const wrongId = refusedBy("inbound: ssl.fail_verify_san", /SAN match/);
/** Ended by the TLS library before any validation. */
export const tlsError = (reason: RegExp): Refused<LiveMesh> => refusedBy("inbound: ssl.connection_error", reason);
/** TLS admits it; the policy compares the whole list of URI SANs. */
export const policy: Refused<LiveMesh> = {
  kind: "refused",
  by: "inbound",
  counter: "inbound: http.rbac.denied",
  reason: /rbac access denied/,
  status: [403],
};

export const expired = noChain(/certificate has expired/);
export const noStore = noChain(/no trust bundle store/);

/** A callee that is called from its own trust domain alone holds no partner's bundle. */
export const noStoreInside: Pick<Attempt<KeyedMesh>, "instead"> = {
  instead: (mesh) => (withoutPartnersBundles(mesh) === undefined ? undefined : noStore),
};
/** Caller and callee have one CA. */
export const isInside = ({ caller: one, callee: other }: LiveMesh): boolean => one.trustDomain === other.trustDomain;

export const own = (mesh: KeyedMesh): Authority => authorityOf(mesh, mesh.caller.trustDomain);
export const local = (mesh: KeyedMesh): Authority => authorityOf(mesh, mesh.callee.trustDomain);
export const caller = (mesh: LiveMesh): string => mesh.caller.spiffeId;
/** Another workload of the caller's trust domain. */
export const sibling = (mesh: LiveMesh): string => `spiffe://${mesh.caller.trustDomain}/other`;
/** A workload of the hostile partner. */
export const attacker = (mesh: KeyedMesh): string => `spiffe://${mesh.hostile.trustDomain}/x`;
