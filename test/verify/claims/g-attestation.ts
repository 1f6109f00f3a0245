// G14–G17: who becomes an agent of a trust domain, and whom an agent takes for its server.

import { X509Certificate, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { TlsOptions } from "node:tls";

import * as x509 from "@peculiar/x509";

import type { Attempt, Claim } from "../claim.ts";
import { perform } from "../instance/attacker.ts";
import type { Shown } from "../instance/authority.ts";
import { authorityOf } from "../instance/control.ts";
import { agentBefore } from "../instance/fake-server.ts";
import { encoded, message } from "../instance/grpc.ts";
import type { PrivateMesh } from "../instance/private-mesh.ts";
import { domainOf, partnerOf, told, withoutPartner } from "../instance/users.ts";

const service = "/spire.api.server.agent.v1.Agent";

/** Of the network 127.0.0.0/8, a new one each time: SPIRE Server lets an address attest once in a second. */
let lastAddress = 0;
function nextAddress(): string {
  lastAddress += 1;
  return `127.99.${Math.floor(lastAddress / 250)}.${1 + (lastAddress % 250)}`;
}

interface Attestation {
  readonly type: string;
  readonly payload: string;
  /** To whatever challenge comes. */
  readonly response?: string;
}

/** AttestAgent at the callee's SPIRE Server, up to its first answer, or its second when there is a response. */
async function attest(mesh: PrivateMesh, { type, payload, response }: Attestation): Promise<string> {
  const { host, port } = domainOf(mesh).server.api;
  const data = encoded([
    [1, type],
    [2, payload],
  ]);
  const params = encoded([
    [1, data],
    [2, encoded([[1, await certificateRequest()]])],
  ]);
  const { said, body } = await perform({
    does: "call",
    to: { host, port },
    method: `${service}/AttestAgent`,
    message: message([[1, params]]),
    ...(response === undefined ? {} : { second: message([[2, response]]) }),
    streams: "both",
    from: nextAddress(),
  });
  if (said !== "OK") return said;
  return body.includes("spiffe://") ? "an agent's SVID" : "a challenge";
}

async function certificateRequest(): Promise<Uint8Array> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: algorithm });
  return new Uint8Array(request.rawData);
}

/** What the node attestor `x509pop` sends: the certificate of the agent of this trust domain. */
async function certificateOf({ plan }: PrivateMesh, trustDomain: string): Promise<string> {
  const agent = plan.domains.find((domain) => domain.trustDomain === trustDomain)?.agent;
  const { raw } = new X509Certificate(await readFile(agent?.certificate ?? ""));
  return JSON.stringify({ certificates: [raw.toString("base64")] });
}

const rightfulCertificate = {
  tried: "the certificate of the trust domain's own agent is answered by a challenge",
  run: async (mesh: PrivateMesh) =>
    told(await attest(mesh, { type: "x509pop", payload: await certificateOf(mesh, mesh.callee.trustDomain) })),
  saw: /^a challenge$/,
};

/** One that SPIRE Server makes for whoever has its admin socket. */
async function joinToken(mesh: PrivateMesh): Promise<string> {
  const { said, body } = await perform({
    does: "call",
    to: { socket: domainOf(mesh).server.adminSocket },
    method: `${service}/CreateJoinToken`,
    message: message([[1, 60]]),
  });
  const token = /[0-9a-f-]{36}/.exec(body)?.[0];
  if (token === undefined) throw new Error(`there is no join token: ${said}`);
  return token;
}

function joining(tried: string, token: (mesh: PrivateMesh) => Promise<string>): Attempt {
  return {
    tried,
    run: async (mesh) => told(await attest(mesh, { type: "join_token", payload: await token(mesh) })),
    expected: {
      kind: "denied",
      by: "SPIRE Server",
      saw: /^InvalidArgument: failed to attest: join token does not exist or has already been used$/,
      control: {
        tried: "a token of SPIRE Server's, for the first time",
        run: async (mesh) => told(await attest(mesh, { type: "join_token", payload: await joinToken(mesh) })),
        saw: /^an agent's SVID$/,
      },
    },
  };
}

const serverId = (mesh: PrivateMesh): string => domainOf(mesh).server.spiffeId;

const serverSvid = (mesh: PrivateMesh) => authorityOf(mesh, mesh.callee.trustDomain).issue({ uris: [serverId(mesh)] });

