// What one SPIRE Server knows about trust, read once and in full: its own bundle, the bundles it holds of partners,
// relationships, agents and entries. Facts only; what they mean is decided elsewhere.

import { X509Certificate } from "node:crypto";

import { bundleDigest } from "../spiffe/bundle.ts";
import { readHeldBundle } from "./quarantine.ts";
import type { ServerApi } from "./server-api.ts";
import type { AttestedAgent, FederationRelationship, HeldBundle, RegistrationEntry } from "./server-types.ts";

export interface TrustFacts {
  /** The server's own bundle: what partners must hold. */
  readonly bundle: BundleSummary;
  /** Every trust domain that it federates with or holds a bundle of, by name. */
  readonly partners: readonly PartnerTrust[];
  readonly agents: readonly AttestedAgent[];
  readonly entries: readonly RegistrationEntry[];
}

export interface PartnerTrust {
  readonly trustDomain: string;
  /** Absent: its bundle is not fetched. */
  readonly relationship?: FederationRelationship;
  /** Absent: none is held, so its workloads are refused. */
  readonly bundle?: BundleSummary;
  /** Why the bundle that is held must not be: it goes with the next pass of `reconcile`. */
  readonly refused?: string;
}

export interface BundleSummary {
  /** `bundleDigest`: equal digests are equal trust. */
  readonly digest: string;
  readonly sequence?: number;
  readonly refreshHintSeconds?: number;
  /** None: nobody can be verified by this bundle, and Envoy refuses every update that holds it. */
  readonly x509Authorities: readonly X509AuthoritySummary[];
  readonly jwtAuthorities: number;
}

export interface X509AuthoritySummary {
  /** One line, e.g. `C=US, O=SPIFFE`. */
  readonly subject: string;
  /** Lower-case hex without leading zeros. */
  readonly serial: string;
  /** ISO 8601 in UTC. */
  readonly notAfter: string;
  readonly tainted: boolean;
}

/** @throws MeshError MESH_SPIRE_API when the server does not answer */
export async function trustFacts(
  api: Pick<ServerApi, "bundle" | "heldTrustDomains" | "federatedBundle" | "relationships" | "agents" | "entries">,
): Promise<TrustFacts> {
  const [bundle, held, relationships, agents, entries] = await Promise.all([
    api.bundle(),
    api.heldTrustDomains(),
    api.relationships(),
    api.agents(),
    api.entries(),
  ]);
  const partners: PartnerTrust[] = [];
  const trustDomains = new Set([...relationships.map(({ trustDomain }) => trustDomain), ...held]);
  // One after the other: a partner's bundle may be large.
  for (const trustDomain of [...trustDomains].toSorted()) {
    const relationship = relationships.find((candidate) => candidate.trustDomain === trustDomain);
    const read = held.includes(trustDomain) ? await readHeldBundle(api, trustDomain, relationships.length) : undefined;
    partners.push({
      trustDomain,
      ...(relationship === undefined ? {} : { relationship }),
      ...(read === undefined ? {} : "refused" in read ? read : { bundle: summarise(read.bundle) }),
    });
  }
  return { bundle: summarise(bundle), partners, agents, entries };
}

function summarise(bundle: HeldBundle): BundleSummary {
  const { sequence, refreshHintSeconds } = bundle;
  return {
    digest: bundleDigest(bundle),
    ...(sequence === undefined ? {} : { sequence }),
    ...(refreshHintSeconds === undefined ? {} : { refreshHintSeconds }),
    x509Authorities: bundle.x509Authorities.map((der, index) => ({
      ...readAuthority(der),
      tainted: bundle.taintedX509Authorities.includes(index),
    })),
    jwtAuthorities: bundle.jwtAuthorities.length,
  };
}

/** Whoever runs SPIRE Server can have it hold what SPIRE reads and Node does not, in whole or in part: a fact as well. */
function readAuthority(der: Uint8Array): Omit<X509AuthoritySummary, "tainted"> {
  try {
    const { subject, serialNumber, validToDate } = new X509Certificate(der);
    return {
      subject: subject.replaceAll("\n", ", "),
      serial: serialNumber.toLowerCase().replace(/^0+(?=.)/, ""),
      notAfter: validToDate.toISOString(),
    };
  } catch {
    return { subject: "a certificate that cannot be read", serial: "", notAfter: "" };
  }
}
