// G7–G11: who gets an SVID from SPIRE Agent. Its socket is entered by the sidecars of its trust domain alone; whoever got in
// all the same, because somebody gave him the group, is told by his user that he is nobody.

import { rename, symlink } from "node:fs/promises";

import type { Attempt, Claim } from "../claim.ts";
import type { Answer, GrpcCall } from "../instance/attacker.ts";
import { message } from "../instance/grpc.ts";
import { allowedRequest, rightful } from "../instance/control.ts";
import { inboundOf, type PrivateMesh } from "../instance/private-mesh.ts";
import { probe, type Seen } from "../instance/probe.ts";
import {
  appSocketOf,
  appUserOf,
  domainOf,
  insideAgentFolder,
  stranger,
  told,
  userOf,
  withoutUsers,
} from "../instance/users.ts";
import type { User } from "../../../scripts/plan/plan.ts";
import { inWords } from "../in-words.ts";
import { guarded } from "./guarded.ts";

type Who = (mesh: PrivateMesh) => User;
type Names = (mesh: PrivateMesh) => readonly string[];

const securityHeader = { "workload.spiffe.io": "true" };
const secretType = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";

const sidecar: Who = (mesh) => userOf(mesh, mesh.callee.process);
const app: Who = (mesh) => insideAgentFolder(mesh, appUserOf(mesh, mesh.callee));
const nobody: Who = (mesh) => insideAgentFolder(mesh, stranger);
const agentSocket = (mesh: PrivateMesh) => ({ socket: domainOf(mesh).agent.socket });

const callOf = async (mesh: PrivateMesh): Promise<Seen> =>
  probe(inboundOf(mesh.callee), { shown: await rightful(mesh), raw: allowedRequest(mesh) });

async function ask(mesh: PrivateMesh, who: Who, call: Omit<GrpcCall, "does" | "to">): Promise<Answer> {
  return mesh.attackers.as(who(mesh), { does: "call", to: agentSocket(mesh), ...call });
}

/** Asks the Workload API. */
function fetching(who: Who, metadata: Readonly<Record<string, string>> = securityHeader) {
  return async (mesh: PrivateMesh): Promise<Seen> => {
    const { said, body } = await ask(mesh, who, {
      method: "/SpiffeWorkloadAPI/FetchX509SVID",
      streams: "answers",
      metadata,
    });
    return told(said === "OK" ? `OK: ${idsIn(mesh, body)}` : said);
  };
}

/** Asks as an Envoy does. */
function secrets(who: Who, names: Names) {
  return async (mesh: PrivateMesh): Promise<Seen> => {
    const { said, body } = await ask(mesh, who, {
      method: "/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets",
      message: message([...names(mesh).map((name) => [3, name] as const), [4, secretType]]),
      streams: "both",
    });
    if (said !== "OK") return told(said);
    return told(body.includes("PRIVATE KEY") ? `a private key: ${idsIn(mesh, body)}` : "bundles, no private key");
  };
}

/** Which workloads of the mesh an answer is about. */
function idsIn({ plan }: PrivateMesh, body: string): string {
  const ids = plan.domains.flatMap(({ sidecars }) => sidecars.map(({ spiffeId }) => spiffeId));
  return ids.filter((id) => body.includes(id)).join(", ");
}

const rightfulFetch = {
  tried: "the same by the sidecar",
  run: fetching(sidecar),
  saw: /^OK: spiffe:\/\/\S+$/,
};
const rightfulSecret = {
  tried: "the sidecar's own SVID, by the sidecar",
  run: secrets(sidecar, ({ callee }) => [callee.spiffeId]),
  saw: /^a private key: spiffe:\/\/\S+$/,
};

function noIdentity(tried: string, who: Who): Attempt {
  return {
    tried,
    run: fetching(who),
    expected: {
      kind: "denied",
      by: "SPIRE Agent",
      saw: /^PermissionDenied: no identity issued$/,
      control: rightfulFetch,
    },
  };
}

function notAuthorized(tried: string, who: Who, names: Names): Attempt {
  return {
    tried,
    run: secrets(who, names),
    expected: {
      kind: "denied",
      by: "SPIRE Agent",
      saw: /^InvalidArgument: workload is not authorized for the requested identities/,
      control: rightfulSecret,
    },
  };
}

