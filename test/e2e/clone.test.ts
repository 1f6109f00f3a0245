// Clones in awkward places: the whole life of a mesh from there.

import { chmod } from "node:fs/promises";
import { dirname, join } from "node:path";

import { beside, cloneTest as test, live } from "./clones.ts";
import { runtime } from "./place.ts";

const isRoot = process.getuid?.() === 0;

test("a clone and a mesh.yaml in folders with spaces in their names", async ({ clone, newPlace, expect }) => {
  const dir = await beside(clone, "a mesh");
  await live(await newPlace({ dir, program: [join(clone, "mesh")] }), expect);
});

// Natively an ordinary user has no other users to hide a clone from.
test.runIf(isRoot || runtime === "docker")(
  "a clone below a folder that other users cannot enter",
  async ({ clone, newPlace, expect }) => {
    const dir = await beside(clone, "a private mesh");
    await chmod(dirname(clone), 0o700);
    await live(await newPlace({ dir, program: [join(clone, "mesh")] }), expect);
    await chmod(dirname(clone), 0o755);
  },
);
