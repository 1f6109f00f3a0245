// A: who may call at all. A hostile caller against the callee's sidecar.

// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 needs it loaded first
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

import type { Claim } from "../claim.ts";
import { allowedRequest, authorityOf, rightful } from "../instance/control.ts";
import { inboundOf, type PrivateMesh } from "../instance/private-mesh.ts";
import { probe, probePlain } from "../instance/probe.ts";
import { noCertificate, noChain, policy, showing, tlsError, wrongId } from "./certificates.ts";
import { newAuthority } from "../instance/authority.ts";

const { KeyUsageFlags } = x509;
const own = (mesh: PrivateMesh) => authorityOf(mesh, mesh.caller.trustDomain);
const local = (mesh: PrivateMesh) => authorityOf(mesh, mesh.callee.trustDomain);
const caller = (mesh: PrivateMesh): string => mesh.caller.spiffeId;
const sibling = (mesh: PrivateMesh): string => `spiffe://${mesh.caller.trustDomain}/other`;
const attacker = (mesh: PrivateMesh): string => `spiffe://${mesh.hostile.trustDomain}/x`;

const expired = noChain(/certificate has expired/);
const notYet = noChain(/certificate is not yet valid/);
const noStore = noChain(/no trust bundle store/);
const precheck = noChain(/cert precheck/);
const pathLen = noChain(/path length constraint exceeded/);
const critical = noChain(/unhandled critical extension/);
const wrongUsage = tlsError(/KEY USAGE BIT INCORRECT/);

