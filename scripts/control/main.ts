// The process controller-<name>: node scripts/control/main.ts PLANFILE TRUSTDOMAIN. Ends by SIGTERM, after the round under way.
//
// It idles for days, so it is kept small. Node strips types with a WebAssembly program that holds 25 MB once it has run:
// when it had to run, the process starts itself anew, under the same process id, from the compile cache it has just
// filled (NODE_COMPILE_CACHE).

import { flushCompileCache } from "node:module";

const secondStart = "MESH_CONTROLLER_SECOND_START";

const { runController } = await import("./run.ts");
if (process.env[secondStart] === undefined && process.env["NODE_COMPILE_CACHE"] !== undefined && hasStrippedTypes()) {
  flushCompileCache();
  const { argv, env, execArgv, execPath } = process;
  process.execve?.(execPath, [execPath, ...execArgv, ...argv.slice(1)], { ...env, [secondStart]: "1" });
}
process.exitCode = await runController(process.argv.slice(2));

function hasStrippedTypes(): boolean {
  const loaded: unknown = "moduleLoadList" in process ? process.moduleLoadList : undefined;
  return Array.isArray(loaded) && loaded.includes("NativeModule internal/deps/amaro/dist/index");
}
