// What can be wrong with an engine, its images and ports, or a mesh that is there already: each is told in one clear error
// with what to do, and nothing is left half-made.

import { once } from "node:events";
import { chmod, chown, mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { createServer, type ListenOptions, type Server } from "node:net";
import { existsSync } from "node:fs";
import { join } from "node:path";

import type { ExpectStatic } from "vitest";

import type { ErrorCode } from "../../scripts/errors.ts";
import { copyCheckout, nodeForEveryUser } from "../e2e/checkout.ts";
import { type Outcome, run } from "../e2e/command.ts";
import { commandEnvironment, quotesFlow } from "../e2e/place.ts";
import { nodeImage } from "./attacker.ts";
import { composePlaceTest as test, type ComposeMesh } from "./compose-mesh.ts";

const isRoot = process.getuid?.() === 0;

/** One error and its fix, and not as a fault of the software. */
function expectError(expect: ExpectStatic, { status, stdout, stderr }: Outcome, code: ErrorCode): void {
  expect(stderr.match(/^error\[\w+\]/gm), stderr).toEqual([`error[${code}]`]);
  expect(stderr.match(/^fix: /gm)).toHaveLength(1);
  expect(stderr).not.toMatch(/^bug: /m);
  expect(stdout).toBe("");
  expect(status).toBe(2);
}

/** What the engine has of the mesh, and its state folder. */
async function leftOf(mesh: ComposeMesh): Promise<string[]> {
  return [...(await mesh.traces()), ...(existsSync(mesh.place.stateDir) ? [mesh.place.stateDir] : [])];
}

async function listen(server: Server, where: ListenOptions): Promise<AsyncDisposable> {
  await once(server.listen(where), "listening");
  return {
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, "close");
    },
  };
}

const docker = ["--runtime", "docker"] as const;

test("up ends well only when what it made anew does its work, not by the proof of what was there before", async ({
  newMesh,
  expect,
}) => {
  const env: Record<string, string> = {};
  const mesh = await newMesh({ env });
  const up = ["up", "--detach", "--wait", "--wait-timeout", "90"] as const;
  await mesh.must(...up);
  await mesh.docker("pause", (await mesh.container("quotes-sidecar")).Id);
  const paused = await mesh.place.mesh("up");
  await mesh.docker("unpause", (await mesh.container("quotes-sidecar")).Id);
  expectError(expect, paused, "MESH_PROCESS_FAILED");
  await quotesFlow(mesh, 10_000);
  // Node's image has no envoy.
  Object.assign(mesh.env, { ENVOY_IMAGE: nodeImage });
  expect((await mesh.compose(...up)).status).not.toBe(0);
  delete mesh.env["ENVOY_IMAGE"];
  await mesh.must(...up);
  await quotesFlow(mesh, 5000);
});

test("no engine answers", async ({ newMesh, expect }) => {
  const env: Record<string, string> = {};
  const mesh = await newMesh({ env });
  env["DOCKER_HOST"] = `unix://${mesh.dir}/nobody.sock`;
  for (const command of ["up", "status", "down"]) {
    const outcome = await mesh.place.mesh(...docker, command);
    expectError(expect, outcome, "MESH_ENGINE_ABSENT");
    expect(outcome.stderr).toContain("./mesh up --runtime native");
  }
  expect(await leftOf(mesh)).toEqual([]);
});

