// A mesh of arbitrary processes under the real native runtime, for one test.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base } from "vitest";

import type { StageEvent } from "../../../scripts/events.ts";
import type { Mesh, Workload } from "../../../scripts/model/mesh.ts";
import type { Folder, Plan, Process, User } from "../../../scripts/plan/plan.ts";
import { readHost } from "../../../scripts/runtime/host.ts";
import { nativeRuntime } from "../../../scripts/runtime/native.ts";
import type { ProcessStatus, ProcessRuntime } from "../../../scripts/runtime/runtime.ts";
import { type State, type StateFolder, openStateFolder } from "../../../scripts/runtime/state.ts";
import { until } from "../../../scripts/wait.ts";

export const isRoot = process.getuid?.() === 0;

export interface SupervisedMesh {
  readonly folder: StateFolder;
  /** Of the mesh as the state folder says now. */
  readonly runtime: ProcessRuntime;
  readonly events: StageEvent[];
  /** Another life: what `./mesh up` does before the first process starts. */
  begin(processes: readonly Process[]): Promise<ProcessRuntime>;
  state(): Promise<State>;
  process(name: string, command: readonly string[], more?: Partial<Process>): Promise<Process>;
  status(name: string): Promise<ProcessStatus>;
  /** Waits until the process is in a state that satisfies. */
  becomes(name: string, what: string, satisfies: (status: ProcessStatus) => boolean): Promise<ProcessStatus>;
  logOf(name: string): Promise<string>;
}

const names = ["a", "b", "c"];

export const test = base.extend<{ mesh: SupervisedMesh; other: SupervisedMesh }>({
  mesh: async ({ onTestFinished }, use) => use(await newMesh(onTestFinished)),
  other: async ({ onTestFinished }, use) => use(await newMesh(onTestFinished)),
});

async function newMesh(onTestFinished: (clean: () => Promise<void>) => void): Promise<SupervisedMesh> {
  const dir = await mkdtemp(join(tmpdir(), "mesh-e2e-"));
  const folder = await openStateFolder(dir, { create: true });
  const events: StageEvent[] = [];
  const report = (event: StageEvent): void => void events.push(event);
  const current = (): ProcessRuntime => nativeRuntime({ folder, env: process.env, report });
  onTestFinished(async () => {
    await current().destroy();
    await rm(dir, { recursive: true, force: true });
  });
  const state = async (): Promise<State> => {
    const found = await folder.read();
    if (found === undefined) throw new Error("the mesh has no state");
    return found;
  };
  const status = async (name: string): Promise<ProcessStatus> => {
    const found = (await current().list()).find((one) => one.name === name);
    if (found === undefined) throw new Error(`no process ${name}`);
    return found;
  };
  const read = async () =>
    readHost({
      folder,
      state: await folder.read(),
      mesh: description,
      repositoryDir: join(import.meta.dirname, "../../.."),
      tools: { spireServer: "/bin/true", spireAgent: "/bin/true", envoy: "/bin/true", node: process.execPath },
      cacheDir: join(dir, "data"),
      env: process.env,
      report,
    });
  return {
    folder,
    events,
    get runtime() {
      return current();
    },
    state,
    status,
    async begin(processes) {
      await using reading = await read();
      const runtime = nativeRuntime({ folder, reading: reading.state, env: process.env, report });
      const plan = planOf(processes, reading.state);
      await runtime.preflight(plan);
      await runtime.begin(plan);
      await folder.writePlan(plan);
      return runtime;
    },
    async process(name, command, more = {}) {
      await using reading = await read();
      return { ...template, name, command, user: userOf(name, reading.state), ...more };
    },
    becomes: (name, what, satisfies) =>
      until(
        `${name} ${what}`,
        async () => {
          const found = await status(name);
          return satisfies(found) ? found : undefined;
        },
        { deadlineMs: 10_000 },
      ),
    logOf: async (name) => readFile(join((await state()).places.logDir, `${name}.log`), "utf8"),
  };
}

const template: Omit<Process, "name" | "command" | "user"> = {
  role: "app",
  trustDomain: "broker.example",
  env: { PATH: "/usr/bin:/bin" },
  workingDir: "/",
  files: [],
  sockets: [],
  listens: [],
  after: [],
  ready: { kind: "http", address: { host: "127.0.0.1", port: 1 }, path: "/" },
};

const description: Mesh = {
  trustDomains: [
    {
      domain: "broker.example",
      name: "broker",
      federatesWith: [],
      ttl: { caSeconds: 86_400, x509SvidSeconds: 3600 },
    },
  ],
  workloads: names.map((name): Workload => ({
    name,
    spiffeId: { uri: `spiffe://broker.example/${name}`, trustDomain: "broker.example", path: `/${name}` },
    app: { kind: "node", entry: "apps/x.ts", health: "/health" },
  })),
  edges: [],
};

function userOf(name: string, { allocations, uid }: State): User {
  const own = allocations.users?.assigned[name];
  return { uid: own ?? uid, gid: own ?? process.getgid?.() ?? 0, groups: [] };
}

function planOf(processes: readonly Process[], { places, allocations, uid }: State): Plan {
  const self = { uid, gid: process.getgid?.() ?? 0 };
  const durable: Folder[] = [
    { path: places.dataDir, owner: self, mode: 0o711, durable: true },
    { path: `${places.dataDir}/kept`, owner: self, mode: 0o700, durable: true },
  ];
  const sockets = names.map((name): Folder => {
    const id = allocations.users?.assigned[name];
    const owner = id === undefined ? self : { uid: id, gid: id };
    return { path: `${places.runDir}/${name}`, owner, mode: 0o2750, durable: false };
  });
  const runDir: Folder = { path: places.runDir, owner: self, mode: 0o711, durable: false };
  return { runtime: "native", domains: [], processes, edges: [], folders: [runDir, ...sockets, ...durable] };
}
