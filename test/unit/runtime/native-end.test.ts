import { chown, lstat, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test as base } from "vitest";

import type { StageEvent } from "../../../scripts/events.ts";
import { type EndOptions, destroy, exists } from "../../../scripts/runtime/native-end.ts";
import { outerFolders } from "../../../scripts/runtime/places.ts";
import { openStateFolder } from "../../../scripts/runtime/state.ts";
import { tempDir } from "./temp-dir.ts";

const isRoot = process.getuid?.() === 0;
/** Never root: it has no folder in /tmp. */
const uid = isRoot ? 54_322 : (process.getuid?.() ?? 0);

interface Ended {
  readonly dir: string;
  readonly events: StageEvent[];
  /** Of the state folder `name`, which may not be there. */
  readonly options: (name: string) => Promise<EndOptions>;
  /** Where its sockets lie; removed after the test. */
  readonly runDir: (name: string) => Promise<string>;
}

const test = base.extend<{ ended: Ended }>({
  ended: async ({ onTestFinished }, use) => {
    const dir = await tempDir(onTestFinished);
    const events: StageEvent[] = [];
    const options = async (name: string): Promise<EndOptions> => {
      const folder = await openStateFolder(join(dir, name), { create: false });
      return { folder, env: {}, uid, report: (event) => events.push(event) };
    };
    const runDir = async (name: string): Promise<string> => {
      const { folder } = await options(name);
      const [path] = (await outerFolders({ stateDir: folder.path, id: folder.id, uid, env: {} })).runDirs;
      onTestFinished(() => rm(path, { recursive: true, force: true }));
      return path;
    };
    await use({ dir, events, options, runDir });
  },
});

async function makeTree(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await writeFile(join(path, "file"), "");
}

test("where nothing was made there is nothing, and nothing is made", async ({ ended, expect }) => {
  const options = await ended.options("not/there/.mesh");
  expect(await exists(options)).toBe(false);
  await destroy(options);
  expect(await readdir(ended.dir)).toEqual([]);
});

test("what a command left that never came to save a state is found and removed", async ({ ended, expect }) => {
  const options = await ended.options(".mesh");
  await makeTree(join(ended.dir, ".mesh/stage/apps/quotes"));
  await makeTree(join(ended.dir, ".mesh/lock"));
  expect(await exists(options)).toBe(true);
  await destroy(options);
  expect(await readdir(join(ended.dir, ".mesh"))).toEqual(["lock"]);
  expect(await exists(options)).toBe(false);
});

test("sockets of a mesh whose state is lost are found and removed, and no other mesh's", async ({ ended, expect }) => {
  const [options, mine, other] = [await ended.options(".mesh"), await ended.runDir(".mesh"), await ended.runDir("b")];
  for (const path of [mine, other]) {
    await makeTree(path);
    if (isRoot) await chown(path, uid, uid);
  }
  expect(await exists(options)).toBe(true);
  await destroy(options);
  await expect(lstat(mine)).rejects.toMatchObject({ code: "ENOENT" });
  expect(await readdir(other)).toEqual(["file"]);
  expect(ended.events).toEqual([]);
});

test("a folder that is no mesh's is its owner's, whatever is in it", async ({ ended, expect }) => {
  for (const [name, held] of [
    ["project", ["data", "logs", "stage"]],
    ["notes", ["data", "plan.json", "notes.txt"]],
    [".mesh", ["data", "thesis.tex"]],
  ] as const) {
    const options = await ended.options(name);
    for (const inside of held) await makeTree(join(ended.dir, name, inside));
    expect(await exists(options), name).toBe(false);
    await destroy(options);
    for (const inside of held) expect(await readdir(join(ended.dir, name, inside)), name).toEqual(["file"]);
  }
});

test("what somebody else put in the place of the sockets is left alone, and said", async ({ ended, expect }) => {
  const options = await ended.options(".mesh");
  const runDir = await ended.runDir(".mesh");
  const victim = join(ended.dir, "victim");
  await makeTree(victim);
  await makeTree(join(ended.dir, ".mesh/stage"));
  await symlink(victim, runDir);
  await destroy(options);
  expect(await readdir(victim)).toEqual(["file"]);
  expect(await readdir(join(ended.dir, ".mesh"))).toEqual([]);
  const message = `${runDir} is not a folder of ours alone, and is left as it is; see who made it: ls -ld ${runDir}`;
  expect(ended.events).toEqual([{ kind: "warning", stage: "runtime", message }]);
  // It is no reason to say that there is a mesh.
  expect(await exists(options)).toBe(false);
});

test.runIf(isRoot)("a folder of another user's is not walked either", async ({ ended, expect }) => {
  const options = await ended.options(".mesh");
  const runDir = await ended.runDir(".mesh");
  await makeTree(runDir);
  await chown(runDir, uid + 1, uid + 1);
  await destroy(options);
  expect(await readdir(runDir)).toEqual(["file"]);
  expect(ended.events).toHaveLength(1);
});
