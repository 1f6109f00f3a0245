// What each sidecar is told: who may call its app, whom its app calls, and how the peers are validated.

import type { Edge, Mesh, TrustDomain, Workload } from "../model/mesh.ts";
import { inboundAddress, pageAddress } from "./addresses.ts";
import { workloadNamed } from "./identities.ts";
import { appPaths, domainPaths, processName, workloadPaths } from "./layout.ts";
import type { AppEndpoint, EdgePlan, Host, Outbound, SidecarPlan, ValidationContext } from "./plan.ts";
import type { appsOf, SlottedApp } from "./slots.ts";

export function sidecarPlan(
  mesh: Mesh,
  host: Host,
  domain: TrustDomain,
  { workload, apps: [app, ...others] }: { readonly workload: Workload; readonly apps: ReturnType<typeof appsOf> },
): SidecarPlan {
  const paths = workloadPaths(host, workload);
  const inbound = inboundOf(mesh, host, domain, workload);
  return {
    workload: workload.name,
    process: processName.sidecar(workload),
    trustDomain: domain.domain,
    spiffeId: workload.spiffeId.uri,
    agentSocket: domainPaths(host, domain).agentSocket,
    adminSocket: paths.adminSocket,
    adminSocketMode: adminSocketMode(host),
    accessLog: "/dev/stdout",
    bootstrapFile: paths.bootstrap,
    dynamicDir: paths.dynamicDir,
    apps: [appEndpoint(host, app), ...others.map((other) => appEndpoint(host, other))],
    ...(inbound === undefined ? {} : { inbound }),
    outbound: callsOf(mesh, workload).map((edge) => outboundOf(mesh, host, workload, edge)),
    ...publishedAt(host, workload),
    maxConnectionSeconds: maxConnectionSeconds(domain.ttl.x509SvidSeconds),
  };
}

/**
 * For the controller, whose group the folder has, and not for the sidecar that owns it: otherwise an app could put a
 * symbolic link to it in place of its own socket, and have its sidecar publish its own admin interface.
 */
function adminSocketMode(host: Host): number {
  return "self" in host.users ? 0o600 : 0o060;
}

/**
 * Envoy keeps connections over an SVID rotation, so their age is the bound on how long a revoked peer is served: at
 * most half an SVID's life and five minutes. The caller's side ends first, so a request never meets a closing server.
 */
function maxConnectionSeconds(x509SvidSeconds: number): { inbound: number; outbound: number } {
  const inbound = Math.max(2, Math.min(300, Math.floor(x509SvidSeconds / 2)));
  return { inbound, outbound: Math.max(1, Math.floor(inbound * 0.8)) };
}

function inboundOf(mesh: Mesh, host: Host, domain: TrustDomain, workload: Workload): SidecarPlan["inbound"] {
  const callers = mesh.edges
    .filter(({ callee }) => callee === workload.name)
    .map(({ caller, rules }) => ({ workload: caller, spiffeId: workloadNamed(mesh, caller).spiffeId, rules }));
  if (callers.length === 0) return undefined;
  const federated = callers.some(({ spiffeId }) => spiffeId.trustDomain !== domain.domain);
  return {
    address: inboundAddress(mesh, host, workload),
    validationContext: federated ? "ALL" : "ROOTCA",
    callers: callers.map(({ workload: name, spiffeId, rules }) => ({ workload: name, spiffeId: spiffeId.uri, rules })),
  };
}

function outboundOf(mesh: Mesh, host: Host, workload: Workload, edge: Edge): Outbound {
  const callee = workloadNamed(mesh, edge.callee);
  return {
    callee: callee.name,
    socket: workloadPaths(host, workload).outboundSocket(callee.name),
    address: inboundAddress(mesh, host, callee),
    spiffeId: callee.spiffeId.uri,
    validationContext: validationOf(workload, callee),
    timeoutMs: edge.timeoutMs,
  };
}

/**
 * With `ALL`, another federated CA could answer in the callee's place: Envoy's SPIFFE validator takes the bundle of the
 * first URI SAN and its SAN match any of them, and no RBAC filter looks at a server's certificate. With the bundle of
 * the callee's trust domain alone it cannot (docs/decisions/0003-validation.md).
 */
function validationOf(caller: Workload, callee: Workload): ValidationContext {
  const { trustDomain } = callee.spiffeId;
  return caller.spiffeId.trustDomain === trustDomain ? "ROOTCA" : `spiffe://${trustDomain}`;
}

function publishedAt(host: Host, workload: Workload): Pick<SidecarPlan, "published"> {
  const { publish } = workload;
  if (publish === undefined) return {};
  const address = pageAddress(host, workload);
  const listen = address === undefined ? {} : { listen: { host: address, port: publish.port } };
  return { published: { ...publish, ...listen } };
}

function appEndpoint(host: Host, { slot, workload, weight }: SlottedApp): AppEndpoint {
  const address = workload.app.listen ?? { socket: appPaths(host, workload, slot).appSocket };
  return { slot, address, health: workload.app.health, weight };
}

export function callsOf(mesh: Mesh, workload: Workload): Edge[] {
  return mesh.edges.filter(({ caller }) => caller === workload.name);
}

/** An edge as observers see it: who, whom, through which socket, and the request that proves it. */
export function edgePlan(mesh: Mesh, host: Host, edge: Edge): EdgePlan {
  const caller = workloadNamed(mesh, edge.caller);
  const callee = workloadNamed(mesh, edge.callee);
  const probe = edge.rules.find(({ method, path }) => method === "GET" && !path.includes("*"));
  return {
    caller: { workload: caller.name, trustDomain: caller.spiffeId.trustDomain, spiffeId: caller.spiffeId.uri },
    callee: { workload: callee.name, trustDomain: callee.spiffeId.trustDomain, spiffeId: callee.spiffeId.uri },
    socket: workloadPaths(host, caller).outboundSocket(callee.name),
    ...(probe === undefined ? {} : { probePath: probe.path }),
  };
}
