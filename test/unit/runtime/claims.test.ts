import { test } from "vitest";

import { claimLoopback } from "../../../scripts/runtime/claims.ts";
import { choosingName, heldName, holdName } from "../../../scripts/runtime/exclusive.ts";

test("a name is held by one at a time, and free again when let go", async ({ expect }) => {
  const name = `mesh/test/${process.pid}`;
  const first = await holdName(name);
  expect(first).toBeDefined();
  expect(await holdName(name)).toBeUndefined();
  await first?.[Symbol.asyncDispose]();
  await using second = await holdName(name);
  expect(second).toBeDefined();
});

test("two commands that choose at once choose different blocks", async ({ expect }) => {
  const claims = await Promise.all(Array.from({ length: 5 }, () => claimLoopback({ preferred: 3990, ports: [] })));
  expect(new Set(claims.map(({ block }) => block)).size).toBe(5);
  expect(claims.map(({ block }) => block)).toContain(3990);
  await Promise.all(claims.map((claim) => claim[Symbol.asyncDispose]()));
});

test("the block of before is taken again, unless a mesh holds it", async ({ expect }) => {
  {
    await using claim = await claimLoopback({ preferred: 3991, ports: [9443] });
    expect(claim.block).toBe(3991);
    expect(await holdName(choosingName("loopback", 3991))).toBeUndefined();
  }
  await using _mesh = await holdName(heldName(3991));
  await using other = await claimLoopback({ preferred: 3991, ports: [] });
  expect(other.block).not.toBe(3991);
});
