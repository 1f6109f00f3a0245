// What is different about processes that run in containers: two one-shots per trust domain do what natively `./mesh up`
// does before and between, and Compose starts everything in the order of `after`.

import type { TrustDomain, Workload } from "../model/mesh.ts";
import { domainPaths, processName, userOf } from "./layout.ts";
import type { Host, Process } from "./plan.ts";

/** Makes the agent's key and certificate, and the CA by which the server knows them; before the server starts. */
export function keysProcess(host: Host, domain: TrustDomain): Process {
  return oneShot(host, domain, {
    name: processName.keys(domain),
    role: "keys",
    program: "keys.ts",
    // The server's user writes into the server's data; the agent reads its key by its group.
    user: userOf(host, processName.server(domain), [processName.agent(domain)]),
  });
}

/** Introduces the trust domain to its partners and has everything written that its agent and sidecars first ask for. */
export function bootstrapProcess(host: Host, domain: TrustDomain): Process {
  return oneShot(host, domain, {
    name: processName.bootstrap(domain),
    role: "bootstrap",
    program: "bootstrap.ts",
    user: userOf(host, processName.controller(domain)),
  });
}

function oneShot(
  host: Host,
  domain: TrustDomain,
  { program, ...given }: Pick<Process, "name" | "role" | "user"> & { readonly program: string },
): Process {
  const { startPlan } = domainPaths(host, domain);
  return {
    ...given,
    trustDomain: domain.domain,
    command: [host.tools.node, `${host.repositoryDir}/scripts/control/${program}`, startPlan, domain.domain],
    env: {},
    workingDir: "/",
    files: [startPlan],
    sockets: [],
    listens: [],
    after: [],
  };
}

/** Holds a network namespace and does nothing. */
export function networkProcess(host: Host, workload: Workload): Process {
  const name = processName.network(workload);
  return idle(workload, { name, role: "network", user: userOf(host, name) });
}

/**
 * Asks an app in either slot what the contract asks, from where its sidecar would: by the sidecar's group, and with its
 * addresses where the app can only do TCP. What is asked is a program started in it (control/prober.ts).
 */
export function contractProcess(host: Host, workload: Workload): Process {
  const name = processName.contract(workload);
  return idle(workload, { name, role: "contract", user: userOf(host, name, [processName.sidecar(workload)]) });
}

/** Is there for what others do in it. */
function idle(workload: Workload, { name, role, user }: Pick<Process, "name" | "role" | "user">): Process {
  return {
    name,
    role,
    trustDomain: workload.spiffeId.trustDomain,
    workload: workload.name,
    user,
    command: ["sleep", "infinity"],
    env: {},
    workingDir: "/",
    files: [],
    sockets: [],
    listens: [],
    after: [],
  };
}

/** The image has the environment; SPIRE's configuration names the mesh's subnet by a variable. */
export function inContainer(host: Host, domain: TrustDomain, process: Process, workload?: Workload): Process {
  const { PATH: _path, NODE_COMPILE_CACHE: _cache, ...env } = process.env;
  const isSpire = process.role === "spire-server" || process.role === "spire-agent";
  const command = isSpire ? [...process.command, "-expandEnv"] : process.command;
  const files = process.role === "controller" ? [domainPaths(host, domain).startPlan] : process.files;
  const after = [...order(domain, process.role), ...(workload === undefined ? [] : afterNetwork(workload))];
  return { ...process, env, command, files, after };
}

/**
 * Who waits for whom: a server for its agents' CA, which it reads when it starts; agents and sidecars for what they first
 * ask for. Everything else starts at once and waits by itself for what it needs.
 */
function order(domain: TrustDomain, role: Process["role"]): Process["after"] {
  switch (role) {
    case "spire-server":
      return [{ process: processName.keys(domain), until: "completed" }];
    case "spire-agent":
    case "sidecar":
      return [{ process: processName.bootstrap(domain), until: "completed" }];
    default:
      return [];
  }
}

function afterNetwork(workload: Workload): Process["after"] {
  return workload.app.listen === undefined ? [] : [{ process: processName.network(workload), until: "started" }];
}
