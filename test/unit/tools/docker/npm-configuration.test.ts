import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";

import { npmConfiguration } from "../../../../scripts/tools/docker/npm-configuration.ts";
import { tempDir } from "../../runtime/temp-dir.ts";
import { failing, pathWith } from "./fake-programs.ts";

const { signal } = new AbortController();

test("files that npm knows are given to the build, where there are such files", async ({ expect, onTestFinished }) => {
  const dir = await tempDir(onTestFinished);
  const file = join(dir, "my npmrc");
  await writeFile(file, "");
  const npm = `[ "$1 $2" = 'config get' ] && printf 'userconfig=%s\\ncafile=%s\\n' '${file}' '${dir}/absent'`;
  const PATH = await pathWith(dir, { npm });
  expect(await npmConfiguration({ env: { PATH }, signal })).toEqual({ MESH_NPMRC: file });
  const unset = await pathWith(dir, { npm: `printf 'userconfig=%s\\ncafile=null\\n' '${file}'` });
  expect(await npmConfiguration({ env: { PATH: unset, MESH_NPMRC: "mine" }, signal })).toEqual({});
});

test("without npm, or with one that fails, nothing is given", async ({ expect, onTestFinished }) => {
  const dir = await tempDir(onTestFinished);
  expect(await npmConfiguration({ env: { PATH: await pathWith(dir, {}) }, signal })).toEqual({});
  const broken = await pathWith(dir, { npm: failing("npm error") });
  expect(await npmConfiguration({ env: { PATH: broken }, signal })).toEqual({});
});
