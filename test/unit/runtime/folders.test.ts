import { chmod, chown, lstat, mkdir, readdir, rename, stat, symlink, writeFile } from "node:fs/promises";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { test } from "vitest";

import type { Folder, Plan } from "../../../scripts/plan/plan.ts";
import { prepareFolders, removeObsolete, removeVolatile } from "../../../scripts/runtime/folders.ts";
import { removeTree } from "../../../scripts/runtime/remove-tree.ts";
import type { Places } from "../../../scripts/runtime/state.ts";
import { writeChanged } from "../../../scripts/runtime/write-changed.ts";
import { tempDir } from "./temp-dir.ts";

const uid = process.getuid?.() ?? 0;
const gid = process.getgid?.() ?? 0;
const isRoot = uid === 0;

function placesIn(base: string): Places {
  return {
    dataDir: join(base, "data"),
    runDir: join(base, "run"),
    logDir: join(base, "logs"),
    stageDir: join(base, "stage"),
  };
}

function folder(path: string, mode: number, durable = false): Folder {
  return { path, owner: isRoot ? { uid: 600_001, gid: 600_002 } : { uid, gid }, mode, durable };
}

function planOf(folders: readonly Folder[]): Plan {
  return { runtime: "native", domains: [], processes: [], edges: [], folders };
}

test("a folder gets its mode whatever the umask, as root its owner and setgid bit; again changes nothing", async ({
  expect,
  onTestFinished,
}) => {
  const places = placesIn(await tempDir(onTestFinished));
  const wanted = [folder(join(places.runDir, "agent", "public"), 0o2750)];
  for (let round = 0; round < 2; round += 1) {
    await prepareFolders(wanted, { places, uid });
    const found = await stat(join(places.runDir, "agent", "public"));
    expect(found.mode & 0o7777).toBe(isRoot ? 0o2750 : 0o700);
    if (isRoot) expect([found.uid, found.gid]).toEqual([600_001, 600_002]);
  }
});

test("a symbolic link in a folder's place is refused, and what it leads to keeps its mode", async ({
  expect,
  onTestFinished,
}) => {
  const base = await tempDir(onTestFinished);
  const places = placesIn(base);
  await mkdir(join(base, "victim"), { mode: 0o711 });
  await mkdir(places.runDir);
  await symlink(join(base, "victim"), join(places.runDir, "agent"));
  const wanted = [folder(join(places.runDir, "agent"), 0o2770)];
  await expect(prepareFolders(wanted, { places, uid })).rejects.toMatchObject({ code: "MESH_STATE_INVALID" });
  const victim = await stat(join(base, "victim"));
  expect([victim.mode & 0o7777, victim.uid]).toEqual([0o711, uid]);
});

test("a folder outside the mesh's own is never touched", async ({ expect, onTestFinished }) => {
  const base = await tempDir(onTestFinished);
  const places = placesIn(base);
  for (const path of [join(base, "elsewhere"), `${places.runDir}/../elsewhere`, `${places.runDir}-2`])
    await expect(prepareFolders([folder(path, 0o700)], { places, uid })).rejects.toThrow("outside");
  expect(await readdir(base)).toEqual([]);
});

test("stop keeps what is durable and nothing else", async ({ expect, onTestFinished }) => {
  const places = placesIn(await tempDir(onTestFinished));
  const server = join(places.dataDir, "spire-server-broker");
  for (const path of [
    join(server, "deep"),
    join(places.dataDir, "cache"),
    places.runDir,
    places.logDir,
    places.stageDir,
  ])
    await mkdir(path, { recursive: true });
  await writeFile(join(server, "deep", "keys.json"), "{}");
  await removeVolatile(places, planOf([folder(places.dataDir, 0o711), folder(server, 0o700, true)]));
  expect(await readdir(places.dataDir)).toEqual(["spire-server-broker"]);
  expect(await readdir(join(server, "deep"))).toEqual(["keys.json"]);
  for (const path of [places.logDir, places.stageDir])
    await expect(lstat(path)).rejects.toMatchObject({ code: "ENOENT" });
});

