// A clone of an ordinary user: everything runs as that user, the whole life of a mesh.

import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { ownerOf } from "../../../scripts/runtime/proc.ts";
import { nodeForEveryUser } from "../checkout.ts";
import { beside, cloneTest as test, live } from "../clones.ts";

const isRoot = process.getuid?.() === 0;

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
