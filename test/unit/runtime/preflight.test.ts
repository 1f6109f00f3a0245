import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, realpath, writeFile } from "node:fs/promises";
import { type AddressInfo, type Server, createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { test } from "vitest";

import type { HostPort } from "../../../scripts/model/mesh.ts";
import { parseMesh } from "../../../scripts/model/parse.ts";
import type { Plan } from "../../../scripts/plan/plan.ts";
import { listenerOn, listensPastLoopback } from "../../../scripts/runtime/listening.ts";
import { checkAddresses, checkPages, checkSocketPaths } from "../../../scripts/runtime/preflight.ts";
import { meshId } from "../../../scripts/runtime/state.ts";
import { tempDir } from "./temp-dir.ts";

function planOf(part: { listens?: HostPort[]; sockets?: string[] }): Plan {
  const sidecar = {
    name: "broker-sidecar",
    role: "sidecar" as const,
    trustDomain: "broker.example",
    user: { uid: 601_000, gid: 601_000, groups: [] },
    command: ["envoy"],
    env: {},
    workingDir: "/",
    files: [],
    sockets: part.sockets ?? [],
    listens: part.listens ?? [],
    after: [],
    ready: { kind: "http" as const, address: { host: "127.0.0.1", port: 1 }, path: "/" },
  };
  return { runtime: "native", domains: [], processes: [sidecar], folders: [], edges: [] };
}

async function listen(host: string, onTestFinished: (clean: () => void) => void): Promise<HostPort> {
  const server: Server = createServer().listen(0, host);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { host, port: address.port };
}

test("an address that is taken is named with the process that has it", async ({ expect, onTestFinished }) => {
  const taken = await listen("127.0.0.1", onTestFinished);
  await expect(checkAddresses(planOf({ listens: [taken] }), { ours: [] })).rejects.toMatchObject({
    code: "MESH_PORT_TAKEN",
    message: expect.stringMatching(
      `^127.0.0.1:${taken.port}, where broker-sidecar is to listen, is taken by pid ${process.pid} of user ${userInfo().username}: .*node`,
    ),
    fix: `end it: kill ${process.pid}; or choose another address in mesh.yaml`,
  });
});

test("an address that another command has only while it looks is free", async ({ expect, onTestFinished }) => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  onTestFinished(() => void other.close());
  const address: AddressInfo | string | null = other.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const looking = checkAddresses(planOf({ listens: [{ host: "127.0.0.1", port: address.port }] }), { ours: [] });
  // Not before the look has found it taken.
  setTimeout(() => other.close(), 60);
  await expect(looking).resolves.toBeUndefined();
});

test("who listens on every address, IPv4 or IPv6, is found too", async ({ expect, onTestFinished }) => {
  for (const host of ["0.0.0.0", "::"]) {
    const { port } = await listen(host, onTestFinished);
    expect(listenerOn({ host: "127.0.0.1", port })).toMatchObject({ pid: process.pid });
  }
});

test("whoever listens on more than loopback is told from who does not", async ({ expect, onTestFinished }) => {
  const uid = userInfo().uid;
  const { port } = await listen("127.0.0.1", onTestFinished);
  const own = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
  const file = join(await tempDir(onTestFinished), "tcp");
  const line = (await readFile("/proc/net/tcp", "utf8")).split("\n").find((one) => one.includes(own)) ?? "";
  for (const [address, isPast] of [
    ["0100007F", false],
    ["00000000", true],
    ["0200C70A", true],
    ["0000000000000000FFFF00000100007F", false],
    ["00000000000000000000000001000000", false],
    ["00000000000000000000000000000000", true],
  ] as const) {
    await writeFile(file, ["  sl  local_address", line.replace("0100007F", address), ""].join("\n"));
    expect(listensPastLoopback(uid, [file]), address).toBe(isPast);
    expect(listensPastLoopback(uid + 1, [file]), address).toBe(false);
  }
});

test("who listens on another address of the same port is not in the way", async ({ expect, onTestFinished }) => {
  const { port } = await listen("127.77.1.1", onTestFinished);
  expect(listenerOn({ host: "127.77.1.2", port })).toBeUndefined();
  await checkAddresses(planOf({ listens: [{ host: "127.77.1.2", port }] }), { ours: [] });
});

test("an address that a process of this mesh has is no problem", async ({ expect, onTestFinished }) => {
  const taken = await listen("127.0.0.1", onTestFinished);
  expect(await checkAddresses(planOf({ listens: [taken] }), { ours: [taken] })).toBeUndefined();
});

