import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";

import type { StageEvent } from "../../../scripts/events.ts";
import { ensureTools } from "../../../scripts/tools/ensure-tools.ts";
import { toolArchitecture, toolsets } from "../../../scripts/tools/toolset.ts";
import { tempDir } from "../runtime/temp-dir.ts";
import { fillCache, writeFakeTool } from "./fake-tools.ts";

function optionsFor(cacheDir: string, env: NodeJS.ProcessEnv = {}) {
  const events: StageEvent[] = [];
  const report = (event: StageEvent): void => void events.push(event);
  return { cacheDir, env, events, report, offline: true, signal: new AbortController().signal };
}

test("a filled cache gives absolute paths, and says nothing", async ({ expect, onTestFinished }) => {
  const cacheDir = await tempDir(onTestFinished);
  const [spireDir, envoyDir] = await Promise.all(toolsets.map((toolset) => fillCache(cacheDir, toolset)));
  const options = optionsFor(cacheDir);
  expect(await ensureTools(options)).toEqual({
    spireServer: `${spireDir}/spire-server`,
    spireAgent: `${spireDir}/spire-agent`,
    envoy: `${envoyDir}/envoy`,
    node: process.execPath,
  });
  expect(options.events).toEqual([]);
});

test("--offline names every missing tool and the cache", async ({ expect, onTestFinished }) => {
  const cacheDir = await tempDir(onTestFinished);
  await expect(ensureTools(optionsFor(cacheDir))).rejects.toMatchObject({
    code: "MESH_TOOL_OFFLINE",
    message: `--offline forbids fetching SPIRE 1.15.3 and Envoy 1.40.0, missing in ${cacheDir}`,
  });
});

test("a damaged program in the cache is said and not used", async ({ expect, onTestFinished }) => {
  const cacheDir = await tempDir(onTestFinished);
  const dirs = await Promise.all(toolsets.map((toolset) => fillCache(cacheDir, toolset)));
  await truncate(join(dirs[1] ?? "", "envoy"), 10);
  const options = optionsFor(cacheDir);
  await expect(ensureTools(options)).rejects.toMatchObject({
    code: "MESH_TOOL_OFFLINE",
    message: `--offline forbids fetching Envoy 1.40.0, missing in ${cacheDir}`,
  });
  expect(options.events).toEqual([
    {
      kind: "warning",
      stage: "tools",
      message: expect.stringMatching(/envoy has 10 bytes, not the \d+ .*got again$/u),
    },
  ]);
});

test("programs named in the environment come before the cache", async ({ expect, onTestFinished }) => {
  const cacheDir = await tempDir(onTestFinished);
  const own = join(cacheDir, "own");
  const env = {
    MESH_SPIRE_SERVER: await writeFakeTool(own, "spire-server", "1.15.3"),
    MESH_SPIRE_AGENT: await writeFakeTool(own, "spire-agent", "1.15.3"),
    MESH_ENVOY: await writeFakeTool(own, "envoy", "1.40.0"),
  };
  expect(await ensureTools(optionsFor(cacheDir, env))).toMatchObject({
    spireServer: env.MESH_SPIRE_SERVER,
    spireAgent: env.MESH_SPIRE_AGENT,
    envoy: env.MESH_ENVOY,
  });
});

test("a named program of another version is refused with both versions and the way out", async ({
  expect,
  onTestFinished,
}) => {
  const cacheDir = await tempDir(onTestFinished);
  const envoy = await writeFakeTool(join(cacheDir, "own"), "envoy", "1.39.1");
  await expect(ensureTools(optionsFor(cacheDir, { MESH_ENVOY: envoy }))).rejects.toMatchObject({
    code: "MESH_TOOL_VERSION",
    message: `MESH_ENVOY names ${envoy}, which is version 1.39.1; the mesh needs 1.40.0`,
    fix: "point MESH_ENVOY to the envoy of Envoy 1.40.0, or unset it and the mesh gets its own",
  });
});

test("a named program that is not there is refused", async ({ expect, onTestFinished }) => {
  const cacheDir = await tempDir(onTestFinished);
  const env = { MESH_SPIRE_AGENT: join(cacheDir, "nothing") };
  await expect(ensureTools(optionsFor(cacheDir, env))).rejects.toMatchObject({
    code: "MESH_TOOL_VERSION",
    message: expect.stringContaining("cannot be run"),
  });
  await expect(ensureTools(optionsFor(cacheDir, { MESH_SPIRE_AGENT: "bin/agent" }))).rejects.toMatchObject({
    code: "MESH_TOOL_VERSION",
    message: "MESH_SPIRE_AGENT must be an absolute path, not bin/agent",
  });
});

test("other platforms are told where it runs", ({ expect }) => {
  expect(toolArchitecture("linux", "x64")).toBe("amd64");
  expect(toolArchitecture("linux", "arm64")).toBe("arm64");
  for (const [platform, arch] of [
    ["darwin", "arm64"],
    ["win32", "x64"],
    ["linux", "riscv64"],
  ] as const) {
    expect(() => toolArchitecture(platform, arch)).toThrow(
      expect.objectContaining({ code: "MESH_PLATFORM", fix: "./mesh up --runtime docker" }),
    );
  }
});
