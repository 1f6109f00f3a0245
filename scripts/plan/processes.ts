// The process list: what is started, as whom, after what, and what proves that it is ready.

import type { App, HostPort, Mesh, TrustDomain, Workload } from "../model/mesh.ts";
import { bundleEndpointOf, domainAddress } from "./addresses.ts";
import { appPaths, domainPaths, ports, processName, userOf, workloadPaths } from "./layout.ts";
import type { Host, Process, SidecarPlan } from "./plan.ts";
import { callsOf } from "./sidecars.ts";
import type { SlottedApp } from "./slots.ts";

/** Processes every child finds by name; nothing of the caller's environment is handed on. */
/** PATH of every process. */
export const childPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** It idles for days: no optimising compilers and a small nursery. Measured: 125 MB resident without, 73 MB with. */
export const leanNode = ["--no-opt", "--no-maglev", "--no-sparkplug", "--max-semi-space-size=1"];

/** Node's own watch mode: it starts the app again when a file that it has loaded changes. Its log is no terminal. */
const watching = ["--watch", "--watch-preserve-output"];

export function serverProcess(host: Host, domain: TrustDomain): Process {
  const name = processName.server(domain);
  const paths = domainPaths(host, domain);
  const address = domainAddress(host, domain, name);
  const health = { host: address, port: ports.serverHealth };
  return {
    name,
    role: "spire-server",
    trustDomain: domain.domain,
    user: userOf(host, name),
    command: [host.tools.spireServer, "run", "-config", paths.serverConfig],
    env: { PATH: childPath },
    workingDir: paths.serverData,
    files: [paths.serverConfig],
    sockets: [paths.adminSocket],
    listens: [{ host: address, port: ports.serverApi }, bundleEndpointOf(host, domain), health],
    after: [],
    ready: { kind: "http", address: health, path: "/ready" },
  };
}

export function agentProcess(host: Host, domain: TrustDomain): Process {
  const name = processName.agent(domain);
  const paths = domainPaths(host, domain);
  const health = { host: domainAddress(host, domain, name), port: ports.agentHealth };
  return {
    name,
    role: "spire-agent",
    trustDomain: domain.domain,
    user: userOf(host, name),
    command: [host.tools.spireAgent, "run", "-config", paths.agentConfig],
    env: { PATH: childPath },
    workingDir: paths.agentData,
    files: [paths.agentConfig],
    sockets: [paths.agentSocket],
    listens: [health],
    after: [{ process: processName.server(domain), until: "ready" }],
    ready: { kind: "http", address: health, path: "/ready" },
  };
}

export function controllerProcess(host: Host, domain: TrustDomain, workloads: readonly Workload[]): Process {
  const name = processName.controller(domain);
  const paths = domainPaths(host, domain);
  return {
    name,
    role: "controller",
    trustDomain: domain.domain,
    // Its apps' groups open the sidecars' outbound sockets, so that it can probe an edge as its app would use it.
    user: userOf(
      host,
      name,
      workloads.map((workload) => processName.app(workload)),
    ),
    command: [
      host.tools.node,
      ...leanNode,
      `${host.repositoryDir}/scripts/control/main.ts`,
      paths.startPlan,
      domain.domain,
    ],
    env: { PATH: childPath, NODE_COMPILE_CACHE: paths.controllerCompileCache },
    workingDir: "/",
    files: [],
    sockets: [paths.controllerSocket],
    listens: [],
    after: [{ process: processName.server(domain), until: "ready" }],
    ready: { kind: "http-unix", socket: paths.controllerSocket, path: "/health" },
  };
}

export function sidecarProcess(host: Host, domain: TrustDomain, workload: Workload, sidecar: SidecarPlan): Process {
  const agent = processName.agent(domain);
  const page = sidecar.published?.listen ?? sidecar.published;
  const listens = [sidecar.inbound?.address, page].filter((address) => address !== undefined);
  const validation = [sidecar.inbound, ...sidecar.outbound].flatMap((end) => end?.validationContext ?? []);
  return {
    name: sidecar.process,
    role: "sidecar",
    trustDomain: domain.domain,
    workload: workload.name,
    user: userOf(host, sidecar.process, [agent]),
    command: [
      host.tools.envoy,
      "--config-path",
      sidecar.bootstrapFile,
      "--concurrency",
      "1",
      "--disable-hot-restart",
      "--reject-unknown-dynamic-fields",
      "--log-level",
      "warning",
      // A refusal is in the log within a second.
      "--file-flush-interval-msec",
      "1000",
      "--drain-time-s",
      "2",
    ],
    env: { PATH: childPath },
    workingDir: "/",
    files: [sidecar.bootstrapFile],
    sockets: [sidecar.adminSocket, ...sidecar.outbound.map(({ socket }) => socket)],
    listens,
    after: [{ process: agent, until: "ready" }],
    ready: {
      kind: "sidecar",
      adminSocket: sidecar.adminSocket,
      // A sidecar without edges asks for no secret.
      secrets: validation.length === 0 ? [] : [sidecar.spiffeId, ...new Set(validation)],
    },
  };
}

/** The process of one slot. */
export function appProcess(mesh: Mesh, host: Host, { slot, workload }: SlottedApp): Process {
  const name = processName.app(workload, slot);
  const paths = { ...workloadPaths(host, workload), ...appPaths(host, workload, slot) };
  const listen = workload.app.listen;
  const upstreams = callsOf(mesh, workload).map(({ callee }) => [
    upstreamVariable(callee),
    `unix:${paths.outboundSocket(callee)}`,
  ]);
  return {
    name,
    role: "app",
    trustDomain: workload.spiffeId.trustDomain,
    workload: workload.name,
    // By the workload's own group it opens the sidecar's outbound sockets, in whichever slot it is.
    user: userOf(host, name, slot === 1 ? [] : [processName.app(workload)]),
    command: appCommand(host, workload.app),
    env: {
      PATH: childPath,
      LISTEN: listen === undefined ? `unix:${paths.appSocket}` : hostPort(listen),
      ...Object.fromEntries(upstreams),
    },
    workingDir: appWorkingDir(host, name, workload.app),
    ...(workload.app.kind === "image" ? { image: workload.app.image } : {}),
    ...(workload.app.build === undefined ? {} : { build: workload.app.build }),
    files: [],
    sockets: listen === undefined ? [paths.appSocket] : [],
    listens: listen === undefined ? [] : [listen],
    after: [],
    ready:
      listen === undefined
        ? { kind: "http-unix", socket: paths.appSocket, path: workload.app.health }
        : { kind: "http", address: listen, path: workload.app.health },
  };
}

/** `UPSTREAM_<NAME>` of the app contract (docs/app-contract.md). */
export function upstreamVariable(callee: string): string {
  return `UPSTREAM_${callee.toUpperCase().replaceAll("-", "_")}`;
}

function appCommand(host: Host, app: App): readonly string[] {
  const entry = app.kind === "node" ? `${host.repositoryDir}/${app.entry}` : "";
  if (app.kind === "node") return [host.tools.node, ...(app.watch === true ? watching : []), entry];
  return app.kind === "command" ? app.command : [];
}

function appWorkingDir(host: Host, process: string, app: App): string {
  const copy = host.appDirs?.[process];
  if (copy !== undefined) return copy;
  return app.workingDir === undefined ? host.repositoryDir : `${host.repositoryDir}/${app.workingDir}`;
}

function hostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
