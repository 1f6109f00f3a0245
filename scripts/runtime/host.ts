// The machine, read once: mesh + state + machine → the Host that plan(mesh, host) takes, and the state that goes with it.

import { MeshError } from "../errors.ts";
import type { Report } from "../events.ts";
import type { Mesh } from "../model/mesh.ts";
import { ports, processName } from "../plan/layout.ts";
import type { Host } from "../plan/plan.ts";
import type { Serving } from "../plan/slots.ts";
import { type Wanted, allocate } from "./allocate.ts";
import { type Claimed, claimLoopback, claimUsers } from "./claims.ts";
import { choosePlaces } from "./places.ts";
import { isAlive } from "./proc.ts";
import { stage } from "./stage.ts";
import type { Allocations, Places, State, StateFolder } from "./state.ts";

export interface HostOptions {
  readonly folder: StateFolder;
  /** What `folder` holds. */
  readonly state: State | undefined;
  readonly mesh: Mesh;
  /** Who serves; mesh.yaml's apps unless given. */
  readonly serving?: Serving;
  /** The checkout. */
  readonly repositoryDir: string;
  readonly tools: Host["tools"];
  /** Where copies that several meshes can share are kept; survives `down`. */
  readonly cacheDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly report: Report;
}

/**
 * What was read, and claims on it. Dispose of it after Runtime.begin has returned: until then it keeps other commands
 * on this machine from choosing the same addresses or users.
 */
export interface HostReading extends AsyncDisposable {
  readonly host: Host;
  /** To be saved by the runtime when it begins. */
  readonly state: State;
}

/**
 * Reads the machine for the native runtime: users and addresses (kept from before where there is a before), folders,
 * and copies of what other users could not read.
 *
 * @throws MeshError MESH_PLATFORM, MESH_ADDRESS_UNUSABLE, MESH_STATE_INVALID
 */
export async function readHost(options: HostOptions): Promise<HostReading> {
  const { folder, state } = options;
  const { uid, gid } = platformUser();
  const places = await placesOf(options, uid);
  // Before anything is made: whatever happens, `down` knows that this folder is a mesh's.
  if (state === undefined) await folder.write(newState(options, { uid, places, allocations: nothing }));
  const claims = new AsyncDisposableStack();
  try {
    const allocations = await claim(options, uid, claims);
    const users = allocations.users ?? { self: { uid, gid } };
    const { appDirs, ...staged } = await stage({ serving: {}, ...options, places, users });
    return {
      host: toHost({ places, allocations, users, ...staged, ...(appDirs === undefined ? {} : { appDirs }) }),
      state: newState(options, { uid, places, allocations }),
      [Symbol.asyncDispose]: () => claims.disposeAsync(),
    };
  } catch (error) {
    await claims.disposeAsync();
    throw error;
  }
}

const nothing: Allocations = { addresses: {}, inboundPorts: {} };

function newState({ folder, state }: HostOptions, given: Pick<State, "uid" | "places" | "allocations">): State {
  return {
    schemaVersion: 1,
    runtime: "native",
    id: folder.id,
    stateDir: folder.path,
    phase: state?.phase ?? "stopped",
    ...given,
    ...(state?.supervisor === undefined ? {} : { supervisor: state.supervisor }),
  };
}

/** Data stays where it is. The folder of sockets is chosen anew for each life: $XDG_RUNTIME_DIR goes at logout. */
async function placesOf({ state, folder, env }: HostOptions, uid: number): Promise<Places> {
  if (state !== undefined && isRunning(state)) return state.places;
  const chosen = await choosePlaces({ stateDir: folder.path, id: folder.id, uid, env });
  return { ...chosen, ...state?.places, runDir: chosen.runDir };
}

function isRunning({ supervisor }: State): boolean {
  return supervisor !== undefined && isAlive(supervisor);
}

/** What plan() asks the host for, by name. */
export function wantedOf(mesh: Mesh): Wanted {
  return {
    trustDomains: mesh.trustDomains.map(({ domain }) => domain),
    workloads: mesh.workloads.map(({ name, spiffeId }) => ({ name, trustDomain: spiffeId.trustDomain })),
    processes: [
      ...mesh.trustDomains.flatMap((domain) => [
        processName.server(domain),
        processName.agent(domain),
        processName.controller(domain),
      ]),
      ...mesh.workloads.flatMap((workload) => [processName.sidecar(workload), processName.app(workload)]),
      // After all others, so that they have the numbers they had before there were swaps.
      ...mesh.workloads.map((workload) => processName.app(workload, 2)),
    ],
  };
}

async function claim(options: HostOptions, uid: number, claims: AsyncDisposableStack): Promise<Allocations> {
  const { state, folder, mesh } = options;
  const previous = state?.allocations;
  const keep = async (claimed: Promise<Claimed>): Promise<number> => claims.use(await claimed).block;
  const block =
    state !== undefined && isRunning(state) && previous?.loopbackBlock !== undefined
      ? previous.loopbackBlock
      : await keep(claimLoopback({ preferred: previous?.loopbackBlock, ports: Object.values(ports) }));
  const wanted = wantedOf(mesh);
  if (uid !== 0) return allocate(wanted, { block, ...(previous === undefined ? {} : { previous }) });
  const firstUser = await keep(claimUsers({ preferred: previous?.users?.first, stateDir: folder.path }));
  return allocate(wanted, { block, firstUser, ...(previous === undefined ? {} : { previous }) });
}

function platformUser(): { uid: number; gid: number } {
  if (process.platform !== "linux" || process.getuid === undefined || process.getgid === undefined)
    throw new MeshError("MESH_PLATFORM", `the native runtime runs on Linux, and this is ${process.platform}`, {
      fix: "./mesh up --runtime docker",
    });
  return { uid: process.getuid(), gid: process.getgid() };
}

function toHost(parts: {
  places: Places;
  allocations: Allocations;
  users: Host["users"];
  repositoryDir: string;
  tools: Host["tools"];
  appDirs?: Readonly<Record<string, string>>;
}): Host {
  const { places, allocations, users, repositoryDir, tools, appDirs } = parts;
  return {
    runtime: "native",
    repositoryDir,
    dataDir: places.dataDir,
    runDir: places.runDir,
    logDir: places.logDir,
    tools,
    addresses: allocations.addresses,
    inboundPorts: allocations.inboundPorts,
    users,
    ...(appDirs === undefined ? {} : { appDirs }),
  };
}
