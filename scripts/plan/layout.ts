// Where everything lies on the native runtime and who may touch it: names → paths, users and folders. Pure.

import type { TrustDomain, Workload } from "../model/mesh.ts";
import type { Folder, Host, User } from "./plan.ts";

/** Names of processes, the same everywhere: Compose, `ps`, logs, files, Envoy's node id. */
export const processName = {
  server: (domain: TrustDomain): string => `spire-server-${domain.name}`,
  agent: (domain: TrustDomain): string => `spire-agent-${domain.name}`,
  controller: (domain: TrustDomain): string => `controller-${domain.name}`,
  sidecar: (workload: Workload): string => `${workload.name}-sidecar`,
  app: (workload: Workload): string => workload.name,
};

/** Ports, the same on both runtimes. A workload's inbound port is the host's choice, from 9443 upwards. */
export const ports = { serverApi: 8081, serverHealth: 8082, agentHealth: 8083, bundleEndpoint: 8443 } as const;

/** The numeric user of a process; with one user for all, that one. */
export function uidOf(host: Host, process: string): number {
  if ("self" in host.users) return host.users.self.uid;
  const uid = host.users.assigned[process];
  if (uid === undefined) throw new Error(`no user id is assigned to ${process}`);
  return uid;
}

/** A process's own group has the number of its user, so that folders can be shared with exactly one other process. */
export function gidOf(host: Host, process: string): number {
  return "self" in host.users ? host.users.self.gid : uidOf(host, process);
}

export function userOf(host: Host, process: string, sharesWith: readonly string[] = []): User {
  const groups = "self" in host.users ? [] : sharesWith.map((other) => gidOf(host, other));
  return { uid: uidOf(host, process), gid: gidOf(host, process), groups };
}

export function domainPaths(host: Host, domain: TrustDomain) {
  const server = processName.server(domain);
  const agent = processName.agent(domain);
  const controller = processName.controller(domain);
  return {
    serverConfig: `${host.runDir}/config/${server}/server.conf`,
    serverData: `${host.dataDir}/${server}`,
    adminSocket: `${host.runDir}/${server}/api.sock`,
    agentCaBundle: `${host.runDir}/config/${server}/agent-ca.pem`,
    agentConfig: `${host.runDir}/config/${agent}/agent.conf`,
    agentData: `${host.runDir}/${agent}/data`,
    agentSocket: `${host.runDir}/${agent}/public/agent.sock`,
    agentCertificate: `${host.runDir}/${agent}/data/x509pop.crt.pem`,
    agentPrivateKey: `${host.runDir}/${agent}/data/x509pop.key.pem`,
    controllerSocket: `${host.runDir}/${controller}/controller.sock`,
    controllerPlan: `${host.runDir}/${controller}/plan.json`,
    controllerCompileCache: `${host.runDir}/${controller}/compile-cache`,
    bundleFile: `${host.runDir}/bundles/${domain.name}/bundle.json`,
  };
}

export function workloadPaths(host: Host, workload: Workload) {
  const sidecar = processName.sidecar(workload);
  return {
    bootstrap: `${host.runDir}/config/${sidecar}/bootstrap.yaml`,
    adminSocket: `${host.runDir}/${sidecar}/admin/admin.sock`,
    dynamicDir: `${host.runDir}/${sidecar}/xds`,
    outboundSocket: (callee: string): string => `${host.runDir}/${sidecar}/outbound/${callee}.sock`,
    appSocket: `${host.runDir}/${processName.app(workload)}/app.sock`,
  };
}

const own = 0o700;
/** The owner writes, one other process's group enters; setgid hands that group to every socket made inside. */
const shared = 0o2750;
const passage = 0o711;
const readable = 0o755;

/**
 * Folders of one trust domain. A Unix socket can be opened by whoever may enter its folder, so the folders are the
 * access control: the admin socket of SPIRE Server for its controller alone, the agent's socket for sidecars alone.
 */
export function domainFolders(host: Host, domain: TrustDomain): Folder[] {
  const server = processName.server(domain);
  const agent = processName.agent(domain);
  const controller = processName.controller(domain);
  const owned = folderMaker(host);
  return [
    owned(`${host.dataDir}/${server}`, server, server, own, true),
    owned(`${host.runDir}/${server}`, server, controller, shared),
    owned(`${host.runDir}/${agent}`, null, null, passage),
    owned(`${host.runDir}/${agent}/data`, agent, agent, own),
    owned(`${host.runDir}/${agent}/public`, agent, agent, shared),
    owned(`${host.runDir}/${controller}`, controller, controller, shared),
    owned(`${host.runDir}/bundles/${domain.name}`, controller, controller, readable),
    owned(`${host.runDir}/config/${server}`, null, null, readable),
    owned(`${host.runDir}/config/${agent}`, null, null, readable),
  ];
}

/** Folders of one workload: the app and its sidecar meet in two, the controller and the sidecar in two others. */
export function workloadFolders(host: Host, domain: TrustDomain, workload: Workload): Folder[] {
  const sidecar = processName.sidecar(workload);
  const app = processName.app(workload);
  const controller = processName.controller(domain);
  const owned = folderMaker(host);
  return [
    owned(`${host.runDir}/${sidecar}`, null, null, passage),
    owned(`${host.runDir}/${sidecar}/admin`, sidecar, controller, shared),
    owned(`${host.runDir}/${sidecar}/xds`, controller, sidecar, shared),
    owned(`${host.runDir}/${sidecar}/outbound`, sidecar, app, shared),
    owned(`${host.runDir}/${app}`, app, sidecar, shared),
    owned(`${host.runDir}/config/${sidecar}`, null, null, readable),
  ];
}

export function meshFolders(host: Host): Folder[] {
  const owned = folderMaker(host);
  return [
    owned(host.runDir, null, null, passage),
    owned(`${host.runDir}/config`, null, null, readable),
    owned(`${host.runDir}/bundles`, null, null, readable),
    owned(host.dataDir, null, null, passage, true),
  ];
}

/** `null` stands for whoever runs the command: root, or the one user. */
function folderMaker(host: Host) {
  return (path: string, user: string | null, group: string | null, mode: number, durable = false): Folder => {
    const self = "self" in host.users ? host.users.self : { uid: 0, gid: 0 };
    const uid = user === null ? self.uid : uidOf(host, user);
    const gid = group === null ? self.gid : gidOf(host, group);
    return { path, owner: { uid, gid }, mode, durable };
  };
}
