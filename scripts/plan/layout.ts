// Where everything lies and who may touch it: names → paths, users and folders. Pure.

import type { TrustDomain, Workload } from "../model/mesh.ts";
import type { Folder, Host, User } from "./plan.ts";
import type { SlotNumber } from "./slots.ts";

/** Names of processes, the same everywhere: Compose, `ps`, logs, files, Envoy's node id. */
export const processName = {
  server: (domain: TrustDomain): string => `spire-server-${domain.name}`,
  agent: (domain: TrustDomain): string => `spire-agent-${domain.name}`,
  keys: (domain: TrustDomain): string => `spire-keys-${domain.name}`,
  bootstrap: (domain: TrustDomain): string => `spire-bootstrap-${domain.name}`,
  controller: (domain: TrustDomain): string => `controller-${domain.name}`,
  sidecar: (workload: Workload): string => `${workload.name}-sidecar`,
  app: (workload: Pick<Workload, "name">, slot: SlotNumber = 1): string =>
    slot === 1 ? workload.name : `${workload.name}-slot-${slot}`,
  network: (workload: Workload): string => `${workload.name}-network`,
  contract: (workload: Pick<Workload, "name">): string => `${workload.name}-contract`,
};

/** Beside the plan that a controller in a container starts from: what it starts from while a swap lasts. */
export const swappedPlanName = "swapped.json";

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
  const config = (process: string): string =>
    host.configDir === undefined ? `${host.runDir}/config/${process}` : `${host.configDir}/spire/${domain.domain}`;
  const serverData = `${host.dataDir}/${server}`;
  const agentData = `${host.runDir}/${agent}/data`;
  const controllerPlan = `${host.runDir}/${controller}/plan.json`;
  const agentKey = host.keyDir === undefined ? agentData : `${host.keyDir}/${agent}`;
  return {
    serverConfig: `${config(server)}/server.conf`,
    serverData,
    adminSocket: `${host.runDir}/${server}/api.sock`,
    agentCaBundle: `${host.keyDir === undefined ? config(server) : serverData}/agent-ca.pem`,
    agentConfig: `${config(agent)}/agent.conf`,
    agentData,
    agentSocket: `${host.runDir}/${agent}/public/agent.sock`,
    agentKey,
    agentCertificate: `${agentKey}/x509pop.crt.pem`,
    agentPrivateKey: `${agentKey}/x509pop.key.pem`,
    controllerSocket: `${host.runDir}/${controller}/controller.sock`,
    controllerPlan,
    /** What the controller starts from. */
    startPlan: host.configDir === undefined ? controllerPlan : `${config(controller)}/plan.json`,
    controllerCompileCache: `${host.runDir}/${controller}/compile-cache`,
    bundleFile: `${host.runDir}/bundles/${domain.name}/bundle.json`,
  };
}

export function workloadPaths(host: Host, workload: Workload) {
  const sidecar = processName.sidecar(workload);
  const config =
    host.configDir === undefined ? `${host.runDir}/config/${sidecar}` : `${host.configDir}/envoy/${workload.name}`;
  const outboundDir = `${host.runDir}/${sidecar}/outbound`;
  return {
    bootstrap: `${config}/bootstrap.yaml`,
    adminSocket: `${host.runDir}/${sidecar}/admin/admin.sock`,
    dynamicDir: `${host.runDir}/${sidecar}/xds`,
    outboundDir,
    outboundSocket: (callee: string): string => `${outboundDir}/${callee}.sock`,
  };
}

export function appPaths(host: Host, workload: Workload, slot: SlotNumber) {
  const appDir = `${host.runDir}/${processName.app(workload, slot)}`;
  return { appDir, appSocket: `${appDir}/app.sock` };
}

const own = 0o700;
/** The owner writes, one other process's group enters; setgid hands that group to every socket made inside. */
const shared = 0o2750;
const passage = 0o711;
const readable = 0o755;

/**
 * Folders of one trust domain. A Unix socket can be opened by whoever may enter its folder, so the folders are the
 * access control: the admin socket of SPIRE Server for its controller alone, the agent's socket for sidecars alone.
 * On docker whoever is not named has not even the mount.
 */
