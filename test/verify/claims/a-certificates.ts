// A17, A18, A24–A33: certificates of the right CA that are no X.509-SVIDs, or no longer.

// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 needs it loaded first
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

import type { Claim } from "../claim.ts";
import { bothWays } from "./both-ways.ts";
import { towardsCallee } from "./callees-place.ts";
import { expired, noCertificate, noChain, tlsError } from "./certificates.ts";

const { KeyUsageFlags } = x509;
const notYet = noChain(/certificate is not yet valid/);
const precheck = noChain(/cert precheck/);
const critical = noChain(/unhandled critical extension/);
/** Who answers with such a key finds no signature of it among those that the caller's sidecar takes. */
const notOffered = towardsCallee(tlsError(/HANDSHAKE FAILURE ON CLIENT HELLO/));
const wrongUsage = tlsError(/KEY USAGE BIT INCORRECT/);

export const certificateProfile: readonly Claim[] = [
  {
    id: "A17",
    title: "an expired SVID is refused",
    clause: "RFC 5280 6.1.3",
    attempts: [
      ...bothWays(
        "expired a second ago",
        async ({ id, ca }) => ca.issue({ uris: [id], from: -3600, until: -1 }),
        expired,
      ),
      ...bothWays(
        "expired a day ago",
        async ({ id, ca }) => ca.issue({ uris: [id], from: -90_000, until: -86_400 }),
        expired,
      ),
    ],
  },
  {
    id: "A18",
    title: "an SVID of the future is refused",
    clause: "RFC 5280 6.1.3",
    attempts: [
      ...bothWays("valid in an hour", async ({ id, ca }) => ca.issue({ uris: [id], from: 3600, until: 7200 }), notYet),
    ],
  },
  {
    id: "A24",
    title: "a leaf that is a CA, or may sign, is refused",
    clause: "X509-SVID.md 4.1, 4.3",
    attempts: [
      ...bothWays("CA:TRUE", async ({ id, ca }) => ca.issue({ uris: [id], ca: true }), precheck),
      ...bothWays(
        "keyCertSign",
        async ({ id, ca }) =>
          ca.issue({ uris: [id], usage: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign }),
        precheck,
      ),
      ...bothWays(
        "cRLSign",
        async ({ id, ca }) => ca.issue({ uris: [id], usage: KeyUsageFlags.digitalSignature | KeyUsageFlags.cRLSign }),
        precheck,
      ),
    ],
  },
  {
    id: "A25",
    title: "a leaf without key usage, or one not for signing, is refused",
    clause: "X509-SVID.md 4.3",
    attempts: [
      ...bothWays("no key usage", async ({ id, ca }) => ca.issue({ uris: [id], usage: null }), precheck),
      ...bothWays(
        "keyEncipherment alone",
        async ({ id, ca }) => ca.issue({ uris: [id], usage: KeyUsageFlags.keyEncipherment }),
        wrongUsage,
      ),
    ],
  },
  {
    id: "A26",
    title: "extended key usage is not looked at",
    clause: "X509-SVID.md 4.4: SHOULD",
    attempts: [
      ["serverAuth alone", "1.3.6.1.5.5.7.3.1"] as const,
      ["code signing alone", "1.3.6.1.5.5.7.3.3"] as const,
    ].flatMap(([tried, purpose]) =>
      bothWays(tried, async ({ id, ca }) => ca.issue({ uris: [id], extendedUsage: [purpose] }), {
        kind: "admitted",
        why: "a CA that mints this could mint a proper SVID for the same ID, so no identity is gained",
      }),
    ),
  },
  {
    id: "A27",
    title: "an unknown critical extension is refused",
    clause: "RFC 5280 4.2",
    attempts: [
      ...bothWays(
        "1.3.6.1.4.1.55555.1, critical",
        async ({ id, ca }) =>
          ca.issue({
            uris: [id],
            extensions: [new x509.Extension("1.3.6.1.4.1.55555.1", true, new Uint8Array([5, 0]))],
          }),
        critical,
      ),
    ],
  },
  {
    id: "A28",
    title: "a CA's signature by SHA-1 is not looked at",
    clause: "NIST SP 800-131A",
    attempts: [
      ...bothWays("signed by SHA-1", async ({ id, ca }) => ca.issue({ uris: [id], signatureHash: "SHA-1" }), {
        kind: "admitted",
        why: "only the trust domain's own CA could be the forger's target, and SPIRE Server signs by SHA-256",
      }),
    ],
  },
  {
    id: "A29",
    title: "the size of an RSA key is not looked at",
    clause: "NIST SP 800-131A",
    attempts: [
      ...bothWays(
        "RSA of 1024 bits",
        async ({ id, ca }) =>
          ca.issue({
            uris: [id],
            algorithm: {
              name: "RSASSA-PKCS1-v1_5",
              hash: "SHA-256",
              modulusLength: 1024,
              publicExponent: new Uint8Array([1, 0, 1]),
            },
          }),
        {
          kind: "admitted",
          why: "a CA that signs this could sign a proper key for the same ID; SPIRE signs the workload's own key, which is P-256 here",
        },
      ),
    ],
  },
  {
    id: "A30",
    title: "keys of kinds that are not offered are refused",
    clause: "RFC 8446 4.2.3",
    attempts: [
      ...bothWays(
        "Ed25519",
        async ({ id, ca }) => ca.issue({ uris: [id], algorithm: { name: "Ed25519" } }),
        noCertificate,
        { answered: notOffered },
      ),
      ...bothWays(
        "P-521",
        async ({ id, ca }) =>
          ca.issue({ uris: [id], algorithm: { name: "ECDSA", namedCurve: "P-521", hash: "SHA-512" } }),
        noCertificate,
        { answered: notOffered },
      ),
    ],
  },
  {
    id: "A31",
    title: "a CA's own certificate authenticates nobody",
    clause: "X509-SVID.md 4.1",
    attempts: bothWays("the CA certificate and its key", async ({ ca }) => ca.itself(), wrongUsage),
  },
  {
    id: "A32",
    title: "an SVID of a CA that was rotated out is refused",
    clause: "SPIFFE_Federation.md 5",
    attempts: [],
    notHere: "it takes a CA rotation: test/e2e/ca-rotation.test.ts",
  },
  {
    id: "A33",
    title: "a stolen SVID is admitted until it expires",
    clause: "by design: its life is the limit",
    attempts: bothWays("its certificate and key from elsewhere", async ({ id, ca }) => ca.issue({ uris: [id] }), {
      kind: "admitted",
      why: "whoever holds the key is the workload; SVIDs live an hour; its edge, taken out of mesh.yaml, ends at the next request (R4)",
    }),
  },
];
