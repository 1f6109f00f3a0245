// Where processes are reached. Natively a trust domain has one address for all of them; on docker each process has its
// own in every network that it joins, and listens there and nowhere else.

import type { HostPort, Mesh, TrustDomain, Workload } from "../model/mesh.ts";
import { ports, processName } from "./layout.ts";
import type { Host, Network } from "./plan.ts";

/** SPIRE Server and Agent for their own trust domain. */
export function domainAddress(host: Host, domain: TrustDomain, process: string): string {
  return addressIn(host, domain, { process, kind: "trust-domain" });
}

/** SPIRE Server's bundle endpoint, for partners where there are any. */
export function bundleEndpointOf(host: Host, domain: TrustDomain): HostPort {
  const kind = domain.federatesWith.length === 0 ? "trust-domain" : "federation";
  return {
    host: addressIn(host, domain, { process: processName.server(domain), kind }),
    port: ports.bundleEndpoint,
  };
}

/** A sidecar for its callers. */
export function inboundAddress(mesh: Mesh, host: Host, workload: Workload): HostPort {
  const domain = mesh.trustDomains.find(({ domain: name }) => name === workload.spiffeId.trustDomain);
  const port = host.inboundPorts[workload.name];
  if (domain === undefined || port === undefined) throw new Error(`no inbound address is assigned to ${workload.name}`);
  const process = networkHolder(workload);
  return { host: addressIn(host, domain, { process, kind: meetingPlace(mesh, workload) }), port };
}

/** The network in which a workload is called: between trust domains only where a caller is of another one. */
export function meetingPlace(mesh: Mesh, callee: Workload): "trust-domain" | "federation" {
  const callers = mesh.edges.filter((edge) => edge.callee === callee.name).map(({ caller }) => caller);
  const isForeign = mesh.workloads.some(
    ({ name, spiffeId }) => callers.includes(name) && spiffeId.trustDomain !== callee.spiffeId.trustDomain,
  );
  return isForeign ? "federation" : "trust-domain";
}

function addressIn(
  host: Host,
  { domain }: TrustDomain,
  { process, kind }: { readonly process: string; readonly kind: Network["kind"] },
): string {
  const networks = host.networks?.filter((network) => network.kind === kind);
  const address = networks === undefined ? host.addresses[domain] : memberAddress(networks, process);
  if (address === undefined) throw new Error(`no address is assigned to ${process}`);
  return address;
}

function memberAddress(networks: readonly Network[], process: string): string | undefined {
  return networks.map(({ members }) => members[process]).find((address) => address !== undefined);
}

/** Where a sidecar listens for people, when that is not where they reach it. */
export function pageAddress(host: Host, workload: Workload): string | undefined {
  const pages = host.networks?.filter(({ kind }) => kind === "page") ?? [];
  return memberAddress(pages, networkHolder(workload));
}

/**
 * Whose addresses a workload's sidecar has on docker. An app that can only do TCP shares the sidecar's network namespace, and
 * is not to lose it when the sidecar is started anew: so a third process holds it.
 */
export function networkHolder(workload: Workload): string {
  return workload.app.listen === undefined ? processName.sidecar(workload) : processName.network(workload);
}