test("an address that this machine does not have is told apart", async ({ expect }) => {
  await expect(
    checkAddresses(planOf({ listens: [{ host: "192.0.2.1", port: 8080 }] }), { ours: [] }),
  ).rejects.toMatchObject({
    code: "MESH_ADDRESS_UNUSABLE",
    message: "192.0.2.1:8080, where broker-sidecar is to listen, is not an address of this machine",
  });
});

test("a privileged port is refused also when root asks, since the process is not root", async ({ expect }) => {
  await expect(
    checkAddresses(planOf({ listens: [{ host: "127.0.0.1", port: 80 }] }), { ours: [] }),
  ).rejects.toMatchObject({
    code: "MESH_ADDRESS_UNUSABLE",
    fix: "choose another address in mesh.yaml, e.g. port 8080",
  });
});

test("a socket's path may have 107 bytes and not one more", ({ expect }) => {
  checkSocketPaths(planOf({ sockets: [pathOf(107)] }));
  expect(() => checkSocketPaths(planOf({ sockets: ["/run/short.sock", pathOf(108)] }))).toThrow(
    /may have 107 bytes, and this has 108/,
  );
  // Bytes, not characters.
  expect(() => checkSocketPaths(planOf({ sockets: [`/${"é".repeat(54)}`] }))).toThrow(/this has 109/);
});

function pathOf(bytes: number): string {
  return `/${"x".repeat(bytes - 1)}`;
}

/** A process of a mesh of `stateDir`, as /proc shows it, that listens. */
async function otherMesh(
  stateDir: string,
  { logDir = join(stateDir, "logs"), onTestFinished }: { logDir?: string; onTestFinished: (end: () => void) => void },
): Promise<{ port: number; pid: number }> {
  const dir = join(stateDir, "checkout/scripts/runtime/supervisor");
  await mkdir(dir, { recursive: true });
  const listens = `require("node:net").createServer().listen(0, "127.0.0.1", function () {
    console.log(process.pid, this.address().port);
  })`;
  const starts = `import { spawn } from "node:child_process";
    spawn(process.execPath, ["-e", ${JSON.stringify(listens)}], { stdio: ["pipe", "inherit", "inherit"] });`;
  await writeFile(join(dir, "main.ts"), starts);
  const words = [join(dir, "main.ts"), `/run/mesh-${meshId(stateDir)}`, logDir, "1"];
  const supervisor = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  const [printed] = await once(supervisor.stdout, "data");
  const [pid = 0, port = 0] = String(printed).split(" ").map(Number);
  onTestFinished(() => {
    supervisor.kill("SIGKILL");
    process.kill(pid, "SIGKILL");
  });
  return { port, pid };
}

test("an address that another mesh has is told as that, and not to be killed", async ({ expect, onTestFinished }) => {
  const stateDir = join(await realpath(await tempDir(onTestFinished)), "a mesh");
  const { port, pid } = await otherMesh(stateDir, { onTestFinished });
  await expect(checkAddresses(planOf({ listens: [{ host: "127.0.0.1", port }] }), { ours: [] })).rejects.toMatchObject({
    code: "MESH_PORT_TAKEN",
    message: expect.stringContaining(`is taken by another mesh, that of ${stateDir} (pid ${pid} of user`),
    fix: `choose another address in mesh.yaml; or ./mesh --state '${stateDir}' down`,
  });
});

test("a mesh whose state folder nobody can tell is told as another all the same", async ({
  expect,
  onTestFinished,
}) => {
  const stateDir = await realpath(await tempDir(onTestFinished));
  const { port } = await otherMesh(stateDir, { logDir: "/var/lib/mesh-0/logs", onTestFinished });
  await expect(checkAddresses(planOf({ listens: [{ host: "127.0.0.1", port }] }), { ours: [] })).rejects.toMatchObject({
    message: expect.stringContaining("is taken by another mesh (pid"),
    fix: "choose another address in mesh.yaml; or end that mesh: ./mesh down",
  });
});

test("a page's address is looked at before there is a plan, and one of this mesh is no problem", async ({
  expect,
  onTestFinished,
}) => {
  const taken = await listen("127.0.0.1", onTestFinished);
  const mesh = parseMesh(
    `
trustDomains: { a.example: {} }
workloads:
  web: { spiffeId: spiffe://a.example/web, app: { node: apps/broker/server.ts }, publish: "127.0.0.1:${taken.port}" }
`,
    { file: "mesh.yaml" },
  );
  await expect(checkPages(mesh, { ours: async () => [] })).rejects.toMatchObject({
    code: "MESH_PORT_TAKEN",
    message: expect.stringContaining(`127.0.0.1:${taken.port}, where web-sidecar is to listen, is taken by pid`),
  });
  await expect(checkPages(mesh, { ours: async () => [taken] })).resolves.toBeUndefined();
});
