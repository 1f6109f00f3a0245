// G24 and G25: what trust rests on, where it lies and where it must not.

import type { Claim } from "../claim.ts";
import type { PrivateMesh } from "../instance/private-mesh.ts";
import { domainOf, withoutUsers } from "../instance/users.ts";
import { guarded } from "./guarded.ts";

const serverOf = (mesh: PrivateMesh) => [domainOf(mesh).server.process] as const;
const agentOf = (mesh: PrivateMesh) => [domainOf(mesh).agent.process] as const;

export const trustFiles: readonly Claim[] = [
  {
    id: "G24",
    title: "what a trust domain rests on is read by nobody else",
    clause: "SPIRE Server and Agent, data_dir",
    notHere: withoutUsers,
    attempts: [
      guarded({
        tried: "SPIRE Server's data_dir",
        path: (mesh) => domainOf(mesh).server.dataDir,
        does: "read",
        admits: serverOf,
      }),
      guarded({
        tried: "SPIRE Server's keys.json",
        path: (mesh) => `${domainOf(mesh).server.dataDir}/keys.json`,
        does: "read",
        admits: serverOf,
      }),
      guarded({
        tried: "SPIRE Server's datastore",
        path: (mesh) => `${domainOf(mesh).server.dataDir}/datastore.sqlite3`,
        does: "read",
        admits: serverOf,
      }),
      guarded({
        tried: "SPIRE Agent's data_dir",
        path: (mesh) => domainOf(mesh).agent.dataDir,
        does: "read",
        admits: agentOf,
      }),
      guarded({
        tried: "the key by which SPIRE Agent attests",
        path: (mesh) => domainOf(mesh).agent.privateKey,
        does: "read",
        admits: agentOf,
      }),
    ],
  },
];