function posing(
  tried: string,
  mint: (mesh: PrivateMesh) => Promise<Shown>,
  saw: RegExp,
  options: TlsOptions = {},
): Attempt {
  return {
    tried,
    run: async (mesh) => told(await agentBefore(mesh, await mint(mesh), options)),
    expected: {
      kind: "denied",
      by: "SPIRE Agent",
      saw,
      control: {
        tried: "SPIRE Server's own SVID",
        run: async (mesh) => told(await agentBefore(mesh, await serverSvid(mesh))),
        saw: /^it speaks$/,
      },
    },
  };
}

export const attestation: readonly Claim[] = [
  {
    id: "G14",
    title: "a join token attests once, and a made-up one never",
    clause: "SPIRE Server, node attestor `join_token`: always there",
    attempts: [
      joining("a token that was never made", async () => crypto.randomUUID()),
      joining("a token that was used before", async (mesh) => {
        const token = await joinToken(mesh);
        await attest(mesh, { type: "join_token", payload: token });
        return token;
      }),
    ],
  },
  {
    id: "G15",
    title: "an agent of one trust domain attests to no other's SPIRE Server",
    clause: "SPIRE Server, node attestor `x509pop`: ca_bundle_path",
    notHere: withoutPartner,
    attempts: [
      {
        tried: "the certificate of a partner's agent",
        run: async (mesh) =>
          told(
            await attest(mesh, {
              type: "x509pop",
              payload: await certificateOf(mesh, partnerOf(mesh)?.trustDomain ?? ""),
            }),
          ),
        expected: {
          kind: "denied",
          by: "SPIRE Server",
          saw: /^PermissionDenied: .*certificate signed by unknown authority/,
          control: rightfulCertificate,
        },
      },
    ],
  },
  {
    id: "G16",
    title: "nobody becomes an agent without its key, or without attesting",
    clause: "SPIRE Server, node attestor `x509pop`; API: authorisation",
    attempts: [
      {
        tried: "the agent's certificate, and a signature by another key",
        run: async (mesh) =>
          told(
            await attest(mesh, {
              type: "x509pop",
              payload: await certificateOf(mesh, mesh.callee.trustDomain),
              response: JSON.stringify({
                ecdsa_signature: { nonce: randomBytes(32).toString("base64"), r: "AQ==", s: "AQ==" },
              }),
            }),
          ),
        expected: {
          kind: "denied",
          by: "SPIRE Server",
          saw: /^PermissionDenied: .*challenge response verification failed: ECDSA signature/,
          control: rightfulCertificate,
        },
      },
      {
        tried: "an SVID with the agent's ID by the trust domain's own CA, of which SPIRE Server knows nothing",
        run: async (mesh) => told(await asAgent(mesh, "entry.v1.Entry/GetAuthorizedEntries")),
        expected: {
          kind: "denied",
          by: "SPIRE Server",
          saw: /^PermissionDenied: authorization denied for method /,
          control: {
            tried: "the bundle, which everybody may ask for, with the same certificate",
            run: async (mesh) => told(await asAgent(mesh, "bundle.v1.Bundle/GetBundle")),
            saw: /^OK$/,
          },
        },
      },
    ],
  },
  {
    id: "G17",
    title: "an agent attests to its own SPIRE Server alone, from the first connection on",
    clause: "SPIRE Agent, trust_bundle_path; never insecure_bootstrap",
    attempts: [
      posing(
        "a server with the right ID by an unknown CA, and the rendered agent.conf",
        (mesh) => mesh.unknown.issue({ uris: [serverId(mesh)] }),
        /authentication handshake failed: .*certificate signed by unknown authority/,
      ),
      posing(
        "a server with the right ID by a federated partner's CA",
        (mesh) => mesh.hostile.authority.issue({ uris: [serverId(mesh)] }),
        /authentication handshake failed: .*certificate signed by unknown authority/,
      ),
      posing(
        "a workload of the trust domain",
        (mesh) => authorityOf(mesh, mesh.callee.trustDomain).issue({ uris: [mesh.callee.spiffeId] }),
        /authentication handshake failed: unexpected ID/,
      ),
      posing(
        "SPIRE Server's own SVID, with a key exchange that a quantum computer breaks",
        serverSvid,
        /authentication handshake failed: .*handshake failure/,
        { ecdhCurve: "X25519" },
      ),
    ],
  },
];

async function asAgent(mesh: PrivateMesh, method: string): Promise<string> {
  const { server, agent, trustDomain } = domainOf(mesh);
  const { cert, key } = await authorityOf(mesh, trustDomain).issue({ uris: [agent.spiffeId] });
  const to = { host: server.api.host, port: server.api.port };
  return (await perform({ does: "call", to, method: `/spire.api.server.${method}`, shown: { cert, key } })).said;
}
