// Clones in awkward places, and one of an ordinary user: the whole life of a mesh from there.

import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { type ExpectStatic } from "vitest";

import { ownerOf } from "../../scripts/runtime/proc.ts";
import { copyCheckout, nodeForEveryUser } from "./checkout.ts";
import { tracesOf } from "./inside.ts";
import { placeTest } from "./mesh.ts";
import { type Place, quotesFlow } from "./place.ts";

const isRoot = process.getuid?.() === 0;

/** A clone in a folder with a space in its name. */
const test = placeTest
  .extend("parent", { scope: "file" }, tmpdir())
  .extend("clone", { scope: "file" }, async ({ parent }, { onCleanup }) => {
    const dir = await mkdtemp(join(parent, "mesh clones-"));
    onCleanup(() => rm(dir, { recursive: true }));
    await chmod(dir, 0o755);
    return copyCheckout(join(dir, "a clone"));
  });

/** A new folder beside the clone. */
async function beside(clone: string, name: string): Promise<string> {
  const dir = join(dirname(clone), name);
  await mkdir(dir);
  return dir;
}

/** up, quotes, status, up again, down; nothing of it is left. */
async function live(place: Place, expect: ExpectStatic): Promise<void> {
  await place.must("up");
  const traces = await tracesOf(place);
  await quotesFlow(place, 5000);
  expect((await place.status()).problems).toEqual([]);
  expect((await place.must("up")).stdout).toBe("unchanged\n");
  await place.must("down");
  expect(await traces.remains()).toEqual([]);
}

test("a clone and a mesh.yaml in folders with spaces in their names", async ({ clone, newPlace, expect }) => {
  const dir = await beside(clone, "a mesh");
  await live(await newPlace({ dir, program: [join(clone, "mesh")] }), expect);
});

test.runIf(isRoot)("a clone below a folder that other users cannot enter", async ({ clone, newPlace, expect }) => {
  const dir = await beside(clone, "a private mesh");
  await chmod(dirname(clone), 0o700);
  await live(await newPlace({ dir, program: [join(clone, "mesh")] }), expect);
  await chmod(dirname(clone), 0o755);
});

test.runIf(isRoot)("an ordinary user, for whom everything runs as that user", async ({ clone, newPlace, expect }) => {
  const uid = 54_321;
  const dir = await beside(clone, "a mesh of a user");
  const node = await nodeForEveryUser(dirname(clone));
  await promisify(execFile)("chown", ["--recursive", `${uid}:${uid}`, clone, dir]);
  const env = {
    HOME: dir,
    PATH: `${dirname(node)}:${process.env["PATH"] ?? ""}`,
    MESH_CACHE: join(dir, "cache"),
    XDG_RUNTIME_DIR: undefined,
    NODE_COMPILE_CACHE: undefined,
  };
  const become = ["setpriv", "--reuid", String(uid), "--regid", String(uid), "--clear-groups"] as const;
  const place = await newPlace({ dir, env, program: [...become, join(clone, "mesh")] });
  await place.must("up");
  const owners = (await place.ps()).map(({ pid = 0 }) => ownerOf(pid));
  expect(owners.length).toBeGreaterThanOrEqual(10);
  expect(new Set(owners)).toEqual(new Set([uid]));
  await live(place, expect);
});
