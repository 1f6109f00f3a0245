// The two sets of programs that the mesh runs, what they are called, and where the cache keeps them.

import { join } from "node:path";

import { MeshError } from "../errors.ts";
import { type Architecture, versions } from "./versions.ts";

export type ToolName = "spire-server" | "spire-agent" | "envoy";

/** Programs that are fetched and cached together. */
export interface Toolset {
  /** Also the stage of its progress. */
  readonly id: "spire" | "envoy";
  /** `SPIRE 1.15.3`. */
  readonly title: string;
  readonly version: string;
  readonly programs: readonly ToolName[];
}

export const toolsets: readonly Toolset[] = [
  {
    id: "spire",
    title: `SPIRE ${versions.spire.version}`,
    version: versions.spire.version,
    programs: ["spire-server", "spire-agent"],
  },
  { id: "envoy", title: `Envoy ${versions.envoy.version}`, version: versions.envoy.version, programs: ["envoy"] },
];

/** Environment variables that name a program to be used instead of the cached one. */
export const environmentNames = {
  "spire-server": "MESH_SPIRE_SERVER",
  "spire-agent": "MESH_SPIRE_AGENT",
  envoy: "MESH_ENVOY",
} as const satisfies Record<ToolName, string>;

/**
 * The architecture, as SPIRE's releases and Debian name it.
 *
 * @throws MeshError MESH_PLATFORM where SPIRE's and Envoy's programs cannot run
 */
export function toolArchitecture(platform: string = process.platform, arch: string = process.arch): Architecture {
  const architecture = platform === "linux" ? architectures.get(arch) : undefined;
  if (architecture !== undefined) return architecture;
  throw new MeshError(
    "MESH_PLATFORM",
    `the native runtime runs on Linux on amd64 or arm64, not on ${platform} ${arch}`,
    {
      fix: "./mesh up --runtime docker",
    },
  );
}

const architectures: ReadonlyMap<string, Architecture> = new Map([
  ["x64", "amd64"],
  ["arm64", "arm64"],
]);

/** The folder of a toolset in the cache. A cache may be shared by machines of several architectures. */
export function toolsetDir(cacheDir: string, { id, version }: Toolset, architecture: Architecture): string {
  return join(cacheDir, "tools", `${id}-${version}-linux-${architecture}`);
}

/** Where a toolset is built or unpacked. Left as it is when that is interrupted, so that the next run goes on. */
export function workDir(cacheDir: string, { id, version }: Toolset, architecture: Architecture): string {
  return join(cacheDir, "build", `${id}-${version}-linux-${architecture}`);
}
