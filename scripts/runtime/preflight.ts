// What must be true before the first process is started, found out before rather than in a log after.

import { readFileSync } from "node:fs";

import { MeshError, systemErrorCode } from "../errors.ts";
import type { HostPort, Mesh } from "../model/mesh.ts";
import { processName } from "../plan/layout.ts";
import type { Plan, Process } from "../plan/plan.ts";
import { nextRound } from "../wait.ts";
import { type Listener, bindProblem, listenerOn } from "./listening.ts";
import { type OtherMesh, meshOf } from "./mesh-of.ts";
import { shellWord } from "./state.ts";

/** sun_path of unix(7) holds 108 bytes with the terminating zero. */
const longestSocketPath = 107;

/** @throws MeshError MESH_STATE_INVALID naming the longest path */
export function checkSocketPaths(plan: Plan): void {
  const paths = plan.processes.flatMap(({ sockets }) => sockets);
  const [longest = ""] = paths.toSorted((one, other) => Buffer.byteLength(other) - Buffer.byteLength(one));
  const length = Buffer.byteLength(longest);
  if (length <= longestSocketPath) return;
  throw new MeshError(
    "MESH_STATE_INVALID",
    `a Unix socket's path may have ${longestSocketPath} bytes, and this has ${length}: ${longest}`,
    { fix: "set XDG_RUNTIME_DIR to a shorter folder of your own, or shorten the workloads' names in mesh.yaml" },
  );
}

interface Wanted {
  readonly address: HostPort;
  readonly process: Pick<Process, "name">;
}

/**
 * Binds each address that the description publishes once and lets go: what can be told before minutes go into tools.
 * `checkAddresses` looks again, at all that the plan has.
 *
 * @param options.ours addresses that this mesh may listen on itself; read when one is found to be taken
 * @throws MeshError MESH_PORT_TAKEN, MESH_ADDRESS_UNUSABLE
 */
export async function checkPages(
  mesh: Mesh,
  options: { readonly ours: () => Promise<readonly HostPort[]> },
): Promise<void> {
  await refuseProblems(
    mesh.workloads.map(async (workload) => {
      const { publish } = workload;
      const code = publish === undefined ? undefined : await lastingBindProblem(publish);
      if (publish === undefined || code === undefined) return undefined;
      // Not before: another ./mesh up may be bringing this mesh up meanwhile.
      if ((await options.ours()).some((address) => printed(address) === printed(publish))) return undefined;
      return describe({ address: publish, process: { name: processName.sidecar(workload) } }, code);
    }),
  );
}

/**
 * Binds each address of the plan once and lets go.
 *
 * @param options.ours addresses that running processes of this mesh listen on
 * @throws MeshError MESH_PORT_TAKEN by whom, as far as can be seen; MESH_ADDRESS_UNUSABLE
 */
export async function checkAddresses(plan: Plan, options: { readonly ours: readonly HostPort[] }): Promise<void> {
  const ours = new Set(options.ours.map(printed));
  const wanted = plan.processes
    .flatMap((process) => process.listens.map((address) => ({ address, process })))
    .filter(({ address }) => !ours.has(printed(address)));
  const firstFree = firstUnprivilegedPort();
  await refuseProblems(
    wanted.map(async (one) => {
      const privileged = one.address.port < firstFree && one.process.user.uid !== 0;
      const code = privileged ? "EACCES" : await lastingBindProblem(one.address);
      return code === undefined ? undefined : describe(one, code);
    }),
  );
}

/**
 * The same for containers, of which this machine sees the published pages alone. The engine binds them, whatever the port.
 *
 * @param options.running processes of this mesh that run
 * @throws MeshError MESH_PORT_TAKEN, MESH_ADDRESS_UNUSABLE
 */
