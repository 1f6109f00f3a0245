// Which bundles of partners are not kept. A partner chooses what its bundle endpoint serves and SPIRE takes all of it;
// but one bundle that an agent or a sidecar cannot take in stops the updates of all the others.

import type { DomainPlan } from "../plan/plan.ts";
import type { Bundle } from "../spiffe/bundle.ts";
import { refusalOfCa, subjectOf } from "../spiffe/ca-profile.ts";
import { refusalOfJwtKey } from "../spiffe/jwt-profile.ts";
import { isTooLarge, maxMessageBytes } from "./channel.ts";
import type { ServerApi } from "./server-api.ts";
import type { HeldBundle } from "./server-types.ts";

/** Of either kind. A trust domain has two or three while it rotates. */
export const maxAuthorities = 100;

/** Of all authorities together. SPIRE Agent takes at most 4 MiB in one answer, and a bundle must leave room for others. */
export const maxBundleBytes = 256 * 1024;

/**
 * A sidecar names the subject of every CA it trusts in each TLS handshake (RFC 8446, 4.2.4), in a list of at most 65,535
 * bytes: with more of them it can shake hands with nobody. So each trust domain has a part of that, and never more than any
 * would need.
 */
const listBytes = 60_000;
const mostNameBytes = 4096;
/** A name's tag and length, and its length in the list. */
const nameOverhead = 6;

/** How many bytes the distinct subjects of one bundle may take. */
export function nameBytesFor(partners: number): number {
  return Math.min(mostNameBytes, Math.floor(listBytes / (partners + 1)));
}

/** A partner's bundle as the server holds it, or why it must not hold it. */
export type ReadBundle = { readonly bundle: HeldBundle } | { readonly refused: string };

/**
 * Reads a partner's bundle and judges it, as one of so many partners; undefined: none is held.
 *
 * @throws MeshError MESH_SPIRE_API when the server does not answer
 */
export async function readHeldBundle(
  api: Pick<ServerApi, "federatedBundle">,
  trustDomain: string,
  partners = 1,
): Promise<ReadBundle | undefined> {
  try {
    const bundle = await api.federatedBundle(trustDomain);
    if (bundle === undefined) return undefined;
    const refused = refusalOf(bundle, partners);
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
    const read = await readHeldBundle(api, trustDomain, relationships.length);
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

type Authorities = Pick<Bundle, "x509Authorities" | "jwtAuthorities">;

/** Why a partner's bundle is not kept, where there are so many partners; undefined: it is. */
export function refusalOf({ x509Authorities, jwtAuthorities }: Authorities, partners = 1): string | undefined {
  // Envoy rejects the whole validation context `ALL` when one of its bundles is empty, and serves on with the old one.
  if (x509Authorities.length === 0) return "it has no X.509 authority";
  for (const [kind, { length }] of [["X.509", x509Authorities] as const, ["JWT", jwtAuthorities] as const])
    if (length > maxAuthorities) return `${length} ${kind} authorities, at most ${maxAuthorities} are taken`;
  const bytes =
    x509Authorities.reduce((sum, { length }) => sum + length, 0) +
    jwtAuthorities.reduce((sum, { keyId, publicKey }) => sum + Buffer.byteLength(keyId) + publicKey.length, 0);
  if (bytes > maxBundleBytes) return `${bytes} bytes of authorities, at most ${maxBundleBytes} are taken`;
  return refusalOfAuthorities({ x509Authorities, jwtAuthorities }) ?? refusalOfNames(x509Authorities, partners);
}

/** Why one of them is not taken, by its place; undefined: all are. */
function refusalOfAuthorities({ x509Authorities, jwtAuthorities }: Authorities): string | undefined {
  for (const [index, der] of x509Authorities.entries()) {
    const refused = refusalOfCa(der);
    if (refused !== undefined) return `X.509 authority ${index + 1} ${refused}`;
  }
  for (const [index, { publicKey }] of jwtAuthorities.entries()) {
    const refused = refusalOfJwtKey(publicKey);
    if (refused !== undefined) return `JWT authority ${index + 1} ${refused}`;
  }
  return undefined;
}

function refusalOfNames(x509Authorities: Bundle["x509Authorities"], partners: number): string | undefined {
  const names = new Map(
    x509Authorities.map(subjectOf).map((name) => [Buffer.from(name).toString("latin1"), name.length]),
  );
  const bytes = [...names.values()].reduce((sum, length) => sum + length + nameOverhead, 0);
  const most = nameBytesFor(partners);
  return bytes > most ? `the names of its X.509 authorities take ${bytes} bytes, more than ${most}` : undefined;
}
