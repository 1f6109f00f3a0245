// G18, G21, G22: a partner's bundle endpoint that somebody else stands in for, or that the partner itself misuses.

import { createPublicKey, generateKeyPairSync } from "node:crypto";
import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";

import type { DomainPlan } from "../../../scripts/plan/plan.ts";
import { longNamedAuthority, oddAuthority } from "../../odd-authorities.ts";
import type { Attempt, Claim } from "../claim.ts";
import { newAuthority, type Shown } from "../instance/authority.ts";
import { authorityOf } from "../instance/control.ts";
import type { PrivateMesh } from "../instance/private-mesh.ts";
import { domainOf, partnerOf } from "../instance/users.ts";
import { kept } from "./fetching.ts";
import { plainRedirect } from "./g-partner-bundle.ts";
import { quarantined } from "./quarantine.ts";

const endpointId = ({ hostile }: PrivateMesh): string => hostile.relationship.bundleEndpointProfile.endpointSPIFFEID;

function showing(tried: string, mint: (mesh: PrivateMesh) => Promise<Shown>, why: RegExp): Attempt {
  return kept(tried, async (mesh) => ({ shown: await mint(mesh) }), why);
}

function answering(tried: string, body: string | Buffer, why: RegExp, headers: Readonly<Record<string, string>> = {}) {
  return kept(tried, () => ({ answer: (_, response) => response.writeHead(200, headers).end(body) }), why);
}

const mebibytes = 8;
/** Valid, as far as it goes: JSON with one long member that nobody asked for. */
const large = (): string => `{"more": "${"x".repeat(mebibytes * 1024 * 1024)}", "keys": "none"}`;

export const bundleEndpoints: readonly Claim[] = [
  {
    id: "G18",
    title: "nobody stands in for a partner's bundle endpoint",
    clause: "SPIFFE_Federation.md 5.2.2: https_spiffe",
    attempts: [
      showing(
        "the endpoint's ID by an unknown CA",
        async (mesh) => (await newAuthority(mesh.hostile.trustDomain)).issue({ uris: [endpointId(mesh)] }),
        /certificate signed by unknown authority/,
      ),
      showing(
        "the endpoint's ID by the CA of another partner",
        (mesh) => authorityOf(mesh, otherDomain(mesh).trustDomain).issue({ uris: [endpointId(mesh)] }),
        /certificate signed by unknown authority/,
      ),
      showing(
        "the endpoint's ID by the own trust domain's CA",
        (mesh) => authorityOf(mesh, mesh.callee.trustDomain).issue({ uris: [endpointId(mesh)] }),
        /certificate signed by unknown authority/,
      ),
      showing(
        "a workload of the partner",
        (mesh) => mesh.hostile.authority.issue({ uris: [mesh.partnerId] }),
        /unexpected ID/,
      ),
      showing(
        "the SVID of another SPIRE Server",
        (mesh) => {
          const { trustDomain, server } = otherDomain(mesh);
          return authorityOf(mesh, trustDomain).issue({ uris: [server.spiffeId] });
        },
        /no X\.509 bundle found for trust domain/,
      ),
      showing(
        "the endpoint's SVID, expired",
        (mesh) => mesh.hostile.authority.issue({ uris: [endpointId(mesh)], from: -7200, until: -3600 }),
        /certificate has expired/,
      ),
    ],
  },
  {
    id: "G21",
    title: "a bundle endpoint that is slow, large or leads elsewhere changes no bundle",
    clause: "SPIFFE_Federation.md 5.4",
    attempts: [
      answering(`${mebibytes} MiB that are no bundle`, large(), /failed to decode bundle: .*cannot unmarshal string/),
      answering(
        `${mebibytes} MiB in a few KiB of gzip`,
        gzipSync(large()),
        /failed to decode bundle: .*cannot unmarshal string/,
        {
          "content-encoding": "gzip",
        },
      ),
      kept(
        "a byte every 100 ms",
        () => ({ answer: (_, response) => drip(response) }),
        /DEADLINE_EXCEEDED|CANCELLED/,
        "hangs",
      ),
      kept("silence", () => ({ answer: () => undefined }), /DEADLINE_EXCEEDED|CANCELLED/, "hangs"),
      kept(
        "a redirect to itself",
        () => ({ answer: (request, response) => response.writeHead(302, { location: request.url ?? "/" }).end() }),
        /stopped after 10 redirects/,
      ),
      kept(
        "a redirect to another trust domain's bundle endpoint",
        (mesh) => ({
          answer: (_, response) =>
            response.writeHead(302, { location: otherDomain(mesh).server.bundleEndpoint.url }).end(),
        }),
        /no X\.509 bundle found for trust domain/,
      ),
      plainRedirect,
    ],
  },
  {
    id: "G22",
    title: "what is no bundle is not taken for one",
    clause: "SPIFFE_Trust_Domain_and_Bundle.md 4",
    attempts: [
      answering("no JSON", "no bundle", /failed to decode bundle: invalid character/),
      answering("an empty answer", "", /failed to decode bundle: EOF/),
      answering(
        "an X.509 key of another type",
        '{"keys": [{"kty": "oct", "use": "x509-svid", "k": "AA"}]}',
        /expected a single certificate in x509-svid entry 0; got 0/,
      ),
      answering(
        "an X.509 key without a certificate",
        '{"keys": [{"kty": "EC", "use": "x509-svid", "crv": "P-256"}]}',
        /missing x\/y values/,
      ),
      kept(
        "500",
        () => ({ answer: (_, response) => response.writeHead(500).end("out of order") }),
        /unexpected status 500/,
      ),
      quarantined("no keys, which SPIRE Server takes", 0, async (mesh) =>
        mesh.hostile.document({ x509Authorities: [] }),
      ),
      quarantined("JWT keys alone, which SPIRE Server takes", 0, async (mesh) => {
        const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
        const key = { keyId: "k", publicKey: publicKey.export({ format: "der", type: "spki" }) };
        return mesh.hostile.document({ x509Authorities: [], jwtAuthorities: [key] });
      }),
      quarantined(
        "beside a sound CA a JWT key that SPIRE Server takes and no agent can parse",
        1,
        async ({ hostile }) => {
          const nothing = createPublicKey({ key: { kty: "RSA", n: "AA", e: "AQAB" }, format: "jwk" });
          const key = { keyId: "k", publicKey: nothing.export({ format: "der", type: "spki" }) };
          return hostile.document({ jwtAuthorities: [key] });
        },
      ),
      quarantined("beside a sound CA one whose name no TLS handshake could hold", 2, async ({ hostile }) => {
        const { der } = hostile.authority;
        return hostile.document({ x509Authorities: [der, longNamedAuthority(der, 66_000)] });
      }),
      // One of each parser's kind of strictness; test/e2e/native/odd-authorities.test.ts asks Envoy about all.
      ...["version 1, with extensions", "a time that is not in UTC", "a name with a part that is empty"].map((oddity) =>
        quarantined(`beside a sound CA one of ${oddity}, which Envoy alone cannot read`, 2, async ({ hostile }) => {
          const { der } = hostile.authority;
          return hostile.document({ x509Authorities: [der, oddAuthority(der, oddity)] });
        }),
      ),
    ],
  },
];

/** Another partner, or the own one where there is none. */
function otherDomain(mesh: PrivateMesh): DomainPlan {
  return partnerOf(mesh) ?? domainOf(mesh);
}

function drip(response: ServerResponse): void {
  response.writeHead(200).write('{"keys": [');
  const dripping = setInterval(() => response.write(" "), 100);
  response.on("close", () => clearInterval(dripping));
}
