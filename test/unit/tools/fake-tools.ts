// Programs that stand in for SPIRE and Envoy where only their names, bytes and `--version` matter.

import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { putInCache } from "../../../scripts/tools/store.ts";
import { type Toolset, toolArchitecture, toolsetDir } from "../../../scripts/tools/toolset.ts";

/** What the real program prints for `--version`. */
export function versionOutput(program: string, version: string): string {
  const buildId = "9e5580933739775e8bce696a57a2e1bc99368f23";
  return program === "envoy" ? `\nenvoy  version: ${buildId}/${version}/Clean/RELEASE/BoringSSL\n` : version;
}

export async function writeFakeTool(dir: string, program: string, version: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, program);
  await writeFile(path, `#!/bin/sh\ncat <<'TEXT'\n${versionOutput(program, version)}\nTEXT\n`);
  await chmod(path, 0o755);
  return path;
}

/** Puts a stand-in toolset into a cache the way a finished build does; returns its folder. */
export async function fillCache(cacheDir: string, toolset: Toolset): Promise<string> {
  const made = join(cacheDir, "build", `made-${toolset.id}`);
  for (const program of toolset.programs) await writeFakeTool(made, program, toolset.version);
  const dir = toolsetDir(cacheDir, toolset, toolArchitecture());
  await putInCache(toolset, made, dir);
  return dir;
}