export function domainFolders(host: Host, domain: TrustDomain, near: Neighbours): Folder[] {
  const server = processName.server(domain);
  const agent = processName.agent(domain);
  const controller = processName.controller(domain);
  const bootstrap = processName.bootstrap(domain);
  const keys = processName.keys(domain);
  const paths = domainPaths(host, domain);
  const owned = folderMaker(host);
  return [
    owned(paths.serverData, [server, server], own, { durable: true, writes: [keys] }),
    ...(host.keyDir === undefined ? [] : [owned(paths.agentKey, [keys, agent], shared, { durable: true })]),
    owned(`${host.runDir}/${server}`, [server, controller], shared, { reads: [bootstrap] }),
    owned(`${host.runDir}/${agent}`, null, passage),
    owned(paths.agentData, [agent, agent], own),
    owned(`${host.runDir}/${agent}/public`, [agent, agent], shared, { reads: near.sidecars }),
    owned(`${host.runDir}/${controller}`, [controller, controller], shared, { reads: [bootstrap] }),
    owned(`${host.runDir}/bundles/${domain.name}`, [controller, controller], readable, {
      writes: [bootstrap],
      reads: [
        agent,
        ...near.partners.flatMap((partner) => [processName.controller(partner), processName.bootstrap(partner)]),
      ],
    }),
    owned(`${host.runDir}/config/${server}`, null, readable),
    owned(`${host.runDir}/config/${agent}`, null, readable),
  ];
}

/** Who else has to do with a trust domain's folders. */
export interface Neighbours {
  readonly sidecars: readonly string[];
  readonly partners: readonly TrustDomain[];
}

/**
 * Folders of one workload: the app and its sidecar meet in two, the controller and the sidecar in two others. Each slot's
 * app has a folder for its own socket; the sidecar's outbound sockets are those of the workload, whichever slot serves.
 */
export function workloadFolders(
  host: Host,
  domain: TrustDomain,
  { workload, slots }: { readonly workload: Workload; readonly slots: readonly SlotNumber[] },
): Folder[] {
  const sidecar = processName.sidecar(workload);
  const apps = slots.map((slot) => processName.app(workload, slot));
  const app = processName.app(workload);
  const controller = processName.controller(domain);
  const owned = folderMaker(host);
  return [
    owned(`${host.runDir}/${sidecar}`, null, passage),
    owned(`${host.runDir}/${sidecar}/admin`, [sidecar, controller], shared),
    owned(`${host.runDir}/${sidecar}/xds`, [controller, sidecar], shared),
    owned(`${host.runDir}/${sidecar}/outbound`, [sidecar, app], shared, { reads: [controller, ...apps] }),
    ...slots.map((slot) =>
      owned(appPaths(host, workload, slot).appDir, [processName.app(workload, slot), sidecar], shared, {
        // What is left of a socket it removes, as the app's user.
        writes: [processName.contract(workload)],
      }),
    ),
    owned(`${host.runDir}/config/${sidecar}`, null, readable),
  ];
}

export function meshFolders(host: Host): Folder[] {
  const owned = folderMaker(host);
  return [
    owned(host.runDir, null, passage),
    owned(`${host.runDir}/config`, null, readable),
    owned(`${host.runDir}/bundles`, null, readable),
    owned(host.dataDir, null, passage, { durable: true }),
  ];
}

/** Processes that natively enter by another group, or because everybody may. On docker they are named. */
interface FolderOptions {
  readonly durable?: boolean;
  readonly writes?: readonly string[];
  readonly reads?: readonly string[];
}

/** `null` in place of owner and group stands for whoever runs the command: root, or the one user. */
function folderMaker(host: Host) {
  return (
    path: string,
    owned: readonly [owner: string, group: string] | null,
    mode: number,
    { durable = false, writes = [], reads = [] }: FolderOptions = {},
  ): Folder => {
    const self = "self" in host.users ? host.users.self : { uid: 0, gid: 0 };
    if (owned === null) return { path, owner: { uid: self.uid, gid: self.gid }, mode, durable };
    const [owner, group] = owned;
    const folder = { path, owner: { uid: uidOf(host, owner), gid: gidOf(host, group) }, mode, durable };
    if (host.runtime === "native") return folder;
    const read = Object.fromEntries([group, ...reads].map((process) => [process, "read" as const]));
    const write = Object.fromEntries([owner, ...writes].map((process) => [process, "write" as const]));
    return { ...folder, mounts: { ...read, ...write } };
  };
}
