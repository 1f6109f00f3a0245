import { execFileSync } from "node:child_process";
import { lstat, mkdir, readFile, readdir, rm, rmdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { test } from "vitest";

import { writeDynamicFiles } from "../../../scripts/control/dynamic-files.ts";
import { dynamicFileNames, renderDynamic } from "../../../scripts/render/dynamic.ts";
import { sidecarOf, socketFolder } from "../observe/fixtures.ts";

// As root `./mesh up` writes into this folder of the controller's user, who may have put anything there.
test("links, pipes and folders under a dynamic file's names are neither followed nor waited for", async ({
  expect,
}) => {
  await using folder = await socketFolder();
  const sidecar = sidecarOf("quotes", { dynamicDir: folder.path("xds") });
  const at = (name: string): string => join(sidecar.dynamicDir, name);
  await mkdir(sidecar.dynamicDir);
  const victim = folder.path("victim");
  await writeFile(victim, "mine", { mode: 0o600 });
  await symlink(victim, at("listeners.yaml"));
  execFileSync("mkfifo", [at("policy.yaml")]);
  await mkdir(at("clusters.yaml.new"));
  await symlink(victim, at("endpoints.yaml.new"));

  expect(await writeDynamicFiles(sidecar)).toEqual([...dynamicFileNames]);
  const wanted = renderDynamic(sidecar);
  for (const file of dynamicFileNames) {
    const found = await lstat(at(file));
    expect([found.isFile(), found.mode & 0o777], file).toEqual([true, 0o644]);
    expect(await readFile(at(file), "utf8")).toBe(wanted[file]);
  }
  expect([await readFile(victim, "utf8"), (await stat(victim)).mode & 0o777]).toEqual(["mine", 0o600]);
  expect(await writeDynamicFiles(sidecar)).toEqual([]);

  await rmdir(at("clusters.yaml.new"));
  await rm(at("endpoints.yaml.new"));
  expect(await readdir(sidecar.dynamicDir)).toEqual(dynamicFileNames.toSorted());
});
