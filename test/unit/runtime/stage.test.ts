import { readFile, readdir, readlink, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { stage } from "../../../scripts/runtime/stage.ts";
import { goApp, isRoot, nodeApp, test, uid } from "./clone.ts";

test("without root nothing is copied: every process can read what we can", async ({ clone, expect }) => {
  const options = { ...clone.options(goApp), users: { self: { uid: 1000, gid: 1000 } } };
  expect(await stage(options)).toEqual({ repositoryDir: clone.repositoryDir, tools: options.tools });
});

test.runIf(isRoot)("what other users cannot read is copied to where they can", async ({ clone, expect }) => {
  await expect(clone.readAsApp(join(clone.repositoryDir, "package.json"))).rejects.toThrow("Permission denied");
  const { repositoryDir, tools, appDirs } = await stage(clone.options(nodeApp));
  expect(repositoryDir).toBe(join(clone.options(nodeApp).places.stageDir, "repository"));
  expect(await clone.readAsApp(join(repositoryDir, "apps/broker/server.ts"))).toBe("broker 1");
  expect(await clone.readAsApp(join(repositoryDir, "node_modules/fastify/index.js"))).toBe("fastify");
  expect(await clone.readAsApp(tools.node)).toContain("echo node");
  expect((await stat(tools.node)).mode & 0o777).toBe(0o755);
  expect(appDirs).toEqual({});
  const owner = await stat(join(repositoryDir, "apps/broker/server.ts"));
  expect([owner.uid, owner.mode & 0o777]).toEqual([0, 0o644]);
});

test.runIf(isRoot)(
  "a copy is read by the mesh's users, and an app's folder by its own alone",
  async ({ clone, expect }) => {
    const { repositoryDir } = await stage(clone.options(nodeApp));
    await expect(clone.readAsStranger(join(repositoryDir, "package.json"))).rejects.toThrow("Permission denied");
    for (const app of [goApp, { ...goApp, build: undefined }]) {
      const { build, ...rest } = app;
      const { appDirs } = await stage(clone.options(build === undefined ? rest : { ...rest, build }));
      const file = join(appDirs?.["broker"] ?? "", "main.go");
      expect(await clone.readAsApp(file)).toBe("package main");
      await expect(clone.readAsStranger(file)).rejects.toThrow("Permission denied");
    }
  },
);

test.runIf(isRoot)("development dependencies and git's own files are not", async ({ clone, expect }) => {
  const { repositoryDir } = await stage(clone.options(nodeApp));
  for (const path of ["node_modules/vitest", "node_modules/fastify/node_modules/nested", ".git", "examples"])
    await expect(stat(join(repositoryDir, path))).rejects.toMatchObject({ code: "ENOENT" });
  const link = await readlink(join(repositoryDir, "node_modules"));
  expect(link.startsWith(join(clone.cacheDir, "stage", "dependencies-"))).toBe(true);
});

test.runIf(isRoot)("a second time copies what changed and removes what is gone", async ({ clone, expect }) => {
  const options = clone.options(nodeApp);
  const { repositoryDir } = await stage(options);
  expect(clone.events).toHaveLength(1);
  const kept = await stat(join(repositoryDir, "scripts/mesh.ts"));
  await stage(options);
  expect(clone.events).toHaveLength(1);
  await writeFile(join(clone.repositoryDir, "apps/broker/server.ts"), "broker 2 is longer");
  await rm(join(clone.repositoryDir, "apps/broker/old.ts"));
  await stage(options);
  expect(await readFile(join(repositoryDir, "apps/broker/server.ts"), "utf8")).toBe("broker 2 is longer");
  await expect(stat(join(repositoryDir, "apps/broker/old.ts"))).rejects.toMatchObject({ code: "ENOENT" });
  expect((await stat(join(repositoryDir, "scripts/mesh.ts"))).ino).toBe(kept.ino);
});

test.runIf(isRoot)("an interrupted copy is not taken for a whole one", async ({ clone, expect }) => {
  const options = clone.options(nodeApp);
  const { repositoryDir } = await stage(options);
  await rm(join(repositoryDir, "scripts"), { recursive: true });
  await rm(`${repositoryDir}.json`);
  await stage(options);
  expect(await readFile(join(repositoryDir, "scripts/mesh.ts"), "utf8")).toBe("cli");
});

test.runIf(isRoot)("an app that is built gets a copy of its folder that is its own", async ({ clone, expect }) => {
  const { appDirs } = await stage(clone.options(goApp));
  const folder = appDirs?.["broker"] ?? "";
  expect(await clone.readAsApp(join(folder, "main.go"))).toBe("package main");
  const owners = await Promise.all([folder, join(folder, "main.go")].map(async (path) => (await stat(path)).uid));
  expect(owners).toEqual([uid, uid]);
});

test.runIf(isRoot)("the state of another mesh in the checkout is not copied with an app", async ({ clone, expect }) => {
  for (const path of ["other/state.json", "other/plan.json", "other/data/keys.json"]) await clone.write(path, "{}");
  const { workingDir: _folder, ...app } = goApp;
  const { appDirs } = await stage(clone.options(app));
  expect((await readdir(appDirs?.["broker"] ?? "")).toSorted()).toEqual(
    ["apps", "bin", "examples", "package-lock.json", "package.json", "scripts"].toSorted(),
  );
});
