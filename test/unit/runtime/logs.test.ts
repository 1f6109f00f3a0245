import { execFileSync } from "node:child_process";
import { appendFile, mkdir, readFile, readdir, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";

import { FollowedFile } from "../../../scripts/runtime/followed-file.ts";
import { loggedNames, readLogs } from "../../../scripts/runtime/logs.ts";
import { rotate } from "../../../scripts/runtime/supervisor/rotation.ts";
import { until } from "../../../scripts/wait.ts";
import { tempDir } from "./temp-dir.ts";

const alone = { maxBytes: 1_000_000, keep: 2, writerOf: () => undefined };

/** Of a thousand bytes each, numbered. */
function manyLines(count: number): string {
  return Array.from({ length: count }, (_, index) => `${String(index).padStart(999, "0")}\n`).join("");
}

async function linesOf(logDir: string, names: string[], lines: number): Promise<string[]> {
  const found = await Array.fromAsync(readLogs(logDir, names, { lines, follow: false }));
  return found.map(({ process, text }) => `${process}|${text}`);
}

test("the last lines of each log are read, the supervisor's only when named", async ({ expect, onTestFinished }) => {
  const logDir = await tempDir(onTestFinished);
  await writeFile(join(logDir, "a.log"), "1\n2\n3\n");
  await writeFile(join(logDir, "supervisor.log"), "started\n");
  await writeFile(join(logDir, "b.log"), "x\nhalf a li");
  expect(await loggedNames(logDir)).toEqual(["a", "b", "supervisor"]);
  expect(await linesOf(logDir, [], 2)).toEqual(["a|2", "a|3", "b|x"]);
  expect(await linesOf(logDir, ["supervisor"], 2)).toEqual(["supervisor|started"]);
  expect(await linesOf(logDir, ["a"], 0)).toEqual([]);
  await expect(linesOf(logDir, ["c"], 1)).rejects.toMatchObject({ code: "MESH_NO_SUCH_PROCESS" });
});

test("a rotation keeps every line, in order, and two older files", async ({ expect, onTestFinished }) => {
  const logDir = await tempDir(onTestFinished);
  const file = join(logDir, "a.log");
  for (const line of ["1", "2", "3", "4"]) {
    await appendFile(file, `${line}\n`);
    if (line !== "4") await rotate(file, alone);
  }
  const contents = await Promise.all([file, `${file}.1`, `${file}.2`].map((path) => readFile(path, "utf8")));
  expect(contents).toEqual(["4\n", "3\n", "2\n"]);
  await expect(readFile(`${file}.3`)).rejects.toMatchObject({ code: "ENOENT" });
  expect(await linesOf(logDir, ["a"], 2)).toEqual(["a|3", "a|4"]);
});

test("a follower misses no line and sees none twice over rotations", async ({ expect, onTestFinished }) => {
  const logDir = await tempDir(onTestFinished);
  const file = join(logDir, "a.log");
  await writeFile(file, "before\n");
  const stop = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const { text } of readLogs(logDir, ["a"], { lines: 1, follow: true, signal: stop.signal })) {
      seen.push(text);
      if (text === "40") stop.abort();
    }
  })();
  const follower = (lines: number): Promise<true> =>
    until(`the follower has seen ${lines} lines`, () => seen.length >= lines, { deadlineMs: 10_000, intervalMs: 1 });
  await follower(1);
  for (let line = 1; line <= 40; line += 1) {
    // The umlaut is written in two halves: a follower must not decode the first alone.
    await appendFile(file, line % 5 === 0 ? `${line}\n` : Buffer.from([0xc3]));
    if (line % 5 !== 0) await appendFile(file, Buffer.from([0xbc, 0x0a]));
    if (line % 7 !== 0) continue;
    // What was cut twice since its last look it still finds, and no more: there are two older files.
    await follower(line - 6);
    await rotate(file, alone);
  }
  await following;
  const expected = Array.from({ length: 40 }, (_, index) => ((index + 1) % 5 === 0 ? String(index + 1) : "ü"));
  expect(seen).toEqual(["before", ...expected]);
});

test("of a log that claims to have gigabytes the last lines are read, at once", async ({ expect, onTestFinished }) => {
  const logDir = await tempDir(onTestFinished);
  const file = join(logDir, "a.log");
  await writeFile(file, "before\n");
  await truncate(file, 3_000_000_000);
  await appendFile(file, "1\n2\n");
  const begun = performance.now();
  expect(await linesOf(logDir, ["a"], 1)).toEqual(["a|2"]);
  expect(await linesOf(logDir, ["a"], 9)).toEqual(["a|1", "a|2"]);
  expect(performance.now() - begun).toBeLessThan(1000);
});

