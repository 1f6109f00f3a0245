// A machine to plan for when the real one does not matter: goldens, documentation, `./mesh render`.

import type { Mesh } from "../model/mesh.ts";
import { processName } from "./layout.ts";
import type { Host } from "./plan.ts";

/** A native host, each process with its own user. The same for the same mesh. */
export function exampleHost(mesh: Mesh): Host {
  const names = [
    ...mesh.trustDomains.flatMap((domain) => [
      processName.server(domain),
      processName.agent(domain),
      processName.controller(domain),
    ]),
    ...mesh.workloads.flatMap((workload) => [processName.sidecar(workload), processName.app(workload)]),
    ...mesh.workloads.map((workload) => processName.app(workload, 2)),
  ];
  const first = 600_100;
  return {
    runtime: "native",
    repositoryDir: "/opt/mesh",
    dataDir: "/opt/mesh/.mesh/data",
    runDir: "/run/mesh-example",
    logDir: "/opt/mesh/.mesh/logs",
    tools: {
      spireServer: "/opt/tools/spire-server",
      spireAgent: "/opt/tools/spire-agent",
      envoy: "/opt/tools/envoy",
      node: "/opt/tools/node",
    },
    addresses: Object.fromEntries(mesh.trustDomains.map(({ domain }, index) => [domain, `127.64.1.${index + 1}`])),
    inboundPorts: inboundPorts(mesh),
    users: { first, assigned: Object.fromEntries(names.map((name, index) => [name, first + index])) },
  };
}

function inboundPorts(mesh: Mesh): Record<string, number> {
  const next = new Map<string, number>();
  return Object.fromEntries(
    mesh.workloads.map(({ name, spiffeId }) => {
      const port = next.get(spiffeId.trustDomain) ?? 9443;
      next.set(spiffeId.trustDomain, port + 1);
      return [name, port];
    }),
  );
}
