// Where the tool cache lies. The launcher has the same rule in shell; test/unit/tools/launcher.test.ts holds the two
// together.

import { homedir } from "node:os";
import { join, resolve } from "node:path";

const name = "federated-spiffe-mesh";

export interface CacheDirOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly uid?: number | undefined;
}

/** `$MESH_CACHE`, else a folder in /var/cache for root, else one in `$XDG_CACHE_HOME` or ~/.cache. Absolute. */
export function toolCacheDir({ env = process.env, uid = process.getuid?.() }: CacheDirOptions = {}): string {
  if (env["MESH_CACHE"]) return resolve(env["MESH_CACHE"]);
  if (uid === 0) return join("/var/cache", name);
  return resolve(env["XDG_CACHE_HOME"] || join(env["HOME"] || homedir(), ".cache"), name);
}
