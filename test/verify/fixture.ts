// The private mesh, up once for all claims of a file.

import { test as base } from "vitest";

import { toolCacheDir } from "../../scripts/tools/cache-dir.ts";
import { ensureTools } from "../../scripts/tools/ensure-tools.ts";
import { chosenEdge, chosenMesh, repositoryDir } from "./chosen.ts";
import { startPrivateMesh } from "./instance/private-mesh.ts";

const { signal } = new AbortController();

export const test = base
  .extend("cacheDir", { scope: "file" }, toolCacheDir())
  .extend("mesh", { scope: "file" }, async ({ cacheDir }, { onCleanup }) => {
    const tools = await ensureTools({ cacheDir, offline: false, report: () => undefined, signal });
    const mesh = chosenMesh();
    const instance = await startPrivateMesh({ mesh, edge: chosenEdge(mesh), tools, repositoryDir, cacheDir, signal });
    onCleanup(() => instance[Symbol.asyncDispose]());
    return instance;
  });
