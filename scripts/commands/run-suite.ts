// Runs one project of vitest.config.ts with real programs, for `./mesh test` and `./mesh verify`. Promise: interrupted, it
// lets the test under way clean up what it started.

import type { Reporter, TestModule } from "vitest/node";

import { ensureTools } from "../tools/ensure-tools.ts";
import type { Context } from "./context.ts";

export interface SuiteRun {
  readonly modules: readonly TestModule[];
  /** Messages of what broke beside the tests: a file that cannot be loaded, an error nobody caught. */
  readonly broken: readonly string[];
}

export interface SuiteOptions {
  readonly project: string;
  /** Parts of files' paths; all of the project unless given. */
  readonly files?: readonly string[];
  /** In place of vitest's own. */
  readonly reporter?: Reporter;
}

const interruptions = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** @throws the signal's reason, once what ran has ended */
export async function runSuite({ repositoryDir, signal }: Context, options: SuiteOptions): Promise<SuiteRun> {
  const { startVitest } = await import("vitest/node");
  const ours = new Map(interruptions.map((name) => [name, new Set<unknown>(process.listeners(name))]));
  const interruptible: Reporter = {
    onInit(vitest) {
      // Its own answer to these is to exit at once, and the meshes of its tests would live on.
      for (const [name, kept] of ours)
        for (const listener of process.listeners(name)) if (!kept.has(listener)) process.off(name, listener);
      signal.addEventListener("abort", () => void vitest.cancelCurrentRun("keyboard-input"), { once: true });
    },
  };
  const vitest = await startVitest("test", [...(options.files ?? [])], {
    root: repositoryDir,
    project: [options.project],
    watch: false,
    reporters: [options.reporter ?? "default", interruptible],
  });
  const modules = vitest.state.getTestModules();
  const errors = [...modules.flatMap((module) => module.errors()), ...vitest.state.getUnhandledErrors()];
  await vitest.close();
  signal.throwIfAborted();
  return {
    modules,
    broken: errors.map((error) =>
      error instanceof Object && "message" in error ? String(error.message) : String(error),
    ),
  };
}

/** Real SPIRE and Envoy, found or built once; tests and what they start find them by these variables. */
export async function provideTools({ cacheDir, offline, report, signal }: Context): Promise<void> {
  const tools = await ensureTools({ cacheDir, offline, report, signal });
  process.env["MESH_CACHE"] = cacheDir;
  process.env["MESH_SPIRE_SERVER"] = tools.spireServer;
  process.env["MESH_SPIRE_AGENT"] = tools.spireAgent;
  process.env["MESH_ENVOY"] = tools.envoy;
}
