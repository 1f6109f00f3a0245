// mesh + host → Plan. Pure: the same two inputs always give the same plan.

import type { Mesh, TrustDomain } from "../model/mesh.ts";
import {
  addressOf,
  agentSpiffeId,
  bundleEndpointUrl,
  entriesOf,
  relationshipsOf,
  serverSpiffeId,
  workloadsOf,
} from "./identities.ts";
import { domainFolders, domainPaths, meshFolders, ports, processName, workloadFolders } from "./layout.ts";
import type { DomainPlan, Host, Plan, Process } from "./plan.ts";
import { agentProcess, appProcess, controllerProcess, serverProcess, sidecarProcess } from "./processes.ts";
import { edgePlan, sidecarPlan } from "./sidecars.ts";

/** The one list of processes, files, identities and edges that both runtimes render. */
export function plan(mesh: Mesh, host: Host): Plan {
  const domains = mesh.trustDomains.map((domain) => domainPlan(mesh, host, domain));
  return {
    runtime: host.runtime,
    domains,
    processes: mesh.trustDomains.flatMap((domain, index) => domainProcesses(mesh, host, domain, domains[index])),
    folders: [
      ...meshFolders(host),
      ...mesh.trustDomains.flatMap((domain) => [
        ...domainFolders(host, domain),
        ...workloadsOf(mesh, domain).flatMap((workload) => workloadFolders(host, domain, workload)),
      ]),
    ],
    edges: mesh.edges.map((edge) => edgePlan(mesh, host, edge)),
  };
}

function domainPlan(mesh: Mesh, host: Host, domain: TrustDomain): DomainPlan {
  const paths = domainPaths(host, domain);
  const address = addressOf(host, domain);
  return {
    trustDomain: domain.domain,
    name: domain.name,
    ttl: domain.ttl,
    server: {
      process: processName.server(domain),
      api: { host: address, port: ports.serverApi },
      adminSocket: paths.adminSocket,
      health: { host: address, port: ports.serverHealth },
      dataDir: paths.serverData,
      spiffeId: serverSpiffeId(domain.domain),
      agentCaBundle: paths.agentCaBundle,
      bundleEndpoint: {
        host: address,
        port: ports.bundleEndpoint,
        url: bundleEndpointUrl(host, domain),
        spiffeId: serverSpiffeId(domain.domain),
        profile: "https_spiffe",
      },
    },
    agent: {
      process: processName.agent(domain),
      socket: paths.agentSocket,
      health: { host: address, port: ports.agentHealth },
      dataDir: paths.agentData,
      spiffeId: agentSpiffeId(domain),
      commonName: processName.agent(domain),
      certificate: paths.agentCertificate,
      privateKey: paths.agentPrivateKey,
      trustBundle: paths.bundleFile,
    },
    controller: {
      process: processName.controller(domain),
      socket: paths.controllerSocket,
      planFile: paths.controllerPlan,
    },
    bundleFile: paths.bundleFile,
    entries: entriesOf(mesh, host, domain),
    relationships: relationshipsOf(mesh, host, domain),
    sidecars: workloadsOf(mesh, domain).map((workload) => sidecarPlan(mesh, host, domain, workload)),
  };
}

function domainProcesses(mesh: Mesh, host: Host, domain: TrustDomain, built: DomainPlan | undefined): Process[] {
  const workloads = workloadsOf(mesh, domain);
  return [
    serverProcess(host, domain),
    agentProcess(host, domain),
    ...workloads.flatMap((workload) => {
      const sidecar = built?.sidecars.find((candidate) => candidate.workload === workload.name);
      if (sidecar === undefined) throw new Error(`no sidecar is planned for ${workload.name}`);
      return [sidecarProcess(host, domain, workload, sidecar), appProcess(mesh, host, workload)];
    }),
    controllerProcess(host, domain, workloads),
  ];
}
