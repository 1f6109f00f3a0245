// The private mesh, up once for all claims of a file.

import { test as base } from "vitest";

import { toolCacheDir } from "../../scripts/tools/cache-dir.ts";
import { ensureTools } from "../../scripts/tools/ensure-tools.ts";
import { chosenEdge, chosenMesh, repositoryDir } from "./chosen.ts";
import { type PrivateMesh, type PrivateMeshOptions, startPrivateMesh } from "./instance/private-mesh.ts";

const { signal } = new AbortController();

function testOn(options: Pick<PrivateMeshOptions, "connectionSeconds">) {
  return base
    .extend("cacheDir", { scope: "file" }, toolCacheDir())
    .extend("mesh", { scope: "file" }, async ({ cacheDir }, { onCleanup }): Promise<PrivateMesh> => {
      const tools = await ensureTools({ cacheDir, offline: false, report: () => undefined, signal });
      const mesh = chosenMesh();
      const started = { mesh, edge: chosenEdge(mesh), tools, repositoryDir, cacheDir, signal, ...options };
      const instance = await startPrivateMesh(started);
      onCleanup(() => instance[Symbol.asyncDispose]());
      return instance;
    });
}

export const test = testOn({});

/** Connections end after seconds, so that their end can be seen. */
export const shortLivedTest = testOn({ connectionSeconds: { inbound: 4, outbound: 3 } });
