// The fixture `clone`: a copy of the checkout in an awkward place; and the whole life of a mesh from there.

import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { type ExpectStatic } from "vitest";

import { copyCheckout } from "./checkout.ts";
import { tracesOf } from "./inside.ts";
import { placeTest } from "./mesh.ts";
import { type Place, quotesFlow } from "./place.ts";

/** A clone in a folder with a space in its name. */
export const cloneTest = placeTest
  .extend("parent", { scope: "file" }, tmpdir())
  .extend("clone", { scope: "file" }, async ({ parent }, { onCleanup }) => {
    const dir = await mkdtemp(join(parent, "mesh clones-"));
    onCleanup(() => rm(dir, { recursive: true }));
    await chmod(dir, 0o755);
    return copyCheckout(join(dir, "a clone"));
  });

/** A new folder beside the clone. */
export async function beside(clone: string, name: string): Promise<string> {
  const dir = join(dirname(clone), name);
  await mkdir(dir);
  return dir;
}

/** up, quotes, status, up again, down; nothing of it is left. */
export async function live(place: Place, expect: ExpectStatic): Promise<void> {
  await place.must("up");
  const traces = await tracesOf(place);
  await quotesFlow(place, 5000);
  expect((await place.status()).problems).toEqual([]);
  expect((await place.must("up")).stdout).toBe("unchanged\n");
  await place.must("down");
  expect(await traces.remains()).toEqual([]);
}
