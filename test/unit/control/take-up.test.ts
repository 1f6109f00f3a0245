import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { test } from "vitest";

import { rejectionError, takeUp, type DynamicFiles } from "../../../scripts/control/take-up.ts";
import { dynamicFileNames, type DynamicFileName } from "../../../scripts/render/dynamic.ts";
import type { SidecarPlan } from "../../../scripts/plan/plan.ts";
import { sidecarOf, socketFolder } from "../observe/fixtures.ts";
import { countingSidecar } from "./fixtures.ts";

const first: DynamicFiles = {
  "endpoints.yaml": "endpoints 1",
  "policy.yaml": "policy 1",
  "clusters.yaml": "clusters 1",
  "listeners.yaml": "listeners 1",
};

async function contents({ dynamicDir }: SidecarPlan): Promise<Record<string, string>> {
  const read = async (file: DynamicFileName) => [file, await readFile(join(dynamicDir, file), "utf8")] as const;
  return Object.fromEntries(await Promise.all(dynamicFileNames.map(read)));
}

test("a sidecar takes up what differs and nothing else", async ({ expect }) => {
  await using folder = await socketFolder();
  const { plan, attempts } = await countingSidecar(folder);
  expect(await takeUp(plan, first)).toEqual({ replaced: [...dynamicFileNames] });
  expect(await takeUp(plan, first)).toEqual({ replaced: [] });
  const second = { ...first, "policy.yaml": "policy 2" };
  expect(await takeUp(plan, second)).toEqual({ replaced: ["policy.yaml"] });
  expect(await contents(plan)).toEqual(second);
  expect(attempts("policy.yaml")).toBe(2);
  expect(attempts("listeners.yaml")).toBe(1);
});

test("a rejected update is put back whole, with Envoy's reason", async ({ expect }) => {
  await using folder = await socketFolder();
  const { plan } = await countingSidecar(folder);
  await takeUp(plan, first);
  const bad = { ...first, "endpoints.yaml": "endpoints 2", "listeners.yaml": "reject this" };
  const { replaced, rejection } = await takeUp(plan, bad);
  expect(replaced).toEqual([]);
  expect(rejection).toEqual({
    file: "listeners.yaml",
    reason: "missing )",
  });
  expect(await contents(plan)).toEqual(first);
});

test("what refers to a rejected file is not written", async ({ expect }) => {
  await using folder = await socketFolder();
  const { plan, attempts } = await countingSidecar(folder);
  await takeUp(plan, first);
  const bad = { ...first, "clusters.yaml": "reject this", "listeners.yaml": "listeners 2" };
  expect(await takeUp(plan, bad)).toEqual({ replaced: [], rejection: { file: "clusters.yaml" } });
  expect(attempts("listeners.yaml")).toBe(1);
});

test("the error of a rejection names the sidecar, the file and where the reason is", async ({ expect }) => {
  const taken = { file: "listeners.yaml" as const, reason: "cannot bind '127.64.2.2:9443': Address already in use" };
  expect(rejectionError(sidecarOf("quotes"), taken)).toMatchObject({
    message: "quotes-sidecar cannot listen on 127.64.2.2:9443: somebody else does",
    fix: expect.stringContaining("ss -ltnp | grep 127.64.2.2:9443"),
  });
  const withReason = rejectionError(sidecarOf("quotes"), { file: "listeners.yaml", reason: "cannot bind" });
  expect(withReason).toMatchObject({
    code: "MESH_UPDATE_REJECTED",
    message: "quotes-sidecar rejected listeners.yaml: cannot bind",
  });
  expect(rejectionError(sidecarOf("quotes"), { file: "policy.yaml" }).fix).toContain("./mesh logs quotes-sidecar");
});

test("a sidecar that does not run is not waited for", async ({ expect }) => {
  await using folder = await socketFolder();
  const { plan } = await countingSidecar(folder);
  const away = { ...plan, adminSocket: folder.path("nobody.sock") };
  expect(await takeUp(away, first)).toEqual({ replaced: [...dynamicFileNames] });
  expect(await contents(plan)).toEqual(first);
});

test("a sidecar that runs and reads nothing ends the wait with the unmet condition", async ({ expect }) => {
  await using folder = await socketFolder();
  const stats = "cluster.quotes_app.update_attempt: 1\ncluster.quotes_app.update_success: 1\n";
  const { plan } = await countingSidecar(folder);
  const adminSocket = await folder.serve("stuck.sock", (_, response) => response.end(stats));
  await expect(takeUp({ ...plan, adminSocket }, first, { deadlineMs: 50 })).rejects.toMatchObject({
    code: "MESH_TIMEOUT",
    message: expect.stringContaining("quotes-sidecar has read its new endpoints.yaml"),
  });
});

test("a sidecar whose admin socket hangs is named, with where to look", async ({ expect }) => {
  await using folder = await socketFolder();
  const { plan } = await countingSidecar(folder);
  const adminSocket = await folder.serve("hanging.sock", () => undefined);
  await expect(takeUp({ ...plan, adminSocket }, first)).rejects.toMatchObject({
    code: "MESH_TIMEOUT",
    message: "quotes-sidecar runs and its admin socket does not answer in time",
    fix: "./mesh logs quotes-sidecar",
  });
});

test("a file that a killed writer left half-way does no harm", async ({ expect }) => {
  await using folder = await socketFolder();
  const { plan } = await countingSidecar(folder);
  await writeFile(join(plan.dynamicDir, "policy.yaml.new"), "half", { mode: 0o400 });
  await takeUp(plan, first);
  expect(await contents(plan)).toEqual(first);
});