test("a log that claims to have gigabytes is cut at once, and keeps its last lines alone", async ({
  expect,
  onTestFinished,
}) => {
  const logDir = await tempDir(onTestFinished);
  const file = join(logDir, "a.log");
  await writeFile(file, "before\n");
  await truncate(file, 3_000_000_000);
  await appendFile(file, "1\n2\n");
  const begun = performance.now();
  expect(await rotate(file, alone)).toBeUndefined();
  expect(performance.now() - begun).toBeLessThan(1000);
  expect(await readFile(file, "utf8")).toBe("");
  expect(await readFile(`${file}.1`, "utf8")).toBe(
    "[3000000000 bytes before this line were dropped: the log grew too fast]\n1\n2\n",
  );
});

test("of a log that is somewhat too large everything is kept, of one far too large whole lines", async ({
  expect,
  onTestFinished,
}) => {
  const logDir = await tempDir(onTestFinished);
  const file = join(logDir, "a.log");
  await writeFile(file, manyLines(3000));
  await rotate(file, alone);
  expect(await readFile(`${file}.1`, "utf8")).toBe(manyLines(3000));
  await writeFile(file, manyLines(5000));
  await rotate(file, alone);
  const kept = (await readFile(`${file}.1`, "utf8")).split("\n");
  expect(kept[0]).toBe("[4001000 bytes before this line were dropped: the log grew too fast]");
  // What it began to read with may have been half a line.
  expect([kept.length, Number(kept[1]), Number(kept.at(-2))]).toEqual([1001, 4001, 4999]);
});

test("a follower that was behind goes on at the right line, and tells what it could not see", async ({
  expect,
  onTestFinished,
}) => {
  const logDir = await tempDir(onTestFinished);
  const file = join(logDir, "a.log");
  const log = new FollowedFile("a", file);
  const texts = async (): Promise<string[]> => (await log.next()).map(({ text }) => text);
  await writeFile(file, "0\n");
  expect((await log.last(1)).map(({ text }) => text)).toEqual(["0"]);
  await appendFile(file, `${"x\n".repeat(2_250_000)}${"y".repeat(999_999)}\n1\n2\n`);
  await rotate(file, alone);
  await appendFile(file, "3\n");
  expect((await texts()).map((text) => text.slice(-80))).toEqual([
    "[4500006 bytes before this line were dropped: the log grew too fast]",
    "y".repeat(80),
    "1",
    "2",
    "3",
  ]);
  await appendFile(file, "4\n");
  expect(await texts()).toEqual(["4"]);
  // It had seen what was dropped.
  await truncate(file, 5_000_000);
  await texts();
  await appendFile(file, "5\n");
  await rotate(file, alone);
  expect(await texts()).toEqual(["5"]);
});

test("a link, a pipe or a folder in a log's place is neither rotated nor read", async ({ expect, onTestFinished }) => {
  const logDir = await tempDir(onTestFinished);
  const victim = join(logDir, "victim");
  await writeFile(victim, "mine\n");
  await symlink(victim, join(logDir, "a.log"));
  await symlink(victim, join(logDir, "b.log.1"));
  await writeFile(join(logDir, "b.log"), "1\n");
  execFileSync("mkfifo", [join(logDir, "c.log")]);
  await mkdir(join(logDir, "d.log"));
  expect(await linesOf(logDir, ["a", "b", "c", "d"], 5)).toEqual(["b|1"]);
  for (const name of ["a", "c", "d"]) await expect(rotate(join(logDir, `${name}.log`), alone)).rejects.toThrow();
  expect(await readFile(victim, "utf8")).toBe("mine\n");
});

test("a log that cannot be kept is cut all the same", async ({ expect, onTestFinished }) => {
  const logDir = await tempDir(onTestFinished);
  const file = join(logDir, "a.log");
  await writeFile(file, "1\n");
  await mkdir(`${file}.1/in the way`, { recursive: true });
  await mkdir(`${file}.2/in the way`, { recursive: true });
  expect(await rotate(file, alone)).toContain("a.log.1");
  expect(await readFile(file, "utf8")).toBe("");
  expect((await readdir(logDir)).toSorted()).toEqual(["a.log", "a.log.1", "a.log.2"]);
});
