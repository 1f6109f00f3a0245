// The machine that plan() is given for the docker runtime: the same paths in every container, a user per process, and
// networks that draw the trust boundaries. A name alone decides a process's number, so that a mesh that grows moves
// nobody. Pure.

import { createHash } from "node:crypto";

import type { Mesh, TrustDomain, Workload } from "../model/mesh.ts";
import { meetingPlace, networkHolder } from "./addresses.ts";
import { workloadNamed, workloadsOf } from "./identities.ts";
import { processName } from "./layout.ts";
import type { Host, Network } from "./plan.ts";

/** First two numbers of every address of the mesh, unless the variable MESH_SUBNET says otherwise. */
export const defaultSubnet = "10.199";

/**
 * Users of containers: numbers that neither distributions nor login managers give away (systemd, "Users, Groups, UIDs and
 * GIDs on systemd Systems": unused), small enough for rootless engines. The image knows them too (Dockerfile).
 */
export const containerUsers = { first: 60_706, count: 478 } as const;

const inboundPort = 9443;

/** `subnet` may also be a variable that Compose or SPIRE fills in. */
export function dockerHost(mesh: Mesh, { subnet = defaultSubnet }: { readonly subnet?: string } = {}): Host {
  return {
    runtime: "docker",
    repositoryDir: "/mesh",
    dataDir: "/var/lib/mesh/data",
    keyDir: "/var/lib/mesh/keys",
    runDir: "/run/mesh",
    configDir: "/etc/mesh",
    logDir: "/var/log/mesh",
    tools: {
      spireServer: "/opt/spire/bin/spire-server",
      spireAgent: "/opt/spire/bin/spire-agent",
      envoy: "envoy",
      node: "node",
    },
    addresses: {},
    networks: networksOf(mesh, subnet),
    inboundPorts: Object.fromEntries(mesh.workloads.map(({ name }) => [name, inboundPort])),
    users: { first: containerUsers.first, assigned: usersOf(mesh) },
  };
}

function usersOf(mesh: Mesh): Record<string, number> {
  const lasting = [
    ...mesh.trustDomains.flatMap((domain) => [
      processName.server(domain),
      processName.agent(domain),
      processName.controller(domain),
    ]),
    ...mesh.workloads.flatMap((workload) => [processName.sidecar(workload), processName.app(workload)]),
    ...mesh.workloads.filter(({ app }) => app.listen !== undefined).map(processName.network),
    // Last: who comes with a swap moves nobody.
    ...mesh.workloads.flatMap((workload) => [processName.app(workload, 2), processName.contract(workload)]),
  ];
  const numbers = numbered(lasting, containerUsers);
  // The one-shots prepare what is the server's and the controller's, as those.
  const oneShots = mesh.trustDomains.flatMap((domain) => [
    [processName.keys(domain), numbers[processName.server(domain)]] as const,
    [processName.bootstrap(domain), numbers[processName.controller(domain)]] as const,
  ]);
  return {
    ...numbers,
    ...Object.fromEntries(oneShots.flatMap(([name, uid]) => (uid === undefined ? [] : [[name, uid]]))),
  };
}

function networksOf(mesh: Mesh, subnet: string): Network[] {
  const byDomain = numbered(
    mesh.trustDomains.map(({ domain }) => domain),
    { first: 1, count: 99 },
  );
  const published = mesh.workloads.filter(({ publish }) => publish !== undefined);
  const byPage = numbered(
    published.map(({ name }) => name),
    { first: 100, count: 150 },
  );
  const federated = mesh.trustDomains.filter(({ federatesWith }) => federatesWith.length > 0);
  return [
    ...(federated.length === 0
      ? []
      : [
          network(
            { name: "federation", kind: "federation", subnet: `${subnet}.0` },
            federationMembers(mesh, federated),
          ),
        ]),
    ...mesh.trustDomains.map((domain) =>
      network(
        { name: `${domain.name}-internal`, kind: "trust-domain", subnet: `${subnet}.${byDomain[domain.domain]}` },
        domainMembers(mesh, domain),
      ),
    ),
    ...published.map((workload) =>
      network({ name: `${workload.name}-page`, kind: "page", subnet: `${subnet}.${byPage[workload.name]}` }, [
        networkHolder(workload),
      ]),
    ),
  ];
}

function federationMembers(mesh: Mesh, federated: readonly TrustDomain[]): string[] {
  return [...federated.map(processName.server), ...meeting(mesh, mesh.workloads, "federation")];
}

function domainMembers(mesh: Mesh, domain: TrustDomain): string[] {
  return [
    processName.server(domain),
    processName.agent(domain),
    processName.controller(domain),
    ...meeting(mesh, workloadsOf(mesh, domain), "trust-domain"),
  ];
}

/** Of these workloads those that are called, or call somebody, in a network of that kind. */
function meeting(mesh: Mesh, workloads: readonly Workload[], kind: "trust-domain" | "federation"): string[] {
  const meetsThere = ({ name }: Workload): boolean =>
    mesh.edges.some(
      ({ caller, callee }) =>
        (caller === name || callee === name) && meetingPlace(mesh, workloadNamed(mesh, callee)) === kind,
    );
  return workloads.filter(meetsThere).map(networkHolder);
}

/** A /24; `.1` is the engine's. */
function network({ subnet, ...given }: Omit<Network, "members">, members: readonly string[]): Network {
  const numbers = numbered(members, { first: 2, count: 250 });
  const addresses = Object.entries(numbers).map(([name, number]) => [name, `${subnet}.${number}`]);
  return { ...given, subnet: `${subnet}.0/24`, members: Object.fromEntries(addresses) };
}

/** A number for each name, by the name alone; where two names meet, the later one takes the next that is free. */
function numbered(
  names: readonly string[],
  { first, count }: { readonly first: number; readonly count: number },
): Record<string, number> {
  if (names.length > count) throw new Error(`there are ${names.length} names for ${count} numbers`);
  const taken = new Set<number>();
  return Object.fromEntries(
    names.map((name) => {
      let number = createHash("sha256").update(name).digest().readUInt32BE() % count;
      while (taken.has(number)) number = (number + 1) % count;
      taken.add(number);
      return [name, first + number];
    }),
  );
}
