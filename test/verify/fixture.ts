// The private mesh, up once for all claims of a file.

import { join } from "node:path";

import { test as base } from "vitest";

import { toolCacheDir } from "../../scripts/tools/cache-dir.ts";
import { ensureTools } from "../../scripts/tools/ensure-tools.ts";
import { chosen, readTarget, repositoryDir, type Target } from "./chosen.ts";
import { type PrivateMesh, type PrivateMeshOptions, startPrivateMesh } from "./instance/private-mesh.ts";

const { signal } = new AbortController();

function testOn(target: Target, options: Pick<PrivateMeshOptions, "connectionSeconds"> = {}) {
  return base
    .extend("cacheDir", { scope: "file" }, toolCacheDir())
    .extend("mesh", { scope: "file" }, async ({ cacheDir }, { onCleanup }): Promise<PrivateMesh> => {
      const tools = await ensureTools({ cacheDir, offline: false, report: () => undefined, signal });
      const started = { ...readTarget(target), tools, repositoryDir, cacheDir, signal, ...options };
      const instance = await startPrivateMesh(started);
      onCleanup(() => instance[Symbol.asyncDispose]());
      return instance;
    });
}

export const test = testOn(chosen);

/** Both ends in one trust domain. */
export const insideTest = testOn({
  meshFile: join(repositoryDir, "test/golden/meshes/one-domain.yaml"),
  edge: "",
});

/** Connections end after seconds, so that their end can be seen. */
export const shortLivedTest = testOn(chosen, { connectionSeconds: { inbound: 4, outbound: 3 } });
