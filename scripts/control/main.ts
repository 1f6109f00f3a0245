// The process controller-<name>: node scripts/control/main.ts PLANFILE TRUSTDOMAIN. Ends by SIGTERM, within a second.

import { flushCompileCache } from "node:module";

import { MeshError, exitStatus } from "../errors.ts";
import { printError } from "../output/errors.ts";
import { printNote } from "../output/print.ts";
import { loadServerApi } from "../trust/server-api.ts";
import { openController } from "./controller.ts";
import { serveController } from "./server.ts";

async function main([planFile, trustDomain]: readonly string[]): Promise<void> {
  if (planFile === undefined || trustDomain === undefined)
    throw new MeshError("MESH_USAGE", "usage: node scripts/control/main.ts PLANFILE TRUSTDOMAIN");
  await loadServerApi();
  startLean();
  const ending = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => ending.abort());
  const controller = await openController({ planFile, trustDomain, log });
  const server = await serveController(controller, controller.socket);
  await controller.run(ending.signal);
  await server.close();
}

/**
 * Node's type stripping is a WebAssembly program that keeps 25 MB once it has run; what it made lies in the compile
 * cache. So a controller that had to strip types starts itself anew, once, under the same process id.
 */
function startLean(): void {
  const loaded: unknown = "moduleLoadList" in process ? process.moduleLoadList : undefined;
  const stripped = Array.isArray(loaded) && loaded.includes("NativeModule internal/deps/amaro/dist/index");
  const { NODE_COMPILE_CACHE: cache, [startedLean]: already } = process.env;
  if (!stripped || cache === undefined || already !== undefined) return;
  flushCompileCache();
  const args = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.execve?.(process.execPath, args, { ...process.env, [startedLean]: "1" });
}

const startedLean = "MESH_CONTROLLER_LEAN";

function log(line: string): void {
  printNote(`${new Date().toISOString()} ${line}`);
}

try {
  await main(process.argv.slice(2));
  process.exitCode = exitStatus.ok;
} catch (error) {
  process.exitCode = printError(error);
}
