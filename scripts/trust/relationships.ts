// Compares the federation relationships of a plan with those of its SPIRE Server. Pure: says what to create, put right
// and delete, and where a partner's introduction is needed because no bundle of it is held.

import type { FederatedTrustDomain } from "../plan/plan.ts";
import type { FederationRelationship } from "./server-types.ts";

export interface RelationshipDiff {
  readonly create: readonly RelationshipChange[];
  readonly update: readonly RelationshipChange[];
  /** Trust domains whose bundle must go, so that their workloads are refused. */
  readonly dissociate: readonly string[];
}

export interface RelationshipChange {
  readonly relationship: FederationRelationship;
  /** The partner's bundle document, when no bundle is held: an introduction never replaces a polled bundle. */
  readonly introduction: string | undefined;
  /** `bundle endpoint https://… → https://…`; empty when only the bundle is missing. */
  readonly changes: readonly string[];
}

export interface RelationshipDiffInput {
  readonly planned: readonly FederatedTrustDomain[];
  readonly existing: readonly FederationRelationship[];
  /** Trust domains whose bundle the server holds. */
  readonly held: ReadonlySet<string>;
}

/**
 * Trust domains whose relationship must go.
 *
 * Ownership. A relationship carries no mark of who made it, and each one lets a whole foreign trust domain in, so all
 * of them are the mesh's: what its description does not name is taken back. The same holds for a bundle without a
 * relationship, be it set by hand or left by a deletion that was cut short.
 */
export function unplanned(
  planned: readonly Pick<FederatedTrustDomain, "trustDomain">[],
  existing: readonly FederationRelationship[],
): readonly string[] {
  const plannedDomains = new Set(planned.map(({ trustDomain }) => trustDomain));
  return existing.map(({ trustDomain }) => trustDomain).filter((trustDomain) => !plannedDomains.has(trustDomain));
}

/** What makes the server's relationships the planned ones, once those that are `unplanned` are gone. */
export function diffRelationships({ planned, existing, held }: RelationshipDiffInput): RelationshipDiff {
  const plannedDomains = new Set(planned.map(({ trustDomain }) => trustDomain));
  const byDomain = new Map(existing.map((relationship) => [relationship.trustDomain, relationship]));
  const changes = planned.map((entry) => {
    const relationship = toRelationship(entry);
    const found = byDomain.get(entry.trustDomain);
    return {
      found,
      relationship,
      introduction: held.has(entry.trustDomain) ? undefined : entry.bootstrapBundleFile,
      changes: found === undefined ? [] : changesOf(found, relationship),
    };
  });
  return {
    create: changes.filter(({ found }) => found === undefined),
    update: changes.filter(
      ({ found, introduction, changes: fields }) =>
        found !== undefined && (fields.length > 0 || introduction !== undefined),
    ),
    dissociate: [...held].filter((trustDomain) => !plannedDomains.has(trustDomain)),
  };
}

function toRelationship(entry: FederatedTrustDomain): FederationRelationship {
  return {
    trustDomain: entry.trustDomain,
    bundleEndpointUrl: entry.bundleEndpointURL,
    profile: { type: "https_spiffe", endpointSpiffeId: entry.bundleEndpointProfile.endpointSPIFFEID },
  };
}

function changesOf(from: FederationRelationship, to: FederationRelationship): string[] {
  const fields = [
    ["bundle endpoint", from.bundleEndpointUrl, to.bundleEndpointUrl],
    ["profile", profileInWords(from), profileInWords(to)],
  ] as const;
  return fields
    .filter(([, before, after]) => before !== after)
    .map(([name, before, after]) => `${name} ${before} → ${after}`);
}

function profileInWords({ profile }: FederationRelationship): string {
  return profile.type === "https_spiffe" ? `https_spiffe of ${profile.endpointSpiffeId}` : "https_web";
}