test.runIf(isRoot)(
  "a tree is removed with what other users own in it, and nothing that they link to",
  async ({ expect, onTestFinished }) => {
    const base = await tempDir(onTestFinished);
    await mkdir(join(base, "victim"));
    await writeFile(join(base, "victim", "file"), "mine");
    const theirs = join(base, "tree", "theirs", "deep");
    await mkdir(theirs, { recursive: true });
    await symlink(join(base, "victim"), join(theirs, "link"));
    await chown(theirs, 600_001, 600_001);
    await chmod(theirs, 0o500);
    await removeTree(join(base, "tree"));
    await removeTree(join(base, "tree"));
    expect(await readdir(base)).toEqual(["victim"]);
    expect(await readdir(join(base, "victim"))).toEqual(["file"]);
  },
);

test("without a plan nobody knows what is durable, so all data stays", async ({ expect, onTestFinished }) => {
  const places = placesIn(await tempDir(onTestFinished));
  await mkdir(join(places.dataDir, "spire-server-broker"), { recursive: true });
  await removeVolatile(places, undefined);
  expect(await readdir(places.dataDir)).toEqual(["spire-server-broker"]);
});

test("a folder that only the earlier plan had goes, unless that plan names something else's", async ({
  expect,
  onTestFinished,
}) => {
  const base = await tempDir(onTestFinished);
  const places = placesIn(base);
  const [gone, kept] = [join(places.runDir, "gone"), join(places.runDir, "kept")];
  for (const path of [gone, kept, join(base, "mine")]) await mkdir(path, { recursive: true });
  const before = planOf([folder(gone, 0o700), folder(kept, 0o700), folder(join(base, "mine"), 0o700)]);
  await removeObsolete(before, planOf([folder(kept, 0o700)]), places);
  expect(await readdir(places.runDir)).toEqual(["kept"]);
  expect(await readdir(base)).toContain("mine");
});

test("a rendered file is written once, and again only when it differs", async ({ expect, onTestFinished }) => {
  const places = placesIn(await tempDir(onTestFinished));
  const folders = [folder(places.runDir, 0o700)];
  await prepareFolders(folders, { places, uid });
  const file = { path: join(places.runDir, "server.conf"), process: "x", dynamic: false, mode: 0o640, content: "a" };
  expect(await writeChanged([file], { folders, uid })).toEqual([file]);
  expect(await writeChanged([file], { folders, uid })).toEqual([]);
  const found = await stat(file.path);
  expect(found.mode & 0o7777).toBe(isRoot ? 0o640 : 0o600);
  if (isRoot) expect([found.uid, found.gid]).toEqual([600_001, 600_002]);
  const edited = { ...file, content: "b" };
  expect(await writeChanged([edited], { folders, uid })).toEqual([edited]);
  expect(await readdir(places.runDir)).toEqual(["server.conf"]);
});

test("a link or a pipe in a file's place is replaced, neither followed nor waited for", async ({
  expect,
  onTestFinished,
}) => {
  const base = await tempDir(onTestFinished);
  const places = placesIn(base);
  const folders = [folder(places.runDir, 0o700)];
  await prepareFolders(folders, { places, uid });
  await writeFile(join(base, "victim"), "mine");
  await symlink(join(base, "victim"), join(places.runDir, "link"));
  await promisify(execFile)("mkfifo", [join(places.runDir, "pipe")]);
  const files = ["link", "pipe"].map((name) => {
    return { path: join(places.runDir, name), process: "x", dynamic: false, mode: 0o600, content: "mine" };
  });
  expect(await writeChanged(files, { folders, uid })).toEqual(files);
  expect((await lstat(join(places.runDir, "pipe"))).isFile()).toBe(true);
  expect((await lstat(join(places.runDir, "link"))).isFile()).toBe(true);
  expect((await stat(join(base, "victim"))).uid).toBe(uid);
});

test("a tree is removed though it is nested deeper than a path can tell, and closed", async ({
  expect,
  onTestFinished,
}) => {
  const base = await tempDir(onTestFinished);
  const tree = join(base, "tree");
  // Each half can be named; together they cannot.
  const half = Array.from({ length: 15 }, () => "d".repeat(200)).join("/");
  await mkdir(join(base, half), { recursive: true });
  await mkdir(join(tree, half), { recursive: true });
  await rename(join(base, "d".repeat(200)), join(tree, half, "deeper"));
  await mkdir(join(tree, "closed", "below"), { recursive: true });
  await chmod(join(tree, "closed"), 0o000);
  await removeTree(tree);
  expect(await readdir(base)).toEqual([]);
});
