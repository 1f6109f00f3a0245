// A1–A6: who has no certificate, or one that nobody vouches for, by TLS or without. As the caller, and as the callee.

import type { Attempt, Claim } from "../claim.ts";
import { newAuthority } from "../instance/authority.ts";
import { allowedRequest } from "../instance/control.ts";
import type { LiveMesh } from "../instance/live-mesh.ts";
import { inboundOf } from "../instance/private-mesh.ts";
import { bothWays } from "./both-ways.ts";
import { answeringAs, answeringPlainly, towardsCallee } from "./callees-place.ts";
import { noCertificate, noChain, showing, tlsError } from "./certificates.ts";

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
/** In TLS 1.3 a server without a certificate cannot answer: it ends the handshake itself. */
const nothing = async (): Promise<undefined> => undefined;
const noneToShow = towardsCallee(tlsError(/HANDSHAKE FAILURE ON CLIENT HELLO/));
const oldCallee = towardsCallee(tlsError(/ALERT PROTOCOL VERSION/));
const byUnknownCa = "the right ID by an unknown CA";
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
    attempts: [withoutTls, answeringPlainly("answering without TLS, as the callee")],
    live: [withoutTls],
  },
  {
    id: "A2",
    title: "who has no certificate is refused",
    clause: "X509-SVID.md 5",
    attempts: [withoutCertificate, answeringAs("TLS 1.3 without a certificate, as the callee", nothing, noneToShow)],
    live: [withoutCertificate],
  },
  {
    id: "A3",
    title: "who has no certificate is refused in TLS 1.2 too",
    clause: "RFC 9325 3.1.1",
    attempts: [
      withoutCertificateInTls12,
      answeringAs("TLS 1.2 with anonymous key exchange, as the callee", nothing, oldCallee, {
        tls: { maxVersion: "TLSv1.2", ciphers: "aNULL@SECLEVEL=0" },
      }),
    ],
    live: [withoutCertificateInTls12],
  },
  {
    id: "A4",
    title: "a self-signed certificate with the right ID is refused",
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
    title: "a CA that neither domain knows cannot vouch for an ID of theirs",
    clause: "X509-SVID.md 5; RFC 5280 6",
    attempts: bothWays(byUnknownCa, async ({ id }, { unknown }) => unknown.issue({ uris: [id] }), noChain()),
    live: [showing(byUnknownCa, async ({ caller, unknown }) => unknown.issue({ uris: [caller.spiffeId] }), noChain())],
  },
  {
    id: "A6",
    title: "the caller's certificate is of no use without its private key",
    clause: "RFC 8446 4.4.3",
    attempts: [],
    notHere:
      "no client library here sends a certificate with a signature by another key: CertificateVerify is BoringSSL's own",
  },
];
