// Symbolic links, as somebody may have committed them to the checkout or an app put them into its folder.

import { mkdir, readFile, readlink, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { App } from "../../../scripts/model/mesh.ts";
import { type StageOptions, stage } from "../../../scripts/runtime/stage.ts";
import { goApp, isRoot, nodeApp, test, uid } from "./clone.ts";

test.runIf(isRoot)("root never follows a link that an app put into its folder", async ({ clone, expect }) => {
  const options = clone.options(goApp);
  const { appDirs } = await stage(options);
  const folder = appDirs?.["broker"] ?? "";
  const victim = join(clone.repositoryDir, "..", "victim");
  await mkdir(victim);
  await writeFile(join(victim, "main.go"), "mine");
  await rm(join(folder, "main.go"));
  await symlink(victim, join(folder, "sub"));
  await symlink(join(victim, "main.go"), join(folder, "main.go"));
  await utimes(join(clone.repositoryDir, "examples/quotes-go/main.go"), 1, 1);
  await stage(options);
  expect(await readFile(join(victim, "main.go"), "utf8")).toBe("mine");
  expect((await stat(join(victim, "main.go"))).uid).toBe(0);
  expect(await readFile(join(folder, "main.go"), "utf8")).toBe("package main");
  await expect(stat(join(folder, "sub"))).rejects.toMatchObject({ code: "ENOENT" });
});

test("an app that a committed link leads out of the checkout is refused, with or without root", async ({
  clone,
  expect,
}) => {
  const victim = join(clone.repositoryDir, "..", "victim");
  await mkdir(victim);
  await writeFile(join(victim, "id_rsa"), "secret", { mode: 0o600 });
  await symlink("../../victim", join(clone.repositoryDir, "examples/linked"));
  const link = join(clone.repositoryDir, "examples/linked");
  const refusals: [App, string][] = [
    [{ ...goApp, workingDir: "examples/linked" }, "the workingDir of broker"],
    [{ ...goApp, workingDir: "examples/linked/absent" }, "the workingDir of broker"],
    [{ ...nodeApp, entry: "examples/linked/id_rsa" }, "the file of broker"],
  ];
  const users: StageOptions["users"][] = [{ self: { uid: 1000, gid: 1000 } }];
  if (isRoot) users.push({ first: 600_000, assigned: { broker: uid } });
  for (const [app, what] of refusals)
    for (const some of users)
      await expect(stage({ ...clone.options(app), users: some })).rejects.toMatchObject({
        code: "MESH_INPUT_INVALID",
        message: `${what} leads out of the checkout: ${link} is a symbolic link to ../../victim`,
      });
});

test.runIf(isRoot)(
  "a link leads out of no copy either; one that stays inside is a link there too",
  async ({ clone, expect }) => {
    await symlink("main.go", join(clone.repositoryDir, "examples/quotes-go/inside.go"));
    const { appDirs } = await stage(clone.options(goApp));
    expect(await clone.readAsApp(join(appDirs?.["broker"] ?? "", "inside.go"))).toBe("package main");
    for (const path of ["examples/quotes-go/dangling", "apps/broker/etc"]) {
      const link = join(clone.repositoryDir, path);
      await symlink("/etc/../nowhere", link);
      const app = path.startsWith("apps") ? nodeApp : goApp;
      await expect(stage(clone.options(app))).rejects.toMatchObject({
        code: "MESH_INPUT_INVALID",
        message: expect.stringContaining(`${link} is a symbolic link to /etc/../nowhere`),
      });
      await rm(link);
    }
  },
);

test.runIf(isRoot)("nothing is written or removed through a link of an earlier copy", async ({ clone, expect }) => {
  const options = clone.options(nodeApp);
  const source = join(clone.repositoryDir, "apps/linked");
  await symlink("../scripts", source);
  const { repositoryDir } = await stage(options);
  await rm(source);
  await clone.write("apps/linked/mesh.ts", "another");
  await stage(options);
  expect(await readFile(join(repositoryDir, "apps/linked/mesh.ts"), "utf8")).toBe("another");
  expect(await readFile(join(repositoryDir, "scripts/mesh.ts"), "utf8")).toBe("cli");
  await rm(source, { recursive: true });
  await symlink("../scripts", source);
  await stage(options);
  expect(await readlink(join(repositoryDir, "apps/linked"))).toBe("../scripts");
  expect(await readFile(join(repositoryDir, "scripts/mesh.ts"), "utf8")).toBe("cli");
});
