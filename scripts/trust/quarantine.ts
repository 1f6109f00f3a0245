// Which bundles of partners are not kept. A partner chooses what its bundle endpoint serves and SPIRE takes all of it;
// but one bundle that an agent or a sidecar cannot take in stops the updates of all the others.

import type { DomainPlan } from "../plan/plan.ts";
import type { Bundle } from "../spiffe/bundle.ts";
import { refusalOfCa } from "../spiffe/ca-profile.ts";
import { isTooLarge, maxMessageBytes } from "./channel.ts";
import type { ServerApi } from "./server-api.ts";
import type { HeldBundle } from "./server-types.ts";

/** Of either kind. A trust domain has two or three while it rotates. */
export const maxAuthorities = 100;

/** Of all authorities together. SPIRE Agent takes at most 4 MiB in one answer, and a bundle must leave room for others. */
export const maxBundleBytes = 256 * 1024;

/** A partner's bundle as the server holds it, or why it must not hold it. */
export type ReadBundle = { readonly bundle: HeldBundle } | { readonly refused: string };

/**
 * Reads a partner's bundle and judges it; undefined: none is held.
 *
 * @throws MeshError MESH_SPIRE_API when the server does not answer
 */
export async function readHeldBundle(
  api: Pick<ServerApi, "federatedBundle">,
  trustDomain: string,
): Promise<ReadBundle | undefined> {
  try {
    const bundle = await api.federatedBundle(trustDomain);
    if (bundle === undefined) return undefined;
    const refused = refusalOf(bundle);
    return refused === undefined ? { bundle } : { refused };
  } catch (error) {
    if (!isTooLarge(error)) throw error;
    return { refused: `it is larger than ${maxMessageBytes / 1024 / 1024} MiB` };
  }
}

/** What `reconcile` needs of a plan. */
export type Planned = Pick<DomainPlan, "trustDomain" | "entries" | "relationships" | "agent">;

/** Returns the trust domains of which a bundle is held. One that must not be held is noted as refused. */
export async function judgeBundles(
  { relationships }: Planned,
  api: Pick<ServerApi, "heldTrustDomains" | "federatedBundle">,
  {
    refused,
    onHeld,
  }: { readonly refused: Map<string, string>; readonly onHeld?: ((bundle: Bundle) => void) | undefined },
): Promise<Set<string>> {
  const held = new Set(await api.heldTrustDomains());
  // One after the other: a partner's bundle may be large.
  for (const { trustDomain } of relationships) {
    if (!held.has(trustDomain) || refused.has(trustDomain)) continue;
    const read = await readHeldBundle(api, trustDomain);
    if (read === undefined) held.delete(trustDomain);
    else if ("refused" in read) refused.set(trustDomain, read.refused);
    else onHeld?.(read.bundle);
  }
  return held;
}

/** The plan as if it did not name these partners. */
export function withoutPartners(domain: Planned, refused: ReadonlyMap<string, string>): Planned {
  if (refused.size === 0) return domain;
  return {
    ...domain,
    relationships: domain.relationships.filter(({ trustDomain }) => !refused.has(trustDomain)),
    entries: domain.entries.map((entry) => ({
      ...entry,
      federatesWith: entry.federatesWith.filter((trustDomain) => !refused.has(trustDomain)),
    })),
  };
}

/** Why a partner's bundle is not kept; undefined: it is. */
export function refusalOf({ x509Authorities, jwtAuthorities }: Pick<Bundle, "x509Authorities" | "jwtAuthorities">) {
  // Envoy rejects the whole validation context `ALL` when one of its bundles is empty, and serves on with the old one.
  if (x509Authorities.length === 0) return "it has no X.509 authority";
  for (const [kind, { length }] of [["X.509", x509Authorities] as const, ["JWT", jwtAuthorities] as const])
    if (length > maxAuthorities) return `${length} ${kind} authorities, at most ${maxAuthorities} are taken`;
  const bytes =
    x509Authorities.reduce((sum, { length }) => sum + length, 0) +
    jwtAuthorities.reduce((sum, { keyId, publicKey }) => sum + keyId.length + publicKey.length, 0);
  if (bytes > maxBundleBytes) return `${bytes} bytes of authorities, at most ${maxBundleBytes} are taken`;
  return refusalOfAuthorities(x509Authorities);
}

/** Why one of them is not taken, by its place; undefined: all are. */
export function refusalOfAuthorities(x509Authorities: Bundle["x509Authorities"]): string | undefined {
  for (const [index, der] of x509Authorities.entries()) {
    const refused = refusalOfCa(der);
    if (refused !== undefined) return `X.509 authority ${index + 1} ${refused}`;
  }
  return undefined;
}
