import { test } from "vitest";

import { MeshError } from "../../scripts/errors.ts";
import { until } from "../../scripts/wait.ts";

test("until returns what was seen", async ({ expect }) => {
  let looks = 0;
  const seen = await until("third look", () => (++looks === 3 ? "seen" : undefined), {
    deadlineMs: 1000,
    intervalMs: 1,
  });
  expect({ seen, looks }).toEqual({ seen: "seen", looks: 3 });
});

test("a wait whose time is up names the condition and what was seen last", async ({ expect }) => {
  const waiting = until("the sea is dry", () => false, {
    deadlineMs: 5,
    intervalMs: 1,
    lastSeen: () => "water",
    fix: "drink",
  });
  await expect(waiting).rejects.toMatchObject({
    code: "MESH_TIMEOUT",
    message: expect.stringMatching(/still not true: the sea is dry \(water\)$/),
    fix: "drink",
  });
});

test("a wait aborted between two looks ends at once with the reason of the abort", async ({ expect }) => {
  const interruption = new AbortController();
  const reason = new MeshError("MESH_INTERRUPTED", "interrupted by SIGINT");
  const options = { deadlineMs: 60_000, intervalMs: 60_000, signal: interruption.signal };
  const waiting = until("never", () => false, options);
  await Promise.resolve();
  interruption.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});
