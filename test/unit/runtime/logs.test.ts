import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";

import { loggedNames, readLogs } from "../../../scripts/runtime/logs.ts";
import { rotate } from "../../../scripts/runtime/supervisor/rotation.ts";
import { tempDir } from "./temp-dir.ts";

const alone = { keep: 2, writerOf: () => undefined };

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
  for (let line = 1; line <= 40; line += 1) {
    // The umlaut is written in two halves: a follower must not decode the first alone.
    await appendFile(file, line % 5 === 0 ? `${line}\n` : Buffer.from([0xc3]));
    if (line % 5 !== 0) await appendFile(file, Buffer.from([0xbc, 0x0a]));
    if (line % 7 === 0) await rotate(file, alone);
  }
  await following;
  const expected = Array.from({ length: 40 }, (_, index) => ((index + 1) % 5 === 0 ? String(index + 1) : "ü"));
  expect(seen).toEqual(["before", ...expected]);
});
