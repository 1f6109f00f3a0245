import { join } from "node:path";

import { test } from "vitest";

import { parseMesh } from "../../../scripts/model/parse.ts";
import { checkAppFiles } from "../../../scripts/runtime/app-files.ts";

const repositoryDir = join(import.meta.dirname, "../../..");

function meshWith(broker: string, quotes: string) {
  const text = `trustDomains: { a.example: {} }
workloads:
  broker: { spiffeId: spiffe://a.example/broker, app: ${broker} }
  quotes: { spiffeId: spiffe://a.example/quotes, app: ${quotes} }
`;
  return parseMesh(text, { file: "mesh.yaml" });
}

test("files and folders that are there are no problem", async ({ expect }) => {
  const mesh = meshWith("{ node: apps/broker/server.ts }", "{ command: [./quotes], workingDir: apps/quotes }");
  await expect(checkAppFiles(mesh, repositoryDir)).resolves.toBeUndefined();
});

test("every file and folder that is not there is named", async ({ expect }) => {
  const mesh = meshWith("{ node: apps/broker/sever.ts }", "{ command: [./quotes], workingDir: apps/none }");
  await expect(checkAppFiles(mesh, repositoryDir)).rejects.toMatchObject({
    code: "MESH_INPUT_INVALID",
    details: [
      "workload broker: there is no file apps/broker/sever.ts (node)",
      "workload quotes: there is no folder apps/none (workingDir)",
    ],
  });
});

test("a folder is no program, and a file is no folder", async ({ expect }) => {
  const mesh = meshWith("{ node: apps/broker }", "{ command: [./quotes], workingDir: package.json }");
  await expect(checkAppFiles(mesh, repositoryDir)).rejects.toMatchObject({
    details: [expect.stringContaining("no file apps/broker"), expect.stringContaining("no folder package.json")],
  });
});
