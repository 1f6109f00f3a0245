// Builds SPIRE from the Go module proxy, by the module in spire/build: its go.mod and go.sum pin every source.
// Everything Go writes goes into the given folder.

import { mkdir, readFile, rm } from "node:fs/promises";
import { freemem } from "node:os";
import { join } from "node:path";

import type { Report } from "../events.ts";
import { describeGoBuild, reportSteadily } from "./build-progress.ts";
import { runToSuccess } from "./child.ts";
import { openGoTally } from "./go-tally.ts";
import { compareVersions } from "./versions.ts";

export interface SpireBuildOptions {
  readonly version: string;
  /** Kept when interrupted: a second build goes on from there. */
  readonly dir: string;
  /** The Go on this machine, e.g. `1.26.8`. */
  readonly goVersion: string;
  readonly cCompiler: string;
  readonly env: NodeJS.ProcessEnv;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** The module that names what is built. */
export const buildModuleDir = join(import.meta.dirname, "../../spire/build");
const commands = ["github.com/spiffe/spire/cmd/spire-server", "github.com/spiffe/spire/cmd/spire-agent"];
const fix = "see that Go reaches its module proxy (go env GOPROXY), then run this again: it goes on where it stopped";

/**
 * Builds spire-server and spire-agent; 4–6 minutes on two cores when nothing is there yet. Returns their folder.
 *
 * @throws MeshError MESH_TOOL_FETCH, MESH_DISK_FULL; the signal's reason
 */
export async function buildSpire(options: SpireBuildOptions): Promise<string> {
  const { dir, report, signal, version } = options;
  await rm(join(dir, "tmp"), { recursive: true, force: true });
  for (const folder of ["tmp", "bin", "config"]) await mkdir(join(dir, folder), { recursive: true });
  const goEnv = goEnvironment({ ...options, required: await requiredGo() });
  const tally = await openGoTally(join(dir, "compiled.txt"));
  await using _shown = reportSteadily({ stage: "spire", report }, () => describeGoBuild(tally.counts()));
  const go = (what: string, args: readonly string[]): Promise<string> =>
    runToSuccess(what, ["go", ...args], { cwd: buildModuleDir, env: goEnv, signal, onLine: tally.add, fix });
  const listed = await go("downloading SPIRE's Go modules", ["list", "-deps", ...commands]);
  // `unsafe` is a package without code: Go lists it and does not compile it.
  tally.setPackages(listed.split("\n").filter((name) => name !== "unsafe").length);
  await go(`building SPIRE ${version}`, ["install", "-v", ...buildFlags(version), ...commands]);
  return join(dir, "bin");
}

/**
 * -s -w and -dwarf=false leave out what only a debugger reads: a quarter of the compiler's work. Stack traces of a
 * crash are as good without. The -X is how SPIRE's own Makefile stamps a release; without it `--version` says
 * `-dev-unk`.
 */
function buildFlags(version: string): string[] {
  const stamp = `-X github.com/spiffe/spire/pkg/common/version.gittag=${version}`;
  return ["-gcflags=all=-dwarf=false", `-ldflags=-s -w ${stamp}`];
}

interface GoEnvironmentOptions {
  readonly dir: string;
  readonly goVersion: string;
  /** What go.mod asks for. */
  readonly required: string;
  readonly cCompiler: string;
  readonly env: NodeJS.ProcessEnv;
  readonly freeMemory?: number;
}

/**
 * The user's environment (proxies, GOPROXY, GONOSUMDB, …) with everything that Go writes moved into the folder, and
 * nothing that would build something else (GOFLAGS, GOOS, a go.work file in a parent folder).
 */
export function goEnvironment(options: GoEnvironmentOptions): NodeJS.ProcessEnv {
  const { dir, goVersion, required, cCompiler, env, freeMemory = freemem() } = options;
  const { GOOS: _os, GOARCH: _arch, ...kept } = env;
  const userConfig = env["XDG_CONFIG_HOME"] ?? join(env["HOME"] ?? "/", ".config");
  return {
    ...kept,
    GO111MODULE: "on",
    GOWORK: "off",
    // -modcacherw: without it an ordinary user cannot remove the module cache (its folders are read-only).
    GOFLAGS: "-mod=readonly -trimpath -buildvcs=false -modcacherw",
    GOBIN: join(dir, "bin"),
    GOMODCACHE: join(dir, "modules"),
    GOCACHE: join(dir, "cache"),
    GOTMPDIR: join(dir, "tmp"),
    TMPDIR: join(dir, "tmp"),
    // Go's telemetry writes below XDG_CONFIG_HOME; `go env -w` settings, such as a GOPROXY, stay the user's.
    GOENV: env["GOENV"] ?? join(userConfig, "go", "env"),
    XDG_CONFIG_HOME: join(dir, "config"),
    // An older Go fetches, as a module, the one that go.mod asks for.
    GOTOOLCHAIN: compareVersions(goVersion, required) >= 0 ? "local" : `go${required}`,
    CGO_ENABLED: "1",
    CC: cCompiler,
    // The compiler collects garbage less often where memory allows: a tenth of its time.
    GOGC: env["GOGC"] ?? (freeMemory >= 6 * 1024 ** 3 ? "400" : "100"),
  };
}

async function requiredGo(): Promise<string> {
  const goMod = await readFile(join(buildModuleDir, "go.mod"), "utf8");
  const version = /^go (\S+)$/mu.exec(goMod)?.[1];
  if (version === undefined) throw new Error("spire/build/go.mod has no go line");
  return version;
}
