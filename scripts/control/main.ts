// The process controller-<name>: node scripts/control/main.ts PLANFILE TRUSTDOMAIN. Ends by SIGTERM, within a second.
//
// It idles for days, so it is made small before it begins: started anew under the same process id until its V8 has no
// compilers to keep in memory and its modules come from a compile cache of its own. Measured: 125 MB → 73 MB resident.

import { flushCompileCache } from "node:module";
import { dirname, join } from "node:path";

/** No compilers, and a small nursery: what it does every few seconds costs the same interpreted. */
const leanFlags = ["--no-opt", "--no-maglev", "--no-sparkplug", "--max-semi-space-size=1"];
const attemptVariable = "MESH_CONTROLLER_LEAN_ATTEMPT";

const attempt = Number(process.env[attemptVariable] ?? 0);
const isLean =
  process.env["NODE_COMPILE_CACHE"] !== undefined && leanFlags.every((flag) => process.execArgv.includes(flag));
if (!isLean && attempt === 0) startAnew();
const { runController } = await import("./run.ts");
// Node's type stripping is a WebAssembly program that keeps 25 MB once it has run; what it made is in the cache now.
if (attempt < 2 && hasStrippedTypes()) {
  flushCompileCache();
  startAnew();
}
process.exitCode = await runController(process.argv.slice(2));

function startAnew(): void {
  const { argv, env, execPath } = process;
  const planFile = argv[2];
  // Without a plan there is nothing to be small for; where the call is missing (not POSIX), so be it.
  if (planFile === undefined || process.execve === undefined) return;
  const flags = process.execArgv.filter((flag) => !leanFlags.includes(flag));
  process.execve(execPath, [execPath, ...leanFlags, ...flags, ...argv.slice(1)], {
    NODE_COMPILE_CACHE: join(dirname(planFile), "compile-cache"),
    ...env,
    [attemptVariable]: String(attempt + 1),
  });
}

function hasStrippedTypes(): boolean {
  const loaded: unknown = "moduleLoadList" in process ? process.moduleLoadList : undefined;
  return Array.isArray(loaded) && loaded.includes("NativeModule internal/deps/amaro/dist/index");
}
