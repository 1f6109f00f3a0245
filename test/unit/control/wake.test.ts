import { mkdir, writeFile } from "node:fs/promises";

import { test } from "vitest";

import { wakeOnChange } from "../../../scripts/control/wake.ts";
import { socketFolder } from "../observe/fixtures.ts";

const never = new AbortController().signal;
const long = 60_000;

test("rests until its time is over", async ({ expect }) => {
  const wake = wakeOnChange();
  expect(await wake.rest(5, never)).toBe(false);
});

test("wakes when something appears in a folder, also in one that was not there at first", async ({ expect }) => {
  await using folder = await socketFolder();
  const late = folder.path("late");
  const wake = wakeOnChange();
  wake.watchFolders([late]);
  await mkdir(late);
  wake.watchFolders([late]);
  const rested = wake.rest(long, never);
  await writeFile(`${late}/bundle.json`, "{}");
  expect(await rested).toBe(true);
  wake.close();
});

test("what happened during the round ends the next rest at once", async ({ expect }) => {
  const wake = wakeOnChange();
  wake.now();
  expect(await wake.rest(long, never)).toBe(true);
  expect(await wake.rest(1, never)).toBe(false);
});

test("a folder that is no longer watched does not wake", async ({ expect }) => {
  await using folder = await socketFolder();
  const wake = wakeOnChange();
  wake.watchFolders([folder.path("")]);
  wake.watchFolders([]);
  await writeFile(folder.path("bundle.json"), "{}");
  expect(await wake.rest(20, never)).toBe(false);
  wake.close();
});

test("ends when it is told to end", async ({ expect }) => {
  const ending = new AbortController();
  const rested = wakeOnChange().rest(long, ending.signal);
  ending.abort();
  expect(await rested).toBe(false);
});

test("wakes at once, and then not again before the gap is over, however often something happens", async ({
  expect,
}) => {
  const gapMs = 1000; // Far more than a busy machine takes for nothing.
  const wake = wakeOnChange({ gapMs });
  wake.now();
  const start = performance.now();
  expect(await wake.rest(long, never)).toBe(true);
  const first = performance.now();
  expect(first - start).toBeLessThan(gapMs);
  wake.now();
  expect(await wake.rest(long, never)).toBe(true);
  // A timer may end up to a millisecond early.
  expect(performance.now() - first).toBeGreaterThan(gapMs - 2);
});
