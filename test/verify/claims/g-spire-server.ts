// G12 and G13: SPIRE Server's API, which can mint any identity. Its Unix socket is its controller's; over TCP it knows
// agents by their SVIDs, and nobody else.

import type { Attempt, Claim } from "../claim.ts";
import type { Shown } from "../instance/authority.ts";
import { authorityOf } from "../instance/control.ts";
import type { LiveMesh } from "../instance/live-mesh.ts";
import type { PrivateMesh } from "../instance/private-mesh.ts";
import { domainOf, told } from "../instance/users.ts";
import { guarded, inContainers } from "./guarded.ts";

type Mint<Mesh> = (mesh: Mesh) => Promise<Shown | undefined>;

const api = "/spire.api.server";
/** What an agent may do, and what the admin socket may. */
const methods = {
  "entry.v1.Entry/ListEntries": "every identity of the trust domain",
  "entry.v1.Entry/BatchCreateEntry": "an identity of its own",
  "svid.v1.SVID/MintX509SVID": "an SVID for any ID",
  "svid.v1.SVID/BatchNewX509SVID": "SVIDs as an agent gets them",
  "entry.v1.Entry/GetAuthorizedEntries": "entries as an agent gets them",
  "svid.v1.SVID/NewDownstreamX509CA": "a CA of its own",
  "bundle.v1.Bundle/AppendBundle": "one more CA in the bundle",
  "trustdomain.v1.TrustDomain/BatchCreateFederationRelationship": "a partner of its own",
  "agent.v1.Agent/CreateJoinToken": "a token to attest by",
} as const;

const call =
  <Mesh extends LiveMesh>(method: string, mint: Mint<Mesh>) =>
  async (mesh: Mesh) => {
    const shown = await mint(mesh);
    const { host, port } = domainOf(mesh).server.api;
    const { said } = await mesh.network.perform({
      does: "call",
      to: { host, port },
      method: `${api}.${method}`,
      ...(shown === undefined ? {} : { shown: { cert: shown.cert, key: shown.key } }),
    });
    return told(said);
  };

function notAllowed<Mesh extends LiveMesh>(tried: string, method: string, mint: Mint<Mesh>): Attempt<Mesh> {
  return {
    tried,
    notHere: inContainers,
    run: call(method, mint),
    expected: {
      kind: "denied",
      by: "SPIRE Server",
      saw: /^PermissionDenied: authorization denied for method /,
      control: {
        tried: "what everybody may ask over the same connection, the bundle",
        run: call("bundle.v1.Bundle/GetBundle", mint),
        saw: /^OK$/,
      },
    },
  };
}

const withoutCertificate: Mint<LiveMesh> = async () => undefined;
const workload: Mint<PrivateMesh> = (mesh) =>
  authorityOf(mesh, mesh.callee.trustDomain).issue({ uris: [mesh.callee.spiffeId] });

/** Those of them that would change nothing if they were answered. */
const asking = ["entry.v1.Entry/ListEntries", "entry.v1.Entry/GetAuthorizedEntries"] as const;

const adminSocket = guarded({
  tried: "SPIRE Server's admin socket",
  path: (mesh) => domainOf(mesh).server.adminSocket,
  does: "connect",
  admits: (mesh) => [domainOf(mesh).controller.process, domainOf(mesh).server.process],
});

export const serverApi: readonly Claim[] = [
  {
    id: "G12",
    title: "SPIRE Server's API is its controller's, and over TCP its agents'",
    clause: "SPIRE Server, API: authorisation",
    attempts: [
      adminSocket,
      ...Object.entries(methods).map(([method, what]) =>
        notAllowed(`${what}, over TCP without a certificate`, method, withoutCertificate),
      ),
    ],
    live: [
      adminSocket,
      ...asking.map((method) =>
        notAllowed(`${methods[method]}, over TCP without a certificate`, method, withoutCertificate),
      ),
    ],
  },
  {
    id: "G13",
    title: "a workload's SVID is nothing to SPIRE Server",
    clause: "SPIRE Server, API: authorisation",
    attempts: Object.entries(methods).map(([method, what]) =>
      notAllowed(`${what}, with the callee's SVID`, method, workload),
    ),
  },
];
