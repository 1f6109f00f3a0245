// A1–A16: who may call at all. A hostile caller against the callee's sidecar.

import type { Attempt, Claim } from "../claim.ts";
import { newAuthority } from "../instance/authority.ts";
import { allowedRequest } from "../instance/control.ts";
import type { LiveMesh } from "../instance/live-mesh.ts";
import { inboundOf } from "../instance/private-mesh.ts";
import { bothWays } from "./both-ways.ts";
import {
  attacker,
  caller,
  isInside,
  noCertificate,
  noChain,
  noStore,
  noStoreInside,
  own,
  local,
  policy,
  showing,
  sibling,
  tlsError,
  wrongId,
} from "./certificates.ts";

const withoutTls: Attempt<LiveMesh> = {
  tried: "GET without TLS",
  run: (mesh) => mesh.network.probePlain(inboundOf(mesh.callee), allowedRequest(mesh)),
  expected: tlsError(/HTTP REQUEST/),
};
const withoutCertificate = showing<LiveMesh>(
  "TLS 1.3 without a client certificate",
  async () => undefined,
  noCertificate,
);
const withoutCertificateInTls12: Attempt<LiveMesh> = {
  tried: "TLS 1.2 without a client certificate",
  run: (mesh) => mesh.network.probe(inboundOf(mesh.callee), { raw: allowedRequest(mesh), maxVersion: "TLSv1.2" }),
  expected: tlsError(/UNSUPPORTED PROTOCOL/),
};
const byUnknownCa = showing<LiveMesh>(
  "the caller's ID by an unknown CA",
  async (mesh) => mesh.unknown.issue({ uris: [caller(mesh)] }),
  noChain(),
);
const ofUnknownDomain = showing<LiveMesh>(
  "unknown.example by its own CA",
  async (mesh) => mesh.unknown.issue({ uris: ["spiffe://unknown.example/x"] }),
  noStore,
);
const selfSigned = {
  tried: "a root of its own with the right ID, shown as a leaf",
  mint: async (id: string, trustDomain: string) => (await newAuthority(trustDomain)).issue({ uris: [id] }),
  expected: noChain(/BAD SIGNATURE|unable to get local issuer/),
} as const;

export const clientAuthentication: readonly Claim[] = [
  {
    id: "A1",
    title: "plain HTTP on the mTLS port is not HTTP there",
    clause: "X509-SVID.md 5",
    attempts: [withoutTls],
    live: [withoutTls],
  },
  {
    id: "A2",
    title: "a caller without a certificate is refused",
    clause: "X509-SVID.md 5",
    attempts: [withoutCertificate],
    live: [withoutCertificate],
  },
  {
    id: "A3",
    title: "a caller without a certificate is refused in TLS 1.2 too",
    clause: "RFC 9325 3.1.1",
    attempts: [withoutCertificateInTls12],
    live: [withoutCertificateInTls12],
  },
  {
    id: "A4",
    title: "a self-signed certificate with the caller's ID is refused",
    clause: "X509-SVID.md 5; RFC 5280 6",
    attempts: bothWays(
      selfSigned.tried,
      ({ id, trustDomain }) => selfSigned.mint(id, trustDomain),
      selfSigned.expected,
    ),
    live: [
      showing(
        selfSigned.tried,
        ({ caller: { spiffeId, trustDomain } }) => selfSigned.mint(spiffeId, trustDomain),
        selfSigned.expected,
      ),
    ],
  },
  {
    id: "A5",
    title: "a CA that neither domain knows cannot vouch for the caller's ID",
    clause: "X509-SVID.md 5; RFC 5280 6",
    attempts: [byUnknownCa],
    live: [byUnknownCa],
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
        { notHere: (mesh) => (isInside(mesh) ? "it is the caller's own" : undefined) },
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
        { instead: (mesh) => (isInside(mesh) ? wrongId : undefined) },
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
    attempts: [ofUnknownDomain],
    live: [ofUnknownDomain],
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
        noStoreInside,
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
        noStoreInside,
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
        noStoreInside,
      ),
    ],
  },
  {
    id: "A16",
    title: "a certificate without a URI SAN is no SVID",
    clause: "X509-SVID.md 2",
    attempts: [
      ...bothWays("the ID as DNS SAN alone", async ({ id, ca }) => ca.issue({ dns: [id] }), noStore),
      ...bothWays("the ID as common name alone", async ({ id, ca }) => ca.issue({ commonName: id }), noStore),
    ],
  },
];
