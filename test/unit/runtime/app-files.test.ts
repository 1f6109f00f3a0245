import { join } from "node:path";

import { test } from "vitest";

import { parseMesh } from "../../../scripts/model/parse.ts";
import { checkAppFiles, refuseWhatImagesLack } from "../../../scripts/runtime/app-files.ts";

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
  const mesh = meshWith("{ node: apps/broker/server.ts }", "{ command: [node_modules/.bin/tsc], workingDir: . }");
  await expect(checkAppFiles(mesh, repositoryDir)).resolves.toBeUndefined();
});

test("every file and folder that is not there is named", async ({ expect }) => {
  const mesh = meshWith("{ node: apps/broker/sever.ts }", "{ command: [./quotes], workingDir: apps/none }");
  await expect(checkAppFiles(mesh, repositoryDir)).rejects.toMatchObject({
    code: "MESH_INPUT_INVALID",
    details: [
      "workload broker: there is no file apps/broker/sever.ts (node)",
      "workload quotes: there is no folder apps/none (workingDir)",
      "workload quotes: there is no program ./quotes (command)",
    ],
  });
});

test("a folder is no program, and a file is no folder", async ({ expect }) => {
  const mesh = meshWith("{ node: apps/broker }", "{ command: [sh], workingDir: package.json }");
  await expect(checkAppFiles(mesh, repositoryDir)).rejects.toMatchObject({
    details: [expect.stringContaining("no file apps/broker"), expect.stringContaining("no folder package.json")],
  });
});

test("what the image of the apps does not hold is refused for containers", ({ expect }) => {
  const mesh = meshWith("{ node: test/app.ts }", "{ command: [./quotes], workingDir: apps2, build: [make] }");
  expect(() => refuseWhatImagesLack(mesh)).toThrow(
    expect.objectContaining({
      code: "MESH_INPUT_INVALID",
      details: [
        "workload broker: test/app.ts (node) is not below apps/",
        "workload quotes: apps2 (workingDir) is not below apps/",
        "workload quotes: `build` is not run in containers",
      ],
    }),
  );
});

test("apps below apps/ and images are no problem for containers", ({ expect }) => {
  const mesh = meshWith("{ node: apps/broker/server.ts }", "{ image: debian:12-slim, listen: 127.0.0.1:8000 }");
  expect(() => refuseWhatImagesLack(mesh)).not.toThrow();
});

test("a program is looked for as it will be", async ({ expect }) => {
  const good = meshWith("{ command: [sh, -c, exit] }", "{ command: [./later], build: [make] }");
  await expect(checkAppFiles(good, repositoryDir)).resolves.toBeUndefined();
  const bad = meshWith("{ command: [no-such-program] }", "{ command: [./package.json] }");
  await expect(checkAppFiles(bad, repositoryDir)).rejects.toMatchObject({
    details: [
      "workload broker: there is no program no-such-program (command)",
      "workload quotes: there is no program ./package.json (command)",
    ],
  });
});
