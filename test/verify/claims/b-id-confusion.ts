// B: IDs that look like the caller's, from the caller's own CA, and like the callee's, from the callee's. Only the exact ID, byte for
// byte, is the caller or the callee.

import type { Attempt, Claim, Refused } from "../claim.ts";
import type { KeyedMesh } from "../instance/keyed-mesh.ts";
import { bothWays, type Victim } from "./both-ways.ts";
import { noStore, own, showing, wrongId } from "./certificates.ts";

type Look = (parts: { readonly domain: string; readonly path: string }) => string;

function looks({ id, trustDomain }: Victim, look: Look): string {
  return look({ domain: trustDomain, path: id.slice(`spiffe://${trustDomain}`.length) });
}

function like(tried: string, uri: Look, expected: Refused<KeyedMesh>, dns?: Look): Attempt[] {
  return bothWays(
    tried,
    async (victim) =>
      victim.ca.issue({
        uris: [looks(victim, uri)],
        ...(dns === undefined ? {} : { dns: [looks(victim, dns)] }),
      }),
    expected,
  );
}

export const idConfusion: readonly Claim[] = [
  {
    id: "B1",
    title: "case counts in scheme and trust domain",
    clause: "SPIFFE-ID.md 2.1",
    attempts: [
      ...like("SPIFFE://", ({ domain, path }) => `SPIFFE://${domain}${path}`, noStore),
      ...like("the trust domain in capitals", ({ domain, path }) => `spiffe://${domain.toUpperCase()}${path}`, noStore),
    ],
  },
  {
    id: "B2",
    title: "paths are not normalised",
    clause: "SPIFFE-ID.md 2.2",
    attempts: [
      ...like("a slash behind", ({ domain, path }) => `spiffe://${domain}${path}/`, wrongId),
      ...like("two slashes", ({ domain, path }) => `spiffe://${domain}/${path}`, wrongId),
      ...like("/./", ({ domain, path }) => `spiffe://${domain}/.${path}`, wrongId),
      ...like("/x/..", ({ domain, path }) => `spiffe://${domain}/x/..${path}`, wrongId),
    ],
  },
  {
    id: "B3",
    title: "percent-encoding is not decoded",
    clause: "SPIFFE-ID.md 2.1, 2.2",
    attempts: [
      ...like(
        "in the path",
        ({ domain, path }) => `spiffe://${domain}/%${path.charCodeAt(1).toString(16)}${path.slice(2)}`,
        wrongId,
      ),
      ...like("in the trust domain", ({ domain, path }) => `spiffe://${domain.replace(".", "%2e")}${path}`, noStore),
    ],
  },
  {
    id: "B4",
    title: "a trust domain is compared whole",
    clause: "SPIFFE-ID.md 2.1",
    attempts: [
      ...like("with .evil behind", ({ domain, path }) => `spiffe://${domain}.evil${path}`, noStore),
      ...like("with x before", ({ domain, path }) => `spiffe://x${domain}${path}`, noStore),
      ...like("as user of another host", ({ domain, path }) => `spiffe://${domain}@evil${path}`, noStore),
      ...like("with a port", ({ domain, path }) => `spiffe://${domain}:443${path}`, noStore),
    ],
  },
  {
    id: "B5",
    title: "a path is compared whole",
    clause: "SPIFFE-ID.md 2.2",
    attempts: [
      ...like("one character more", ({ domain, path }) => `spiffe://${domain}${path}2`, wrongId),
      ...like("one less", ({ domain, path }) => `spiffe://${domain}${path.slice(0, -1)}`, wrongId),
      ...like("one segment more", ({ domain, path }) => `spiffe://${domain}${path}/admin`, wrongId),
      ...like("in capitals", ({ domain, path }) => `spiffe://${domain}${path.toUpperCase()}`, wrongId),
    ],
  },
  {
    id: "B6",
    title: "nothing may follow the path",
    clause: "SPIFFE-ID.md 2",
    attempts: [
      ...like("a query", ({ domain, path }) => `spiffe://${domain}${path}?x=1`, wrongId),
      ...like("a fragment", ({ domain, path }) => `spiffe://${domain}${path}#f`, wrongId),
      ...like("a parameter", ({ domain, path }) => `spiffe://${domain}${path};x`, wrongId),
    ],
  },
  {
    id: "B7",
    title: "control characters truncate nothing",
    clause: "CVE-2025-66220, CVE-2026-47778",
    attempts: [
      ...like("NUL behind the ID", ({ domain, path }) => `spiffe://${domain}${path}\0.evil`, wrongId),
      ...like("a line feed behind it", ({ domain, path }) => `spiffe://${domain}${path}\nx`, wrongId),
    ],
  },
  {
    id: "B8",
    title: "an ID cannot add an element to x-forwarded-client-cert",
    clause: "Envoy, x-forwarded-client-cert; CVE-2023-27493",
    attempts: [
      ...like(
        "a comma and a second URI in the ID",
        ({ domain, path }) => `spiffe://${domain}${path},URI=spiffe://${domain}/admin`,
        wrongId,
      ),
    ],
  },
  {
    id: "B9",
    title: "a trust domain's own ID is no workload's",
    clause: "X509-SVID.md 2; SPIFFE-ID.md 2.2",
    attempts: [
      ...like("without a path", ({ domain }) => `spiffe://${domain}`, noStore),
      ...like("with the root path", ({ domain }) => `spiffe://${domain}/`, wrongId),
    ],
  },
  {
    id: "B10",
    title: "letters that look alike are others",
    clause: "SPIFFE-ID.md 2.1",
    attempts: [
      ...like(
        "a Cyrillic о in the trust domain",
        ({ domain, path }) => `spiffe://${domain.replace("o", bytes("о"))}${path}`,
        noStore,
      ),
    ],
  },
  {
    id: "B11",
    title: "an ID of 2048 bytes is admitted where it is a declared caller",
    clause: "SPIFFE-ID.md 2.3",
    attempts: [
      showing(
        "the longest ID, which the test adds to the callers",
        async (mesh) => own(mesh).issue({ uris: [mesh.longestId] }),
        { kind: "admitted", why: "the standard demands it; the app gets the whole of it in x-forwarded-client-cert" },
      ),
    ],
  },
  {
    id: "B12",
    title: "an https URI is no SPIFFE ID",
    clause: "SPIFFE-ID.md 2",
    attempts: [
      ...like(
        "https:// and the domain as DNS name",
        ({ domain, path }) => `https://${domain}${path}`,
        noStore,
        ({ domain }) => domain,
      ),
    ],
  },
];

/** UTF-8 as the bytes of an IA5String. */
function bytes(text: string): string {
  return Buffer.from(text).toString("latin1");
}
