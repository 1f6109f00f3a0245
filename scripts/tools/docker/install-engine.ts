// Installs Debian's Docker engine where it is missing. For CI and tests: see ensureEngine.

import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";

import { MeshError } from "../../errors.ts";
import type { Report } from "../../events.ts";
import { runToSuccess } from "../child.ts";

export interface InstallOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Programs that an engine needs, and Debian's packages that bring them. iptables: docker.io only recommends it. */
const packagesOfPrograms = { dockerd: "docker.io", docker: "docker.io", iptables: "iptables", ip: "iproute2" };

/**
 * Installs the packages of the programs that are missing. About 15 s.
 *
 * @throws MeshError MESH_PREREQUISITE where there is no apt-get, MESH_TOOL_FETCH or MESH_DISK_FULL when apt-get fails;
 * the signal's reason, once apt-get has ended
 */
export async function installEngine(options: InstallOptions): Promise<void> {
  await installPrograms(packagesOfPrograms, options);
}

/**
 * Installs Debian's packages of those programs that the environment's PATH does not find.
 *
 * @throws MeshError as installEngine
 */
export async function installPrograms(
  packagesOf: Readonly<Record<string, string>>,
  { env, report, signal, stage = "docker" }: InstallOptions & { readonly stage?: string },
): Promise<void> {
  const wanted = await Promise.all(
    Object.entries(packagesOf).map(async ([program, name]) =>
      (await findProgram(program, env)) === undefined ? [name] : [],
    ),
  );
  const packages = [...new Set(wanted.flat())];
  if (packages.length === 0) return;
  if ((await findProgram("apt-get", env)) === undefined) throw cannotInstall(packages);
  const begun = performance.now();
  report({ kind: "start", stage, message: `installing Debian's ${packages.join(", ")}` });
  // apt-get that is killed half-way leaves packages half configured: it gets the time to end by itself.
  const options = { env: { ...env, DEBIAN_FRONTEND: "noninteractive" }, signal, patienceMs: 60_000, fix };
  await runToSuccess("reading Debian's lists of packages", ["apt-get", ...aptFlags, "update"], options);
  const install = ["apt-get", ...aptFlags, "install", "--yes", "--no-install-recommends", ...packages];
  await runToSuccess(`installing ${packages.join(", ")}`, install, options);
  const message = `${packages.join(", ")} installed`;
  report({ kind: "done", stage, message, elapsedMs: performance.now() - begun });
}

const fix = "see that apt-get reaches its mirror (apt-get update), or install them yourself; then run this again";
/** Another apt-get may be at work. */
const aptFlags = ["-q", "-o", "DPkg::Lock::Timeout=120"];

/** The path of a program, as the PATH of an environment finds it. */
export async function findProgram(program: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const folder of (env["PATH"] ?? "").split(delimiter)) {
    const file = join(folder, program);
    if (folder !== "" && (await isExecutable(file))) return file;
  }
  return undefined;
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    // Whatever keeps it from being run: it cannot be used.
    return false;
  }
}

function cannotInstall(packages: readonly string[]): MeshError {
  return new MeshError("MESH_PREREQUISITE", "a program is missing, and there is no apt-get to install it", {
    details: [`missing: ${packages.join(", ")}`],
    fix: "install what is missing, then run this again",
  });
}
