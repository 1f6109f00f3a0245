import { chmod, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";

import { canBeEntered, choosePlaces, makeRunDir, ownership } from "../../../scripts/runtime/places.ts";
import { tempDir } from "./temp-dir.ts";

const uid = process.getuid?.() ?? 0;

test("as root data lies in the state folder only if other users can get there", async ({ expect, onTestFinished }) => {
  const base = await tempDir(onTestFinished);
  const stateDir = join(base, ".mesh");
  await mkdir(stateDir);
  await chmod(stateDir, 0o711);
  const options = { stateDir, id: "0a1b2c3d", uid: 0, env: {} };
  await chmod(base, 0o700);
  expect(await choosePlaces(options)).toEqual({
    dataDir: "/var/lib/mesh-0a1b2c3d/data",
    logDir: "/var/lib/mesh-0a1b2c3d/logs",
    stageDir: "/var/lib/mesh-0a1b2c3d/stage",
    runDir: "/run/mesh-0a1b2c3d",
  });
  await chmod(base, 0o711);
  expect(await choosePlaces(options)).toMatchObject({ dataDir: join(stateDir, "data"), runDir: "/run/mesh-0a1b2c3d" });
});

test("without root sockets lie in $XDG_RUNTIME_DIR, if it is ours alone", async ({ expect, onTestFinished }) => {
  const base = await tempDir(onTestFinished);
  const options = { stateDir: base, id: "0a1b2c3d", uid: uid === 0 ? 1000 : uid };
  const runDirWith = async (runtimeDir: string): Promise<string> =>
    (await choosePlaces({ ...options, env: { XDG_RUNTIME_DIR: runtimeDir } })).runDir;
  const fallback = `/tmp/mesh-${options.uid}-0a1b2c3d`;
  if (uid !== 0) {
    expect(await runDirWith(base)).toBe(join(base, "mesh-0a1b2c3d"));
    await chmod(base, 0o777);
  }
  // As root the folder is another user's: after `su` the variable may still be root's.
  expect(await runDirWith(base)).toBe(fallback);
  expect(await runDirWith("/nowhere")).toBe(fallback);
  expect(await runDirWith("relative")).toBe(fallback);
});

test("every folder on the way must let others pass", async ({ expect, onTestFinished }) => {
  const base = await tempDir(onTestFinished);
  await mkdir(join(base, "a", "b"), { recursive: true });
  await chmod(base, 0o711);
  await chmod(join(base, "a"), 0o711);
  await chmod(join(base, "a", "b"), 0o711);
  expect(await canBeEntered(join(base, "a", "b"))).toBe(true);
  expect(await canBeEntered(join(base, "a", "not", "yet"))).toBe(true);
  await chmod(join(base, "a"), 0o750);
  expect(await canBeEntered(join(base, "a", "b"))).toBe(false);
  expect(await canBeEntered(join(base, "a", "not", "yet"))).toBe(false);
});

test("the folder of sockets is taken only when it is a folder of ours that nobody else can write", async ({
  expect,
  onTestFinished,
}) => {
  const base = await tempDir(onTestFinished);
  await makeRunDir(join(base, "new"), uid);
  await makeRunDir(join(base, "new"), uid);
  await mkdir(join(base, "open"));
  await chmod(join(base, "open"), 0o777);
  await symlink(join(base, "new"), join(base, "link"));
  const refused = [makeRunDir(join(base, "open"), uid), makeRunDir(join(base, "link"), uid), makeRunDir(base, uid + 1)];
  for (const result of await Promise.allSettled(refused))
    expect(result).toMatchObject({ status: "rejected", reason: { code: "MESH_STATE_INVALID" } });
});

test("a folder is ours only where nobody else can put another", async ({ expect, onTestFinished }) => {
  const base = await tempDir(onTestFinished);
  const path = join(base, "mine");
  expect(await ownership(path, uid)).toBe("absent");
  await mkdir(path, { mode: 0o700 });
  expect(await ownership(path, uid)).toBe("ours");
  expect(await ownership(path, uid + 1)).toBe("foreign");
  await chmod(base, 0o777);
  expect(await ownership(path, uid)).toBe("foreign");
  await chmod(base, 0o1777);
  expect(await ownership(path, uid)).toBe("ours");
});
