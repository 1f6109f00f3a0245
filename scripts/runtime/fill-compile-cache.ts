// While an image is built: node fill-compile-cache.ts PROGRAM… fills NODE_COMPILE_CACHE with what these programs load, so
// that no container strips types. Each is started without arguments, loads everything, and ends because they are missing;
// one that is not there, or does otherwise, is left out.

import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import { containerUsers } from "../plan/docker.ts";
import { leanNode } from "../plan/processes.ts";

const longestMs = 20_000;

const cacheDir = process.env["NODE_COMPILE_CACHE"];
if (cacheDir === undefined) throw new Error("NODE_COMPILE_CACHE is not set");
for (const program of process.argv.slice(2)) if (existsSync(program)) fill(program);
for (const name of readdirSync(cacheDir)) giveToUsers(join(cacheDir, name));

function fill(program: string): void {
  // Node keeps what it compiled under other flags apart.
  const flags = program.endsWith("/main.ts") ? leanNode : [];
  const options = { encoding: "utf8", env: process.env, timeout: longestMs, killSignal: "SIGKILL" } as const;
  const { status, signal, stderr } = spawnSync(process.execPath, [...flags, program], options);
  // sysexits.h: EX_USAGE of our programs, EX_CONFIG of our apps.
  if (status === 64 || status === 78) return;
  // It may be another app by now, in ours' place. Without the cache it starts a little later.
  process.stderr.write(
    `not cached: ${program} ended with ${status ?? signal}, where 64 or 78 was expected: ${stderr}\n`,
  );
}

/** Node keeps a cache per user, `v24.21.0-x64-964aae3f-<uid>`, for its own user's eyes. There is nothing secret in it. */
function giveToUsers(folder: string): void {
  chmodSync(folder, 0o755);
  for (const file of readdirSync(folder)) chmodSync(join(folder, file), 0o644);
  const { first, count } = containerUsers;
  for (let uid = first; uid < first + count; uid++) symlinkSync(folder, folder.replace(/-\d+$/, `-${uid}`));
}
