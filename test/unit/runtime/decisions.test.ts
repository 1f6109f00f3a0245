import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { test } from "vitest";

import { parseMesh } from "../../../scripts/model/parse.ts";
import { forgetServing, readServing, servedOtherwise, writeServing } from "../../../scripts/runtime/decisions.ts";
import { tempDir } from "./temp-dir.ts";

const mesh = parseMesh(
  `trustDomains: { a.example: {} }
workloads:
  quotes: { spiffeId: spiffe://a.example/quotes, app: { node: apps/quotes/server.ts } }
`,
  { file: "mesh.yaml" },
);
const go = { kind: "command", command: ["./quotes"], workingDir: "examples/quotes-go", health: "/health" } as const;
const serving = { quotes: { 2: { app: go, weight: 1 } } };

test("what was decided is read again, for its owner alone, until it is forgotten", async ({
  expect,
  onTestFinished,
}) => {
  const path = await tempDir(onTestFinished);
  expect(await readServing({ path }, mesh)).toEqual({});
  await writeServing({ path }, { ...serving, gone: serving.quotes }, mesh);
  expect((await stat(join(path, "decisions/serving.json"))).mode & 0o777).toBe(0o600);
  // Of a workload that mesh.yaml has no more nothing is decided.
  expect(await readServing({ path }, mesh)).toEqual(serving);
  await forgetServing({ path });
  expect(await readServing({ path }, mesh)).toEqual({});
});

test("what mesh.yaml says itself is no swap", ({ expect }) => {
  const declared = { kind: "node", entry: "apps/quotes/server.ts", health: "/health" } as const;
  expect(servedOtherwise(mesh, serving)).toEqual([{ workload: "quotes", app: "examples/quotes-go" }]);
  expect(servedOtherwise(mesh, { quotes: { 2: { app: declared, weight: 1 } } })).toEqual([]);
});

test("an app that gets no new requests does not serve", ({ expect }) => {
  const both = { quotes: { 1: { app: go, weight: 0 }, 2: { app: { ...go, workingDir: "examples/two" }, weight: 1 } } };
  expect(servedOtherwise(mesh, both)).toEqual([{ workload: "quotes", app: "examples/two" }]);
});

test("without a mesh.yaml that can be read, whatever was decided is told", ({ expect }) => {
  expect(servedOtherwise(undefined, serving)).toEqual([{ workload: "quotes", app: "examples/quotes-go" }]);
});

test("a slot with mesh.yaml's app has what mesh.yaml says by then, and slot 1 is where that is anyway", async ({
  expect,
  onTestFinished,
}) => {
  const path = await tempDir(onTestFinished);
  const declared = { kind: "node", entry: "apps/quotes/server.ts", health: "/health" } as const;
  await writeServing({ path }, { quotes: { 2: { app: declared, weight: 1 } } }, mesh);
  const edited = { workloads: [{ name: "quotes", app: go }] };
  expect(await readServing({ path }, edited)).toEqual(serving);
  expect(await readServing({ path }, { workloads: [{ name: "quotes" }] })).toEqual({});
  await writeServing({ path }, { quotes: { 1: { app: declared, weight: 1 } } }, mesh);
  await expect(stat(join(path, "decisions/serving.json"))).rejects.toThrow("ENOENT");
});

test.for(["{", "[]", '{"version":2,"serving":{}}'])(
  "%s is told as damaged, with what to do",
  async (text, { expect, onTestFinished }) => {
    const path = await tempDir(onTestFinished);
    await writeServing({ path }, serving, mesh);
    await writeFile(join(path, "decisions/serving.json"), text);
    await expect(readServing({ path }, mesh)).rejects.toMatchObject({
      code: "MESH_STATE_INVALID",
      fix: expect.stringContaining("serving.json; then ./mesh up"),
    });
  },
);
