import { copyFile, mkdir, open, readFile, rename, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";

import { examineFiles, recordFiles } from "../../../scripts/tools/record.ts";
import { tempDir } from "../runtime/temp-dir.ts";

const names = ["spire-server", "spire-agent"] as const;

async function recordedDir(onTestFinished: Parameters<typeof tempDir>[0]): Promise<string> {
  const dir = await tempDir(onTestFinished);
  for (const name of names) await writeFile(join(dir, name), Buffer.alloc(100_000, name));
  await recordFiles(dir, names);
  return dir;
}

test("files that are as recorded are sound", async ({ expect, onTestFinished }) => {
  expect(await examineFiles(await recordedDir(onTestFinished), names)).toEqual({ kind: "sound" });
});

test("one flipped bit is noticed, even when the file's time is set back", async ({ expect, onTestFinished }) => {
  const dir = await recordedDir(onTestFinished);
  const file = join(dir, "spire-agent");
  const { atime, mtime } = await stat(file);
  await using handle = await open(file, "r+");
  const { buffer } = await handle.read({ buffer: Buffer.alloc(1), position: 50_000 });
  await handle.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, 50_000);
  await utimes(file, atime, mtime);
  expect(await examineFiles(dir, names)).toEqual({
    kind: "damaged",
    problem: `${file} does not have the checksum that was put there`,
  });
});

test("a truncated file is noticed", async ({ expect, onTestFinished }) => {
  const dir = await recordedDir(onTestFinished);
  await truncate(join(dir, "spire-server"), 99_999);
  expect(await examineFiles(dir, names)).toEqual({
    kind: "damaged",
    problem: `${join(dir, "spire-server")} has 99999 bytes, not the 100000 that were put there`,
  });
});

test("a missing file and a file nobody recorded are noticed", async ({ expect, onTestFinished }) => {
  const dir = await recordedDir(onTestFinished);
  expect(await examineFiles(dir, [...names, "envoy"])).toMatchObject({ kind: "damaged" });
  await rm(join(dir, "spire-server"));
  expect(await examineFiles(dir, names)).toEqual({
    kind: "damaged",
    problem: `${join(dir, "spire-server")} is gone`,
  });
});

test("a folder without a record holds nothing; one with a broken record vouches for nothing", async ({
  expect,
  onTestFinished,
}) => {
  const dir = await recordedDir(onTestFinished);
  await writeFile(join(dir, "record.json"), '{"spire-server":');
  expect(await examineFiles(dir, names)).toMatchObject({ kind: "damaged" });
  await rm(join(dir, "record.json"));
  expect(await examineFiles(dir, names)).toEqual({ kind: "absent" });
});

test("a copied cache is sound and recorded anew, so that it is hashed once", async ({ expect, onTestFinished }) => {
  const dir = await recordedDir(onTestFinished);
  const copy = join(dir, "copy");
  await mkdir(copy);
  for (const name of [...names, "record.json"]) await copyFile(join(dir, name), join(copy, name));
  const before = await readFile(join(copy, "record.json"), "utf8");
  expect(await examineFiles(copy, names)).toEqual({ kind: "sound" });
  const after = await readFile(join(copy, "record.json"), "utf8");
  expect(after).not.toBe(before);
  expect(await examineFiles(copy, names)).toEqual({ kind: "sound" });
  expect(await readFile(join(copy, "record.json"), "utf8")).toBe(after);
});

test("moving the folder into place changes nothing of what was recorded", async ({ expect, onTestFinished }) => {
  const parent = await tempDir(onTestFinished);
  await mkdir(join(parent, "bin"));
  await writeFile(join(parent, "bin/envoy"), "program");
  await recordFiles(join(parent, "bin"), ["envoy"]);
  const record = await readFile(join(parent, "bin/record.json"), "utf8");
  await rename(join(parent, "bin"), join(parent, "envoy-1.40.0"));
  expect(await examineFiles(join(parent, "envoy-1.40.0"), ["envoy"])).toEqual({ kind: "sound" });
  expect(await readFile(join(parent, "envoy-1.40.0/record.json"), "utf8")).toBe(record);
});
