// What one SPIRE Server knows about trust, read once and in full: its own bundle, the bundles it holds of partners,
// relationships, agents and entries. Facts only; what they mean is decided elsewhere.

import { X509Certificate } from "node:crypto";

import { bundleDigest } from "../spiffe/bundle.ts";
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
  api: Pick<ServerApi, "bundle" | "federatedBundles" | "relationships" | "agents" | "entries">,
): Promise<TrustFacts> {
  const [bundle, bundles, relationships, agents, entries] = await Promise.all([
    api.bundle(),
    api.federatedBundles(),
    api.relationships(),
    api.agents(),
    api.entries(),
  ]);
  const trustDomains = [...relationships, ...bundles].map(({ trustDomain }) => trustDomain);
  const partners = [...new Set(trustDomains)].toSorted().map((trustDomain) => {
    const relationship = relationships.find((candidate) => candidate.trustDomain === trustDomain);
    const held = bundles.find((candidate) => candidate.trustDomain === trustDomain);
    return {
      trustDomain,
      ...(relationship === undefined ? {} : { relationship }),
      ...(held === undefined ? {} : { bundle: summarise(held) }),
    };
  });
  return { bundle: summarise(bundle), partners, agents, entries };
}

function summarise(bundle: HeldBundle): BundleSummary {
  const { sequence, refreshHintSeconds } = bundle;
  return {
    digest: bundleDigest(bundle),
    ...(sequence === undefined ? {} : { sequence }),
    ...(refreshHintSeconds === undefined ? {} : { refreshHintSeconds }),
    x509Authorities: bundle.x509Authorities.map((der, index) => {
      const certificate = new X509Certificate(der);
      return {
        subject: certificate.subject.replaceAll("\n", ", "),
        serial: certificate.serialNumber.toLowerCase().replace(/^0+(?=.)/, ""),
        notAfter: certificate.validToDate.toISOString(),
        tainted: bundle.taintedX509Authorities.includes(index),
      };
    }),
    jwtAuthorities: bundle.jwtAuthorities.length,
  };
}
