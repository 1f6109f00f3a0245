import { test } from "vitest";

import { takeUp } from "../../../scripts/control/take-up.ts";
import { sidecarUpdates } from "../../../scripts/control/updates.ts";
import { renderDynamic } from "../../../scripts/render/dynamic.ts";
import { socketFolder } from "../observe/fixtures.ts";
import { countingSidecar } from "./fixtures.ts";

test("an update that was rejected is not tried again until something else is wanted or a command asks", async ({
  expect,
}) => {
  await using folder = await socketFolder();
  // Only the heading of listeners.yaml has the word. There was no file before, so there is none to put back.
  const { plan, attempts } = await countingSidecar(folder, "LDS");
  const updates = sidecarUpdates();
  expect((await updates.bring(plan)).rejection?.file).toBe("listeners.yaml");
  const tried = attempts("listeners.yaml");
  expect((await updates.bring(plan)).rejection?.file).toBe("listeners.yaml");
  expect(attempts("listeners.yaml")).toBe(tried);
  expect(updates.rejection(plan)?.file).toBe("listeners.yaml");
  await updates.bring(plan, { insist: true });
  expect(attempts("listeners.yaml")).toBeGreaterThan(tried);
});

test("a controller that starts later finds out whether counted rejections are past", async ({ expect }) => {
  await using folder = await socketFolder();
  const { plan, attempts } = await countingSidecar(folder, "reject this");
  await takeUp(plan, { ...renderDynamic(plan), "policy.yaml": "reject this" });
  const updates = sidecarUpdates();
  await updates.bring(plan);
  expect(updates.rejection(plan)).toBeUndefined();
  expect(updates.pastRejections(plan, "policy.yaml")).toBe(1);
  const tried = attempts("policy.yaml");
  await updates.bring(plan);
  expect(attempts("policy.yaml")).toBe(tried);
  // Another controller knows nothing of that rejection, and has Envoy judge the same content again, once.
  const restarted = sidecarUpdates();
  await restarted.bring(plan);
  await restarted.bring(plan);
  expect(attempts("policy.yaml")).toBe(tried + 1);
  expect(restarted.pastRejections(plan, "policy.yaml")).toBe(1);
});

test("an address that was taken is tried again every round, and served on once it is free", async ({ expect }) => {
  await using folder = await socketFolder();
  const { plan, attempts, reject } = await countingSidecar(folder);
  reject("LDS", "cannot bind '127.64.2.2:9443': Address already in use");
  const updates = sidecarUpdates();
  const rejection = { file: "listeners.yaml", reason: "cannot bind '127.64.2.2:9443': Address already in use" };
  for (const round of [1, 2, 3]) {
    expect((await updates.bring(plan)).rejection).toEqual(rejection);
    expect(attempts("listeners.yaml")).toBe(round);
  }
  reject("words that no file has");
  expect(await updates.bring(plan)).toEqual({ replaced: ["listeners.yaml"] });
  expect(updates.rejection(plan)).toBeUndefined();
  expect(await updates.bring(plan)).toEqual({ replaced: [] });
  expect(attempts("listeners.yaml")).toBe(4);
  expect(attempts("policy.yaml")).toBe(1);
});

test("a sidecar that started where an address was taken is found, and made to try again", async ({ expect }) => {
  await using folder = await socketFolder();
  const { plan, attempts, reject } = await countingSidecar(folder);
  const updates = sidecarUpdates();
  await updates.bring(plan);
  // As Envoy does at its start: it reads the files as they are.
  reject("LDS", "cannot bind '127.64.2.2:9443': Address already in use");
  await takeUp(plan, renderDynamic(plan), { again: ["listeners.yaml"] });
  expect(attempts("listeners.yaml")).toBe(2);
  expect((await updates.bring(plan)).rejection?.reason).toContain("cannot bind");
  reject("words that no file has");
  expect(await updates.bring(plan)).toEqual({ replaced: ["listeners.yaml"] });
  expect(updates.rejection(plan)).toBeUndefined();
});