function noKey(tried: string, who: Who, names: Names): Attempt {
  return {
    tried,
    run: secrets(who, names),
    expected: { kind: "denied", by: "SPIRE Agent", saw: /^bundles, no private key$/, control: rightfulSecret },
  };
}

const agentsSocket = guarded({
  tried: "SPIRE Agent's socket",
  path: (mesh) => domainOf(mesh).agent.socket,
  does: "connect",
  admits: (mesh) => [
    mesh.callee.process,
    domainOf(mesh).agent.process,
    ...domainOf(mesh).sidecars.map(({ process }) => process),
  ],
});

export const workloadApi: readonly Claim[] = [
  {
    id: "G7",
    title: "the Workload API gives no SVID to another user",
    clause: "SPIFFE_Workload_API.md 5.2.1, SPIFFE_Workload_Endpoint.md 4",
    notHere: withoutUsers,
    attempts: [
      agentsSocket,
      noIdentity("FetchX509SVID by a stranger who got into the socket's folder", nobody),
      noIdentity("FetchX509SVID by SPIRE Server's user who got into it", (mesh) =>
        insideAgentFolder(mesh, userOf(mesh, domainOf(mesh).server.process)),
      ),
    ],
    live: [agentsSocket],
  },
  {
    id: "G8",
    title: "SDS gives no private key to another user",
    clause: "SPIRE Agent, Envoy SDS support",
    notHere: withoutUsers,
    attempts: [
      notAuthorized("`default`, by a stranger who got into the socket's folder", nobody, () => ["default"]),
      notAuthorized("the sidecar's SPIFFE ID", nobody, ({ callee }) => [callee.spiffeId]),
      noKey("`ALL`", nobody, () => ["ALL"]),
      noKey("`ROOTCA`", nobody, () => ["ROOTCA"]),
      noKey("no name, which stands for all", nobody, () => []),
      noKey("an empty name", nobody, () => [""]),
    ],
  },
  {
    id: "G9",
    title: "SDS gives a sidecar its own SVID and no other",
    clause: "SPIRE Agent, Envoy SDS support",
    attempts: [
      notAuthorized("another workload's ID of its trust domain", sidecar, ({ callee }) => [
        `spiffe://${callee.trustDomain}/other`,
      ]),
      notAuthorized("the caller's ID", sidecar, ({ caller }) => [caller.spiffeId]),
      notAuthorized("its own and SPIRE Server's", sidecar, (mesh) => [
        mesh.callee.spiffeId,
        domainOf(mesh).server.spiffeId,
      ]),
    ],
  },
  {
    id: "G10",
    title: "the Workload API answers no request that a web page or a proxy could be made to send",
    clause: "SPIFFE_Workload_Endpoint.md 6",
    attempts: [
      ["without the header workload.spiffe.io", {}] as const,
      ["with it, but not `true`", { "workload.spiffe.io": "yes" }] as const,
    ].map(([tried, metadata]) => ({
      tried,
      run: fetching(sidecar, metadata),
      expected: {
        kind: "denied",
        by: "SPIRE Agent",
        saw: /^InvalidArgument: security header missing from request$/,
        control: rightfulFetch,
      },
    })),
  },
  {
    id: "G11",
    title: "an app gets nothing of its sidecar's",
    clause: "SPIRE Agent, workload attestor `unix`",
    notHere: withoutUsers,
    attempts: [
      noIdentity("FetchX509SVID by the app who got into the socket's folder", app),
      notAuthorized("SDS: its sidecar's SPIFFE ID, by the app", app, ({ callee }) => [callee.spiffeId]),
      notAuthorized("SDS: `default`, by the app", app, () => ["default"]),
      {
        tried: "its own socket as a link to the agent's: the sidecar connects there in its own name",
        run: async (mesh) => {
          const own = appSocketOf(mesh);
          await rename(own, `${own}.aside`);
          try {
            await symlink(agentSocket(mesh).socket, own);
            mesh.app.hangUp();
            return told(inWords(await callOf(mesh)));
          } finally {
            await rename(`${own}.aside`, own);
          }
        },
        expected: {
          kind: "denied",
          by: "Envoy",
          // It speaks HTTP/1.1 to an app; the agent, gRPC.
          saw: /^HTTP 502$/,
          control: {
            tried: "with its own socket",
            run: async (mesh) => told(inWords(await callOf(mesh))),
            saw: /^HTTP 200$/,
          },
        },
      },
    ],
  },
];
