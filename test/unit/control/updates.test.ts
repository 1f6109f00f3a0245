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
