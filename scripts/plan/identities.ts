// Identities of one trust domain in SPIRE's own kinds: ClusterStaticEntry and ClusterFederatedTrustDomain
// (spire.spiffe.io/v1alpha1). Derived from the mesh alone; trust/reconcile.ts makes SPIRE Server agree with them.

import type { Mesh, TrustDomain, Workload } from "../model/mesh.ts";
import { bundleEndpointOf } from "./addresses.ts";
import { domainPaths, processName, uidOf } from "./layout.ts";
import type { FederatedTrustDomain, Host, StaticEntry } from "./plan.ts";

/** SPIFFE ID that a SPIRE Server presents at its bundle endpoint, profile `https_spiffe`. */
export function serverSpiffeId(domain: string): string {
  return `spiffe://${domain}/spire/server`;
}

/** Known before the agent starts and kept over new keys: `agent_path_template` takes the certificate's common name. */
export function agentSpiffeId(domain: TrustDomain): string {
  return `spiffe://${domain.domain}/spire/agent/x509pop/${processName.agent(domain)}`;
}

/** Where partners fetch this domain's bundle, inside the mesh. */
export function bundleEndpointUrl(host: Host, domain: TrustDomain): string {
  const { host: address, port } = bundleEndpointOf(host, domain);
  return `https://${address}:${port}`;
}

/**
 * One entry per workload, for its sidecar: the app beside it has another user and so no SVID. `federatesWith` holds
 * just the trust domains on the other end of its edges, so a sidecar holds no bundle that it does not need.
 */
export function entriesOf(mesh: Mesh, host: Host, domain: TrustDomain): StaticEntry[] {
  return workloadsOf(mesh, domain).map((workload) => ({
    name: workload.name,
    spiffeID: workload.spiffeId.uri,
    parentID: agentSpiffeId(domain),
    selectors: [`unix:uid:${uidOf(host, processName.sidecar(workload))}`],
    federatesWith: peerDomains(mesh, workload),
    x509SVIDTTLSeconds: domain.ttl.x509SvidSeconds,
  }));
}

/** This domain fetches the bundle of every domain that it federates with. */
export function relationshipsOf(mesh: Mesh, host: Host, domain: TrustDomain): FederatedTrustDomain[] {
  return domain.federatesWith.map((partner) => {
    const other = mesh.trustDomains.find(({ domain: name }) => name === partner);
    if (other === undefined)
      throw new Error(`${domain.domain} federates with ${partner}, which the mesh does not have`);
    return {
      name: other.name,
      trustDomain: other.domain,
      bundleEndpointURL: bundleEndpointUrl(host, other),
      bundleEndpointProfile: { type: "https_spiffe", endpointSPIFFEID: serverSpiffeId(other.domain) },
      bootstrapBundleFile: domainPaths(host, other).bundleFile,
    };
  });
}

export function workloadsOf(mesh: Mesh, domain: TrustDomain): Workload[] {
  return mesh.workloads.filter(({ spiffeId }) => spiffeId.trustDomain === domain.domain);
}

export function workloadNamed(mesh: Mesh, name: string): Workload {
  const workload = mesh.workloads.find((candidate) => candidate.name === name);
  if (workload === undefined) throw new Error(`the mesh has no workload ${name}`);
  return workload;
}

function peerDomains(mesh: Mesh, workload: Workload): string[] {
  const peers = mesh.edges.flatMap(({ caller, callee }) => {
    if (caller === workload.name) return [workloadNamed(mesh, callee).spiffeId.trustDomain];
    if (callee === workload.name) return [workloadNamed(mesh, caller).spiffeId.trustDomain];
    return [];
  });
  return [...new Set(peers)].filter((peer) => peer !== workload.spiffeId.trustDomain).toSorted();
}
