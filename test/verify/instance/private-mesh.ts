// The mesh of `./mesh verify`: the same description, binaries and renderings under the native runtime, with addresses and
// state of its own. Four things differ: the CAs' keys are the test's too, a hostile trust domain is federated with,
// the test stands where the apps would, and between the two sidecars of the edge.

import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { bringUp } from "../../../scripts/control/bring-up.ts";
import { askHere } from "../../../scripts/control/client.ts";
import type { Mesh } from "../../../scripts/model/mesh.ts";
import { plan } from "../../../scripts/plan/build.ts";
import type { Plan, Process, RenderedFile, SidecarPlan } from "../../../scripts/plan/plan.ts";
import { render } from "../../../scripts/render/render.ts";
import { readHost } from "../../../scripts/runtime/host.ts";
import { prepareAgentKeys } from "../../../scripts/runtime/keys.ts";
import { nativeRuntime } from "../../../scripts/runtime/native.ts";
import type { ProcessRuntime } from "../../../scripts/runtime/runtime.ts";
import { openStateFolder } from "../../../scripts/runtime/state.ts";
import type { Tools } from "../../../scripts/tools/ensure-tools.ts";
import { freePort } from "../../e2e/free-port.ts";
import { type AppWitness, startAppWitness } from "./app-witness.ts";
import { openAttackers } from "./attackers.ts";
import { type Authority, newAuthority } from "./authority.ts";
import { type HostileDomain, startHostileDomain } from "./hostile-domain.ts";
import type { KeyedMesh } from "./keyed-mesh.ts";
import type { Edge } from "./live-mesh.ts";
import { networkHere } from "./network.ts";
import { longestIdOf, partnerIdOf, prepared } from "./prepared-plan.ts";
import { type Relay, startRelay } from "./relay.ts";
import { signingUnder, type UpstreamFiles } from "./upstream.ts";
import { sourceHere } from "./sidecar-source.ts";
import { sidecarWitness } from "./sidecar-witness.ts";
import { socketOf } from "./users.ts";

export interface PrivateMesh extends KeyedMesh, AsyncDisposable {
  readonly runtime: ProcessRuntime;
  /** Federated with, and its bundle endpoint polled. */
  readonly hostile: HostileDomain;
  readonly app: AppWitness;
  /** The network between the two sidecars. */
  readonly relay: Relay;
}

export interface PrivateMeshOptions {
  readonly mesh: Mesh;
  readonly edge: Edge;
  readonly tools: Tools;
  readonly repositoryDir: string;
  readonly cacheDir: string;
  readonly signal: AbortSignal;
  /** Longest life of a connection, where its end is to be seen; the plan's own unless given. */
  readonly connectionSeconds?: SidecarPlan["maxConnectionSeconds"];
}

/** Progress is the caller's to show. */
const report = (): void => {};

export const hostileTrustDomain = "evil.example";

