import { chown, cp, mkdir, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";

import { type State, type StateFolder, openStateFolder } from "../../../scripts/runtime/state.ts";
import { tempDir } from "./temp-dir.ts";

function stateOf(folder: StateFolder): State {
  return {
    schemaVersion: 1,
    runtime: "native",
    id: folder.id,
    stateDir: folder.path,
    phase: "up",
    uid: process.getuid?.() ?? 0,
    places: {
      dataDir: `${folder.path}/data`,
      runDir: "/run/mesh-x",
      logDir: `${folder.path}/logs`,
      stageDir: `${folder.path}/stage`,
    },
    allocations: { loopbackBlock: 1, addresses: { "broker.example": "127.64.1.1" }, inboundPorts: { broker: 9443 } },
    supervisor: { pid: 1, started: "boot/1" },
  };
}

test("what is written is read back, by the real path and through a link", async ({ expect, onTestFinished }) => {
  const base = await tempDir(onTestFinished);
  const folder = await openStateFolder(join(base, "state"), { create: true });
  expect(await folder.read()).toBeUndefined();
  const state = stateOf(folder);
  await folder.write(state);
  expect(await folder.read()).toEqual(state);
  await symlink(join(base, "state"), join(base, "link"));
  const linked = await openStateFolder(join(base, "link"), { create: false });
  expect(linked.id).toBe(folder.id);
  expect(await linked.read()).toEqual(state);
  expect((await readdir(folder.path)).toSorted()).toEqual(["state.json"]);
});

test("reading from a folder that is not there reads nothing and makes nothing", async ({ expect, onTestFinished }) => {
  const base = await tempDir(onTestFinished);
  const folder = await openStateFolder(join(base, "not", "there"), { create: false });
  expect(await folder.read()).toBeUndefined();
  expect(await folder.readPlan()).toBeUndefined();
  expect(await readdir(base)).toEqual([]);
});

test("a state of a newer version is refused, saying which", async ({ expect, onTestFinished }) => {
  const folder = await openStateFolder(await tempDir(onTestFinished), { create: true });
  await writeFile(join(folder.path, "state.json"), JSON.stringify({ schemaVersion: 2 }));
  await expect(folder.read()).rejects.toMatchObject({
    code: "MESH_STATE_INVALID",
    message: `${folder.path}/state.json was written by a newer version (schema 2; this one knows 1)`,
  });
});

const damages: [name: string, change: (state: State) => string][] = [
  ["half a file", (state) => JSON.stringify(state).slice(0, 40)],
  ["no object", () => "[]"],
  ["an unknown phase", (state) => JSON.stringify({ ...state, phase: "half" })],
  ["a folder that climbs", (state) => JSON.stringify({ ...state, places: { ...state.places, runDir: "/run/../etc" } })],
  ["a relative folder", (state) => JSON.stringify({ ...state, places: { ...state.places, dataDir: "data" } })],
];

test.for(damages)("a damaged state is refused: %s", async ([, change], { expect, onTestFinished }) => {
  const folder = await openStateFolder(await tempDir(onTestFinished), { create: true });
  await writeFile(join(folder.path, "state.json"), change(stateOf(folder)));
  await expect(folder.read()).rejects.toMatchObject({ code: "MESH_STATE_INVALID" });
});

test("a copy of a state folder does not pass for the mesh", async ({ expect, onTestFinished }) => {
  const base = await tempDir(onTestFinished);
  const folder = await openStateFolder(join(base, "one"), { create: true });
  await folder.write(stateOf(folder));
  await cp(join(base, "one"), join(base, "two"), { recursive: true });
  const copy = await openStateFolder(join(base, "two"), { create: true });
  await expect(copy.read()).rejects.toMatchObject({
    code: "MESH_STATE_INVALID",
    message: `${base}/two was made as ${base}/one, and moved or copied since`,
  });
});

test("another user's state is refused", async ({ expect, onTestFinished }) => {
  const folder = await openStateFolder(await tempDir(onTestFinished), { create: true });
  await folder.write({ ...stateOf(folder), uid: 4_000_000 });
  await expect(folder.read()).rejects.toMatchObject({ code: "MESH_STATE_INVALID" });
});

test.runIf(process.getuid?.() === 0)(
  "a state that another user wrote says nothing",
  async ({ expect, onTestFinished }) => {
    const folder = await openStateFolder(await tempDir(onTestFinished), { create: true });
    const file = join(folder.path, "state.json");
    await folder.write(stateOf(folder));
    await chown(file, 54_325, 54_325);
    await expect(folder.read()).rejects.toMatchObject({
      code: "MESH_STATE_INVALID",
      message: `${file} belongs to user 54325, you are 0`,
    });
    await rm(file);
    await writeFile(join(folder.path, "elsewhere"), JSON.stringify(stateOf(folder)));
    await symlink(join(folder.path, "elsewhere"), file);
    expect(await folder.read()).toBeUndefined();
  },
);

test("a folder that holds something else is not taken for a state folder", async ({ expect, onTestFinished }) => {
  const base = await tempDir(onTestFinished);
  await writeFile(join(base, "thesis.tex"), "");
  await expect(openStateFolder(base, { create: true })).rejects.toMatchObject({
    code: "MESH_STATE_INVALID",
    message: `${base} is not a state folder, and not empty: it holds thesis.tex`,
  });
});

test("clearing leaves nothing but the lock", async ({ expect, onTestFinished }) => {
  const folder = await openStateFolder(await tempDir(onTestFinished), { create: true });
  await folder.write(stateOf(folder));
  await mkdir(join(folder.path, "lock"));
  await mkdir(join(folder.path, "data"));
  await folder.clear();
  expect(await readdir(folder.path)).toEqual(["lock"]);
});

test("only its owner can read the state", async ({ expect, onTestFinished }) => {
  const folder = await openStateFolder(await tempDir(onTestFinished), { create: true });
  await folder.write(stateOf(folder));
  expect((await stat(join(folder.path, "state.json"))).mode & 0o777).toBe(0o600);
});