test.runIf(isRoot)("an engine whose socket is for others", async ({ newMesh, expect }) => {
  const mesh = await newMesh();
  const home = join(mesh.dir, "of the user");
  await mkdir(home);
  const nobody = 65_534;
  await chown(mesh.dir, nobody, nobody);
  await chown(home, nobody, nobody);
  const node = await nodeForEveryUser(mesh.dir);
  const clone = await copyCheckout(join(mesh.dir, "clone"));
  const socket = join(mesh.dir, "docker.sock");
  await using _engine = await listen(createServer(), { path: socket });
  await chmod(socket, 0o600);
  const env = commandEnvironment({ DOCKER_HOST: `unix://${socket}`, HOME: home, XDG_CACHE_HOME: home });
  const user = [`--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups", "--"];
  const command = [node, join(clone, "scripts/mesh.ts"), "--file", mesh.place.meshFile, ...docker, "up"];
  const outcome = await run("setpriv", [...user, ...command], { cwd: mesh.dir, env });
  expectError(expect, outcome, "MESH_ENGINE_DENIED");
  expect(outcome.stderr).toContain("usermod -aG docker");
  expect(await leftOf(mesh)).toEqual([]);
});

/** Says which version it is, and knows nothing else. */
function engineOf(version: string): HttpServer {
  return createHttpServer(({ url = "" }, response) => {
    response.setHeader("Api-Version", "1.40").setHeader("Content-Type", "application/json");
    response.end(url.endsWith("/version") ? JSON.stringify({ Version: version, ApiVersion: "1.40" }) : "{}");
  });
}

test("an engine that is too old", async ({ newMesh, expect }) => {
  const env: Record<string, string> = {};
  const mesh = await newMesh({ env });
  const socket = join(mesh.dir, "docker.sock");
  await using _engine = await listen(engineOf("19.03.15"), { path: socket });
  env["DOCKER_HOST"] = `unix://${socket}`;
  const outcome = await mesh.place.mesh(...docker, "up");
  expectError(expect, outcome, "MESH_ENGINE_OLD");
  expect(outcome.stderr).toContain("19.03.15");
  expect(await leftOf(mesh)).toEqual([]);
});

test("an image that is not there, and a registry that does not answer", async ({ newMesh, expect }) => {
  const image = "registry.invalid/x:1";
  const mesh = await newMesh({ env: { ENVOY_IMAGE: image } });
  const outcome = await mesh.place.mesh(...docker, "up");
  expectError(expect, outcome, "MESH_IMAGE_ABSENT");
  expect(outcome.stderr).toContain(`could not be pulled: ${image}\n`);
  expect(outcome.stderr).toContain(`docker pull ${image}`);
  expect(await leftOf(mesh)).toEqual([]);
  // Compose by itself says it too, and starts nothing.
  const { status, stderr } = await mesh.compose("up", "--detach", "--wait");
  expect(status).not.toBe(0);
  expect(stderr).toContain("registry.invalid");
  expect(await mesh.traces()).toEqual([]);
});

test("a published port that is taken", async ({ newMesh, expect }) => {
  const mesh = await newMesh();
  await using _taker = await listen(createServer(), { host: "127.0.0.1", port: mesh.place.port });
  const outcome = await mesh.place.mesh(...docker, "up");
  expectError(expect, outcome, "MESH_PORT_TAKEN");
  expect(outcome.stderr).toContain(`is taken by pid ${process.pid}`);
  expect(await leftOf(mesh)).toEqual([]);
});

test("a published port that a container has", async ({ newMesh, expect }) => {
  const mesh = await newMesh();
  const name = `${mesh.name}-taker`;
  const published = `127.0.0.1:${mesh.place.port}:80`;
  await mesh.docker(
    "run",
    "--detach",
    "--name",
    name,
    "--publish",
    published,
    "--entrypoint",
    "sleep",
    nodeImage,
    "600",
  );
  await using taken = new AsyncDisposableStack();
  taken.defer(async () => void (await mesh.docker("rm", "--force", name)));
  const outcome = await mesh.place.mesh(...docker, "up");
  expectError(expect, outcome, "MESH_PORT_TAKEN");
  if (isRoot) expect(outcome.stderr).toContain(`docker ps --filter publish=${mesh.place.port}`);
  expect(await leftOf(mesh)).toEqual([]);
});

test.runIf(isRoot)("a disk that is full", async ({ newMesh, expect }) => {
  const mesh = await newMesh();
  const disk = join(mesh.dir, "disk");
  await mkdir(disk);
  const mount = await run("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], { cwd: "/", env: process.env });
  expect(mount.status, mount.stderr).toBe(0);
  await using mounted = new AsyncDisposableStack();
  mounted.defer(async () => void (await run("umount", [disk], { cwd: "/", env: process.env })));
  const outcome = await mesh.place.mesh("--state", join(disk, "state"), ...docker, "up");
  expectError(expect, outcome, "MESH_DISK_FULL");
  expect(outcome.stderr).toContain(`df -h ${disk}`);
  expect(await readdir(disk)).toEqual([]);
  expect(await leftOf(mesh)).toEqual([]);
});

test("a project of that name from another folder", async ({ newMesh, expect }) => {
  const mesh = await newMesh();
  const elsewhere = join(mesh.dir, "elsewhere");
  await mkdir(elsewhere);
  const stranger = { name: mesh.name, services: { stranger: { image: nodeImage, command: "sleep 600" } } };
  await writeFile(join(elsewhere, "compose.yaml"), JSON.stringify(stranger));
  await mesh.docker("compose", "--project-directory", elsewhere, "create");
  const before = await mesh.traces();
  expect(before.join(" ")).toContain("stranger");
  for (const command of ["up", "status", "down"]) {
    const outcome = await mesh.place.mesh(...docker, command);
    expectError(expect, outcome, "MESH_PROJECT_TAKEN");
    expect(outcome.stderr).toContain(elsewhere);
  }
  expect(await mesh.traces()).toEqual(before);
});

test("a mesh that is half up is brought up, by Compose and by the command line", async ({ newMesh, expect }) => {
  const mesh = await newMesh();
  const breakIt = async (): Promise<void> => {
    const all = await mesh.containers();
    const idOf = (service: string): string => all.get(service)?.Id ?? "";
    await mesh.docker("rm", "--force", ...["quotes", "spire-server-broker", "spire-keys-stockmarket"].map(idOf));
    await mesh.docker("stop", "--time", "1", idOf("quotes-sidecar"), idOf("controller-stockmarket"));
  };
  // Images alone, then nothing but some containers that never ran.
  await mesh.must("create");
  expect((await mesh.place.mesh(...docker, "up")).status).toBe(0);
  await quotesFlow(mesh, 10_000);
  await breakIt();
  expect((await mesh.place.mesh("status")).status).toBe(1);
  const { status, stderr } = await mesh.place.mesh("up");
  expect(status, stderr).toBe(0);
  await quotesFlow(mesh, 10_000);
  await breakIt();
  await mesh.must("up", "--detach", "--wait", "--wait-timeout", "60");
  await quotesFlow(mesh, 10_000);
});

test("the other runtime than the one that the mesh is on", async ({ newMesh, expect }) => {
  const mesh = await newMesh();
  await mesh.must("up", "--detach", "--wait", "--wait-timeout", "60");
  for (const command of ["up", "status", "down"])
    expectError(expect, await mesh.place.mesh("--runtime", "native", command), "MESH_RUNTIME_FIXED");
  await quotesFlow(mesh, 10_000);
  expect((await mesh.place.mesh("down")).status).toBe(0);
  expect(await leftOf(mesh)).toEqual([]);
  await mesh.place.must("--runtime", "native", "up");
  try {
    expectError(expect, await mesh.place.mesh(...docker, "up"), "MESH_RUNTIME_FIXED");
    await quotesFlow(mesh, 10_000);
    expect(await mesh.traces()).toEqual([]);
  } finally {
    await mesh.place.must("down");
  }
});

test("an image that holds another program", async ({ newMesh, expect }) => {
  const mesh = await newMesh({ env: { ENVOY_IMAGE: nodeImage } });
  const outcome = await mesh.place.mesh(...docker, "up");
  expectError(expect, outcome, "MESH_PROCESS_FAILED");
  expect(outcome.stderr).toMatch(/\]: (?:broker|quotes)-sidecar /);
  expect(await leftOf(mesh)).toEqual([]);
});