export async function checkPublished(plan: Plan, options: { readonly running: ReadonlySet<string> }): Promise<void> {
  const wanted = plan.domains
    .flatMap(({ sidecars }) => sidecars)
    .flatMap(({ process: name, published }) => {
      const process = plan.processes.find((one) => one.name === name);
      return published === undefined || process === undefined ? [] : [{ address: published, process }];
    });
  await refuseProblems(
    wanted.map(async (one) => {
      const code = options.running.has(one.process.name) ? undefined : await lastingBindProblem(one.address);
      return code === undefined || code === "EACCES" ? undefined : describe(one, code);
    }),
  );
}

/** Another command that looks has the address for an instant, too: taken is what stays taken this long. */
const takenMs = 250;

async function lastingBindProblem(address: HostPort): Promise<string | undefined> {
  const begun = performance.now();
  for (;;) {
    const code = await bindProblem(address);
    if (code !== "EADDRINUSE" || performance.now() - begun > takenMs) return code;
    await nextRound(20, new AbortController().signal);
  }
}

async function refuseProblems(found: readonly Promise<Problem | undefined>[]): Promise<void> {
  const problems = await Promise.all(found);
  const [first, ...others] = problems.filter((problem) => problem !== undefined);
  if (first === undefined) return;
  throw new MeshError(first.code, first.message, { fix: first.fix, details: others.map(({ message }) => message) });
}

interface Problem {
  readonly code: "MESH_PORT_TAKEN" | "MESH_ADDRESS_UNUSABLE";
  readonly message: string;
  readonly fix: string;
}

async function describe({ address, process }: Wanted, code: string): Promise<Problem> {
  const what = `${printed(address)}, where ${process.name} is to listen,`;
  const another = "choose another address in mesh.yaml";
  if (code === "EADDRINUSE") {
    const listener = listenerOn(address);
    if (listener === undefined)
      return {
        code: "MESH_PORT_TAKEN",
        message: `${what} is taken by a process of another user`,
        fix: `see which: sudo ss -ltnp 'sport = :${address.port}'; end it, or ${another}`,
      };
    const mesh = await meshOf(listener.pid);
    if (mesh !== undefined) return takenByMesh({ what, another, listener, mesh });
    // To kill the engine's proxy would not end the container that it serves.
    if (/(?:^|\/)docker-proxy /.test(listener.command))
      return {
        code: "MESH_PORT_TAKEN",
        message: `${what} is published by a Docker container`,
        fix: `see which: docker ps --filter publish=${address.port}; end it, or ${another}`,
      };
    return {
      code: "MESH_PORT_TAKEN",
      message: `${what} is taken by pid ${listener.pid} of user ${listener.user}: ${listener.command}`,
      fix: `end it: kill ${listener.pid}; or ${another}`,
    };
  }
  if (code === "EACCES")
    return {
      code: "MESH_ADDRESS_UNUSABLE",
      message: `${what} needs a privilege that no process of the mesh has: ports below ${firstUnprivilegedPort()} do`,
      fix: `${another}, e.g. port ${address.port + 8000}`,
    };
  const why = code === "EADDRNOTAVAIL" ? "is not an address of this machine" : `cannot be bound (${code})`;
  return { code: "MESH_ADDRESS_UNUSABLE", message: `${what} ${why}`, fix: another };
}

/** To kill its process would not help: its supervisor starts it again. */
function takenByMesh(taken: { what: string; another: string; listener: Listener; mesh: OtherMesh }): Problem {
  const { what, another, listener, mesh } = taken;
  const { stateDir } = mesh;
  const whose = stateDir === undefined ? "another mesh" : `another mesh, that of ${stateDir}`;
  const end = stateDir === undefined ? "end that mesh: ./mesh down" : `./mesh --state ${shellWord(stateDir)} down`;
  return {
    code: "MESH_PORT_TAKEN",
    message: `${what} is taken by ${whose} (pid ${listener.pid} of user ${listener.user}: ${listener.command})`,
    fix: `${another}; or ${end}`,
  };
}

/** ip(7), ip_unprivileged_port_start. */
function firstUnprivilegedPort(): number {
  try {
    return Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"));
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return 1024;
    throw error;
  }
}

export function printed({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
