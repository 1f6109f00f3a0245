// Entries and relationships as SPIRE's own kinds, one object per file, as `spire-controller-manager` reads them in
// static mode (group spire.spiffe.io/v1alpha1).

import { stringify } from "yaml";

import type { DomainPlan, FederatedTrustDomain, StaticEntry } from "../plan/plan.ts";

const apiVersion = "spire.spiffe.io/v1alpha1";

/** Content by file name. */
export function manifests(domain: DomainPlan): Readonly<Record<string, string>> {
  return Object.fromEntries([
    ...domain.relationships.map((relationship) => [`federated-${relationship.name}.yaml`, federated(relationship)]),
    ...domain.entries.map((entry) => [`entry-${entry.name}.yaml`, staticEntry(entry)]),
  ]);
}

function federated({ name, trustDomain, bundleEndpointURL, bundleEndpointProfile }: FederatedTrustDomain): string {
  return printed("ClusterFederatedTrustDomain", name, { trustDomain, bundleEndpointURL, bundleEndpointProfile });
}

function staticEntry({ name, x509SVIDTTLSeconds, ...spec }: StaticEntry): string {
  return printed("ClusterStaticEntry", name, { ...spec, x509SVIDTTL: `${x509SVIDTTLSeconds}s` });
}

function printed(kind: string, name: string, spec: object): string {
  return stringify({ apiVersion, kind, metadata: { name }, spec }, { indentSeq: false });
}
