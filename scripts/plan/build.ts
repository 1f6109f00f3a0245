// mesh + host → Plan. Pure: the same two inputs always give the same plan.

import type { Mesh, TrustDomain, Workload } from "../model/mesh.ts";
import { bundleEndpointOf, domainAddress } from "./addresses.ts";
import {
  agentSpiffeId,
  bundleEndpointUrl,
  entriesOf,
  relationshipsOf,
  serverSpiffeId,
  workloadsOf,
} from "./identities.ts";
import {
  appPaths,
  domainFolders,
  domainPaths,
  meshFolders,
  ports,
  processName,
  workloadFolders,
  workloadPaths,
} from "./layout.ts";
import { bootstrapProcess, contractProcess, inContainer, keysProcess, networkProcess } from "./containers.ts";
import type { DomainPlan, Folder, Host, Plan, Process } from "./plan.ts";
import { agentProcess, appProcess, controllerProcess, serverProcess, sidecarProcess } from "./processes.ts";
import { callsOf, edgePlan, sidecarPlan } from "./sidecars.ts";
import { appsOf, type Serving, slotNumbers, type SlotNumber } from "./slots.ts";

/**
 * The one list of processes, files, identities and edges that both runtimes render.
 *
 * @param serving who serves, where an operator decided otherwise than mesh.yaml
 */
export function plan(mesh: Mesh, host: Host, serving: Serving = {}): Plan {
  const domains = mesh.trustDomains.map((domain) => domainPlan({ mesh, host, serving }, domain));
  return {
    runtime: host.runtime,
    domains,
    processes: mesh.trustDomains.flatMap((domain, index) =>
      domainProcesses({ mesh, host, serving }, domain, domains[index]),
    ),
    folders: foldersOf({ mesh, host, serving }),
    edges: mesh.edges.map((edge) => edgePlan(mesh, host, edge)),
    ...(host.networks === undefined ? {} : { networks: host.networks }),
  };
}

interface Input {
  readonly mesh: Mesh;
  readonly host: Host;
  readonly serving: Serving;
}

function foldersOf({ mesh, host, serving }: Input): Folder[] {
  const folders = [
    ...meshFolders(host),
    ...mesh.trustDomains.flatMap((domain) => [
      ...domainFolders(host, domain, {
        sidecars: workloadsOf(mesh, domain).map(processName.sidecar),
        partners: mesh.trustDomains.filter(({ federatesWith }) => federatesWith.includes(domain.domain)),
      }),
      ...workloadsOf(mesh, domain).flatMap((workload) =>
        workloadFolders(host, domain, { workload, slots: slotsOf({ host, serving }, workload) }),
      ),
    ]),
  ];
  if (host.runtime === "native") return folders;
  // In a container the others are made by mounting what lies in them.
  const unused = new Set(mesh.workloads.flatMap((workload) => unusedFolders(mesh, host, workload)));
  return folders.filter(({ path, mounts }) => mounts !== undefined && !unused.has(path));
}

/** A sidecar's container that runs gets no other folders: it has those of both slots from its start. */
function slotsOf({ host, serving }: Omit<Input, "mesh">, workload: Workload): readonly SlotNumber[] {
  return host.runtime === "native" ? appsOf(workload, serving).map(({ slot }) => slot) : slotNumbers;
}

/** Folders of sockets that nobody makes. */
function unusedFolders(mesh: Mesh, host: Host, workload: Workload): string[] {
  const { outboundDir } = workloadPaths(host, workload);
  return [
    ...(callsOf(mesh, workload).length === 0 ? [outboundDir] : []),
    ...(workload.app.listen === undefined ? [] : slotNumbers.map((slot) => appPaths(host, workload, slot).appDir)),
  ];
}

function domainPlan({ mesh, host, serving }: Input, domain: TrustDomain): DomainPlan {
  const paths = domainPaths(host, domain);
  const address = domainAddress(host, domain, processName.server(domain));
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
        ...bundleEndpointOf(host, domain),
        url: bundleEndpointUrl(host, domain),
        spiffeId: serverSpiffeId(domain.domain),
        profile: "https_spiffe",
      },
    },
    agent: {
      process: processName.agent(domain),
      socket: paths.agentSocket,
      health: { host: domainAddress(host, domain, processName.agent(domain)), port: ports.agentHealth },
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
    sidecars: workloadsOf(mesh, domain).map((workload) =>
      sidecarPlan(mesh, host, domain, { workload, apps: appsOf(workload, serving) }),
    ),
  };
}

function domainProcesses(
  { mesh, host, serving }: Input,
  domain: TrustDomain,
  built: DomainPlan | undefined,
): Process[] {
  const workloads = workloadsOf(mesh, domain);
  const processes = [
    serverProcess(host, domain),
    agentProcess(host, domain),
    ...workloads.flatMap((workload) => {
      const sidecar = built?.sidecars.find((candidate) => candidate.workload === workload.name);
      if (sidecar === undefined) throw new Error(`no sidecar is planned for ${workload.name}`);
      const apps = appsOf(workload, serving).map((app) => appProcess(mesh, host, app));
      return [sidecarProcess(host, domain, workload, sidecar), ...apps];
    }),
    controllerProcess(host, domain, workloads),
  ];
  if (host.runtime === "native") return processes;
  const ofWorkload = (process: Process): Workload | undefined =>
    workloads.find(({ name }) => name === process.workload);
  return [
    keysProcess(host, domain),
    bootstrapProcess(host, domain),
    ...workloads.filter(({ app }) => app.listen !== undefined).map((workload) => networkProcess(host, workload)),
    ...processes.map((process) => inContainer(host, domain, process, ofWorkload(process))),
    ...workloads.filter((one) => appsOf(one, serving).length > 1).map((one) => contractProcess(host, one)),
  ];
}
