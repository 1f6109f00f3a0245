import { execFileSync } from "node:child_process";
import { chmod, lstat, mkdir, readFile, readdir, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";

import { readPlainFile, removeStrays, writeWhole } from "../../scripts/whole-file.ts";
import { tempDir } from "./runtime/temp-dir.ts";

test("a file has its mode whatever the umask, and nothing is left beside it", async ({ expect, onTestFinished }) => {
  const dir = await tempDir(onTestFinished);
  const before = process.umask(0o077);
  onTestFinished(() => void process.umask(before));
  await writeWhole(join(dir, "file"), "one", { mode: 0o644, durable: true });
  await writeWhole(join(dir, "file"), "two", { mode: 0o640 });
  expect(await readPlainFile(join(dir, "file"))).toEqual({
    content: "two",
    mode: 0o640,
    uid: process.getuid?.(),
  });
  expect(await readdir(dir)).toEqual(["file"]);
});

test("a link in the file's place is replaced, and what it leads to stays as it is", async ({
  expect,
  onTestFinished,
}) => {
  const dir = await tempDir(onTestFinished);
  const victim = join(dir, "victim");
  await writeFile(victim, "mine");
  await chmod(victim, 0o600);
  const file = join(dir, "file");
  // Also under names that somebody could expect the unfinished file to have.
  for (const name of [file, `${file}.new`, `${file}.${process.pid}.new`]) await symlink(victim, name);
  await writeWhole(file, "new", { mode: 0o644 });
  expect(await readFile(victim, "utf8")).toBe("mine");
  expect((await lstat(victim)).mode & 0o777).toBe(0o600);
  expect((await lstat(file)).isFile()).toBe(true);
  expect(await readFile(file, "utf8")).toBe("new");
});

test("a folder in the file's place is said, and nothing is left beside it", async ({ expect, onTestFinished }) => {
  const dir = await tempDir(onTestFinished);
  await mkdir(join(dir, "file"));
  await expect(writeWhole(join(dir, "file"), "new", { mode: 0o644 })).rejects.toMatchObject({
    code: "MESH_STATE_INVALID",
    message: `${join(dir, "file")} must be a file, and is a folder`,
  });
  expect(await readdir(dir)).toEqual(["file"]);
});

test("what is no file, or far too large, is not read", async ({ expect, onTestFinished }) => {
  const dir = await tempDir(onTestFinished);
  await writeFile(join(dir, "victim"), "secret");
  await symlink(join(dir, "victim"), join(dir, "link"));
  execFileSync("mkfifo", [join(dir, "pipe")]);
  execFileSync("truncate", ["--size=100G", join(dir, "sparse")]);
  for (const name of ["absent", "link", "pipe", "sparse", "."])
    expect(await readPlainFile(join(dir, name)), name).toBeUndefined();
});

test("what killed writers left goes, what a writer works on and all else stays", async ({ expect, onTestFinished }) => {
  const dir = await tempDir(onTestFinished);
  for (const name of ["file", "file.new", stray("a"), stray("b")]) await writeFile(join(dir, name), "");
  await symlink("/", join(dir, stray("c")));
  for (const name of ["file", "file.new", stray("a")]) await utimes(join(dir, name), 1, 1);
  await removeStrays(dir);
  expect((await readdir(dir)).toSorted()).toEqual(["file", "file.new", stray("b"), stray("c")].toSorted());
});

function stray(letter: string): string {
  return `file.${letter.repeat(8)}-aaaa-4aaa-8aaa-${letter.repeat(12)}.new`;
}