export const clientAuthentication: readonly Claim[] = [
  {
    id: "A1",
    title: "plain HTTP on the mTLS port is not HTTP there",
    clause: "X509-SVID.md 5",
    attempts: [
      {
        tried: "GET without TLS",
        run: (mesh) => probePlain(inboundOf(mesh.callee), allowedRequest(mesh)),
        expected: tlsError(/HTTP REQUEST/),
      },
    ],
  },
  {
    id: "A2",
    title: "a caller without a certificate is refused",
    clause: "X509-SVID.md 5",
    attempts: [showing("TLS 1.3 without a client certificate", async () => undefined, noCertificate)],
  },
  {
    id: "A3",
    title: "a caller without a certificate is refused in TLS 1.2 too",
    clause: "RFC 9325 3.1.1",
    attempts: [
      {
        tried: "TLS 1.2 without a client certificate",
        run: (mesh) => probe(inboundOf(mesh.callee), { raw: allowedRequest(mesh), maxVersion: "TLSv1.2" }),
        expected: tlsError(/UNSUPPORTED PROTOCOL/),
      },
    ],
  },
  {
    id: "A4",
    title: "a self-signed certificate with the caller's ID is refused",
    clause: "X509-SVID.md 5; RFC 5280 6",
    attempts: [
      showing(
        "a root of its own with the caller's ID, shown as a leaf",
        async (mesh) => (await newAuthority(mesh.caller.trustDomain)).issue({ uris: [caller(mesh)] }),
        noChain(/BAD SIGNATURE|unable to get local issuer/),
      ),
    ],
  },
  {
    id: "A5",
    title: "a CA that neither domain knows cannot vouch for the caller's ID",
    clause: "X509-SVID.md 5; RFC 5280 6",
    attempts: [
      showing(
        "the caller's ID by an unknown CA",
        async (mesh) => mesh.unknown.issue({ uris: [caller(mesh)] }),
        noChain(),
      ),
    ],
  },
  {
    id: "A6",
    title: "the caller's certificate is of no use without its private key",
    clause: "RFC 8446 4.4.3",
    attempts: [],
    notHere:
      "no client library here sends a certificate with a signature by another key: CertificateVerify is BoringSSL's own",
  },
  {
    id: "A7",
    title: "another workload of the caller's own trust domain is refused",
    clause: "SPIFFE-ID.md 2",
    attempts: [
      showing("a genuine SVID of /other", async (mesh) => own(mesh).issue({ uris: [sibling(mesh)] }), wrongId),
    ],
  },
  {
    id: "A8",
    title: "a federated CA cannot mint the caller's ID",
    clause: "SPIFFE_Federation.md 7.3",
    attempts: [
      showing(
        "the caller's ID by the hostile partner's CA",
        async (mesh) => mesh.hostile.authority.issue({ uris: [caller(mesh)] }),
        noChain(),
      ),
      showing(
        "the caller's ID by the callee's own CA",
        async (mesh) => local(mesh).issue({ uris: [caller(mesh)] }),
        noChain(),
      ),
    ],
  },
  {
    id: "A9",
    title: "no CA can mint an ID of another trust domain",
    clause: "SPIFFE_Federation.md 7.3",
    attempts: [
      showing(
        "an ID of the callee's domain by the caller's CA",
        async (mesh) => own(mesh).issue({ uris: [mesh.callee.spiffeId] }),
        noChain(),
      ),
      showing(
        "an ID of the callee's domain by the hostile CA",
        async (mesh) => mesh.hostile.authority.issue({ uris: [mesh.callee.spiffeId] }),
        noChain(),
      ),
    ],
  },
  {
    id: "A10",
    title: "a trust domain that is not federated with is refused",
    clause: "SPIFFE_Federation.md 7.3",
    attempts: [
      showing(
        "unknown.example by its own CA",
        async (mesh) => mesh.unknown.issue({ uris: ["spiffe://unknown.example/x"] }),
        noStore,
      ),
    ],
  },
  {
    id: "A11",
    title: "a federated trust domain that is not a declared caller is refused",
    clause: "SPIFFE-ID.md 2",
    attempts: [
      showing(
        "a genuine SVID of the hostile partner",
        async (mesh) => mesh.hostile.authority.issue({ uris: [attacker(mesh)] }),
        wrongId,
      ),
    ],
  },
  {
    id: "A12",
    title: "a federated CA does not pass as the caller with a second URI SAN",
    clause: "X509-SVID.md 2: exactly one URI SAN",
    attempts: [
      showing(
        "its own ID first, the caller's second",
        async (mesh) => mesh.hostile.authority.issue({ uris: [attacker(mesh), caller(mesh)] }),
        policy,
      ),
    ],
  },
  {
    id: "A13",
    title: "nor with the caller's ID first",
    clause: "X509-SVID.md 2: exactly one URI SAN",
    attempts: [
      showing(
        "the caller's ID first, its own second",
        async (mesh) => mesh.hostile.authority.issue({ uris: [caller(mesh), attacker(mesh)] }),
        noChain(),
      ),
    ],
  },
  {
    id: "A14",
    title: "two IDs of the caller's own trust domain are not one",
    clause: "X509-SVID.md 2: exactly one URI SAN",
    attempts: [
      showing("the caller's first", async (mesh) => own(mesh).issue({ uris: [caller(mesh), sibling(mesh)] }), policy),
      showing("the caller's second", async (mesh) => own(mesh).issue({ uris: [sibling(mesh), caller(mesh)] }), policy),
    ],
  },
  {
    id: "A15",
    title: "a SPIFFE ID as DNS name does not count",
    clause: "X509-SVID.md 2; GHSA-c9g7-xwcv-pjx2",
    attempts: [
      showing(
        "a URI of its own, the caller's ID as DNS SAN",
        async (mesh) => mesh.hostile.authority.issue({ uris: [attacker(mesh)], dns: [caller(mesh)] }),
        wrongId,
      ),
    ],
  },
  {
    id: "A16",
    title: "a certificate without a URI SAN is no SVID",
    clause: "X509-SVID.md 2",
    attempts: [
      showing("the ID as DNS SAN alone", async (mesh) => own(mesh).issue({ dns: [caller(mesh)] }), noStore),
      showing("the ID as common name alone", async (mesh) => own(mesh).issue({ commonName: caller(mesh) }), noStore),
    ],
  },
  {
    id: "A17",
    title: "an expired SVID is refused",
    clause: "RFC 5280 6.1.3",
    attempts: [
      showing(
        "expired a second ago",
        async (mesh) => own(mesh).issue({ uris: [caller(mesh)], from: -3600, until: -1 }),
        expired,
      ),
      showing(
        "expired a day ago",
        async (mesh) => own(mesh).issue({ uris: [caller(mesh)], from: -90_000, until: -86_400 }),
        expired,
      ),
    ],
  },
  {
    id: "A18",
    title: "an SVID of the future is refused",
    clause: "RFC 5280 6.1.3",
    attempts: [
      showing(
        "valid in an hour",
        async (mesh) => own(mesh).issue({ uris: [caller(mesh)], from: 3600, until: 7200 }),
        notYet,
      ),
    ],
  },
  {
    id: "A19",
    title: "an expired intermediate vouches for nobody",
    clause: "RFC 5280 6.1.3",
    attempts: [
      showing(
        "a valid leaf under it",
        async (mesh) => {
          const intermediate = await own(mesh).issue({
            ca: true,
            usage: KeyUsageFlags.keyCertSign,
            from: -7200,
            until: -3600,
          });
          return intermediate.authority.issue({ uris: [caller(mesh)] });
        },
        expired,
      ),
    ],
  },
  {
    id: "A20",
    title: "a workload cannot sign for another with its own SVID",
    clause: "X509-SVID.md 4.1; RFC 5280 4.2.1.9",
    attempts: [
      showing(
        "a leaf signed by a leaf",
        async (mesh) => (await own(mesh).issue({ uris: [sibling(mesh)] })).authority.issue({ uris: [caller(mesh)] }),
        noChain(),
      ),
    ],
  },
  {
    id: "A21",
    title: "a CA that may not make CAs makes none",
    clause: "RFC 5280 4.2.1.9",
    attempts: [
      showing(
        "an intermediate below path length 0",
        async (mesh) => {
          const first = await own(mesh).issue({ ca: true, pathLength: 0, usage: KeyUsageFlags.keyCertSign });
          const second = await first.authority.issue({ ca: true, usage: KeyUsageFlags.keyCertSign });
          return second.authority.issue({ uris: [caller(mesh)] });
        },
        pathLen,
      ),
    ],
  },
  {
    id: "A22",
    title: "an intermediate that may not name this trust domain vouches for nobody in it",
    clause: "RFC 5280 4.2.1.10",
    attempts: [
      showing(
        "a leaf under an intermediate whose name constraint permits another URI host",
        async (mesh) => {
          const constraint = new x509.Extension("2.5.29.30", true, uriConstraint("else.example"));
          const intermediate = await own(mesh).issue({
            ca: true,
            usage: KeyUsageFlags.keyCertSign,
            extensions: [constraint],
          });
          return intermediate.authority.issue({ uris: [caller(mesh)] });
        },
        noChain(/permitted subtree violation|unsupported name constraint|name constraint/),
      ),
    ],
  },
  {
    id: "A23",
    title: "a hundred certificates are no chain",
    clause: "RFC 5280 6",
    attempts: [
      showing(
        "the caller's ID by an unknown CA, and a hundred others behind it",
        async (mesh) => {
          const leaf = await mesh.unknown.issue({ uris: [caller(mesh)] });
          return {
            cert: [leaf.cert, ...Array.from({ length: 100 }, () => mesh.unknown.certificate)].join("\n"),
            key: leaf.key,
          };
        },
        noChain(/self signed certificate in certificate chain/),
      ),
    ],
  },
  {
    id: "A24",
    title: "a leaf that is a CA, or may sign, is refused",
    clause: "X509-SVID.md 4.1, 4.3",
    attempts: [
      showing("CA:TRUE", async (mesh) => own(mesh).issue({ uris: [caller(mesh)], ca: true }), precheck),
      showing(
        "keyCertSign",
        async (mesh) =>
          own(mesh).issue({ uris: [caller(mesh)], usage: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign }),
        precheck,
      ),
      showing(
        "cRLSign",
        async (mesh) =>
          own(mesh).issue({ uris: [caller(mesh)], usage: KeyUsageFlags.digitalSignature | KeyUsageFlags.cRLSign }),
        precheck,
      ),
    ],
  },
  {
    id: "A25",
    title: "a leaf without key usage, or one not for signing, is refused",
    clause: "X509-SVID.md 4.3",
    attempts: [
      showing("no key usage", async (mesh) => own(mesh).issue({ uris: [caller(mesh)], usage: null }), precheck),
      showing(
        "keyEncipherment alone",
        async (mesh) => own(mesh).issue({ uris: [caller(mesh)], usage: KeyUsageFlags.keyEncipherment }),
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
    ].map(([tried, purpose]) =>
      showing(tried, async (mesh) => own(mesh).issue({ uris: [caller(mesh)], extendedUsage: [purpose] }), {
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
      showing(
        "1.3.6.1.4.1.55555.1, critical",
        async (mesh) =>
          own(mesh).issue({
            uris: [caller(mesh)],
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
      showing("signed by SHA-1", async (mesh) => own(mesh).issue({ uris: [caller(mesh)], signatureHash: "SHA-1" }), {
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
      showing(
        "RSA of 1024 bits",
        async (mesh) =>
          own(mesh).issue({
            uris: [caller(mesh)],
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
      showing(
        "Ed25519",
        async (mesh) => own(mesh).issue({ uris: [caller(mesh)], algorithm: { name: "Ed25519" } }),
        noCertificate,
      ),
      showing(
        "P-521",
        async (mesh) =>
          own(mesh).issue({ uris: [caller(mesh)], algorithm: { name: "ECDSA", namedCurve: "P-521", hash: "SHA-512" } }),
        noCertificate,
      ),
    ],
  },
  {
    id: "A31",
    title: "a CA's own certificate authenticates nobody",
    clause: "X509-SVID.md 4.1",
    attempts: [showing("the caller's CA certificate and key", async (mesh) => own(mesh).itself(), wrongUsage)],
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
    attempts: [
      showing("the caller's certificate and key from elsewhere", rightful, {
        kind: "admitted",
        why: "whoever holds the key is the workload; SVIDs live an hour, and `cut` ends them sooner",
      }),
    ],
  },
];

/** NameConstraints that permit one URI host (RFC 5280 4.2.1.10): SEQUENCE { [0] { SEQUENCE { [6] host } } }. */
function uriConstraint(host: string): Uint8Array<ArrayBuffer> {
  const name = [0x86, host.length, ...Buffer.from(host)];
  const subtree = [0x30, name.length, ...name];
  const permitted = [0xa0, subtree.length, ...subtree];
  return new Uint8Array([0x30, permitted.length, ...permitted]);
}