export async function startPrivateMesh(options: PrivateMeshOptions): Promise<PrivateMesh> {
  await using made = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "mesh-verify-"));
  made.defer(() => rm(dir, { recursive: true, force: true }));
  await chmod(dir, 0o755);
  const hostile = made.use(await startHostileDomain(hostileTrustDomain, join(dir, "hostile.json")));
  const relay = made.use(await startRelay());
  const authorities = new Map<string, Authority>();
  for (const { domain } of options.mesh.trustDomains) authorities.set(domain, await newAuthority(domain));

  const folder = await openStateFolder(join(dir, "state"), { create: true });
  const { env } = process;
  const mesh = await besideOthers(options.mesh);
  await using reading = await readHost({ ...options, mesh, folder, state: undefined, env, report });
  const runtime = nativeRuntime({ folder, reading: reading.state, env, report });
  made.defer(() => nativeRuntime({ folder, env, report }).destroy());
  const planned = prepared(plan(mesh, reading.host), {
    ...options,
    relay: relay.address,
    relationship: hostile.relationship,
  });
  await runtime.preflight(planned);
  await runtime.begin(planned);
  await folder.writePlan(planned);
  await prepareAgentKeys(planned);
  const files = await withAuthorities(planned, authorities);
  const { callee, caller } = sidecarsOf(planned, options.edge);
  const socket = socketOf(callee);
  if (socket === undefined) throw new Error(`${callee.workload} does TCP: its app cannot be stood in for`);
  const app = made.use(await startAppWitness(socket));
  relay.passOnTo(inboundOf(callee));
  await bringUp({ plan: { ...planned, edges: [] }, files, rekeyed: [], runtime, report, signal: options.signal });
  const attackers = made.use(openAttackers(reading.host.tools.node));
  const withWitness = (sidecar: SidecarPlan) => ({
    ...sidecar,
    witness: sidecarWitness(
      sourceHere({ adminSocket: sidecar.adminSocket, logFile: `${reading.host.logDir}/${sidecar.process}.log` }),
    ),
  });
  const kept = made.move();
  return {
    plan: planned,
    runtime,
    ask: askHere,
    network: networkHere,
    edge: options.edge,
    authorities,
    hostile,
    unknown: await newAuthority("unknown.example"),
    longestId: longestIdOf(caller.trustDomain),
    partnerId: partnerIdOf(hostile.trustDomain),
    app,
    attackers,
    relay,
    callee: withWitness(callee),
    caller: withWitness(caller),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Pages are published on ports that are free now: those of the description may be in use by the mesh itself. */
export async function besideOthers(mesh: Mesh): Promise<Mesh> {
  const workloads = mesh.workloads.map(async (workload) =>
    workload.publish === undefined
      ? workload
      : { ...workload, publish: { ...workload.publish, port: await freePort() } },
  );
  return { ...mesh, workloads: await Promise.all(workloads) };
}

/** SPIRE Server signs under an authority whose key the test has too: so it can mint "right domain, wrong certificate". */
async function withAuthorities(
  planned: Plan,
  authorities: ReadonlyMap<string, Authority>,
): Promise<readonly RenderedFile[]> {
  const configured = new Map<string, UpstreamFiles>();
  for (const { trustDomain, server } of planned.domains) {
    const authority = authorities.get(trustDomain);
    if (authority === undefined) throw new Error(`there is no authority of ${trustDomain}`);
    const files = { cert: `${server.dataDir}/upstream.pem`, key: `${server.dataDir}/upstream.key.pem` };
    const owner = planned.processes.find(({ name }) => name === server.process)?.user;
    await writeOwned(files.cert, authority.certificate, owner);
    await writeOwned(files.key, await authority.privateKey(), owner);
    configured.set(server.process, files);
  }
  return render(planned).map((file) => {
    const upstream = configured.get(file.process);
    return upstream === undefined || !file.path.endsWith("server.conf")
      ? file
      : { ...file, content: signingUnder(upstream, file.content) };
  });
}

async function writeOwned(path: string, content: string, owner: Process["user"] | undefined): Promise<void> {
  await writeFile(path, content, { mode: 0o600 });
  if (owner !== undefined && process.getuid?.() === 0) {
    const { chown } = await import("node:fs/promises");
    await chown(path, owner.uid, owner.gid);
  }
}

export function sidecarsOf(planned: Plan, { caller, callee }: Edge) {
  const all = planned.domains.flatMap(({ sidecars }) => sidecars);
  const find = (workload: string): SidecarPlan => {
    const found = all.find((sidecar) => sidecar.workload === workload);
    if (found === undefined) throw new Error(`${workload} has no sidecar`);
    return found;
  };
  return { caller: find(caller), callee: find(callee) };
}

export function inboundOf({ workload, inbound }: Pick<SidecarPlan, "workload" | "inbound">) {
  if (inbound === undefined) throw new Error(`nobody calls ${workload}`);
  return inbound.address;
}
