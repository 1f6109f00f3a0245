import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";

import { run, runToSuccess } from "../../../scripts/tools/child.ts";
import { systemErrorCode } from "../../../scripts/errors.ts";
import { until } from "../../../scripts/wait.ts";
import { tempDir } from "../runtime/temp-dir.ts";

const { signal } = new AbortController();
const options = { env: process.env, signal, fix: "try again" } as const;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "ESRCH") return false;
    throw error;
  }
}

test("a program's lines come as they are printed, and its output is returned", async ({ expect }) => {
  const lines: string[] = [];
  const script = "read word; echo $word; echo two >&2";
  const finished = await run("sh", ["-c", script], { ...options, input: "one\n", onLine: (line) => lines.push(line) });
  expect(finished).toMatchObject({ status: 0, stdout: "one" });
  expect(lines.toSorted()).toEqual(["one", "two"]);
});

test("an abort ends a program and what it has started, also when that ignores SIGTERM", async ({
  expect,
  onTestFinished,
}) => {
  const pids = join(await tempDir(onTestFinished), "pids");
  const script = `sh -c 'trap "" TERM; echo $$ >> "$0"; while :; do sleep 0.05; done' "$0" & echo $$ >> "$0"; wait`;
  const controller = new AbortController();
  const running = run("sh", ["-c", script, pids], { ...options, signal: controller.signal, patienceMs: 200 });
  const ended = expect(running).rejects.toThrow("enough");
  const started = await until(
    "both have written their pids",
    async () => {
      const found = await readFile(pids, "utf8").catch(() => "");
      const numbers = found.split("\n").filter((line) => line !== "");
      return numbers.length === 2 && numbers.map(Number);
    },
    { deadlineMs: 5000 },
  );
  controller.abort(new Error("enough"));
  await ended;
  await until("both have ended", () => !started.some(isAlive), { deadlineMs: 5000 });
});

test("a program that fails is reported with its last lines", async ({ expect }) => {
  await expect(runToSuccess("building", ["sh", "-c", "echo why >&2; exit 3"], options)).rejects.toMatchObject({
    code: "MESH_TOOL_FETCH",
    message: "building failed: sh ended with 3",
    details: ["why"],
    fix: "try again",
  });
});

test("a program that finds no space left is a full disk", async ({ expect }) => {
  const script = "echo 'write /cache/x.a: no space left on device' >&2; seq 100 >&2; exit 1";
  await expect(runToSuccess("building", ["sh", "-c", script], options)).rejects.toMatchObject({
    code: "MESH_DISK_FULL",
  });
});

function failToTake(): never {
  throw new Error("nowhere to write it");
}

test("when what takes the lines fails, the program is ended and that failure is told", async ({ expect }) => {
  const running = run("sh", ["-c", "echo line; exec sleep 60"], { ...options, onLine: failToTake });
  await expect(running).rejects.toThrow("nowhere to write it");
});
