// What builds and unpacks tools ends when it is interrupted, and whatever it has started ends with it.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { test } from "vitest";

import { systemErrorCode } from "../../../scripts/errors.ts";
import { run } from "../../../scripts/tools/child.ts";
import { until } from "../../../scripts/wait.ts";
import { tempDir } from "../../unit/runtime/temp-dir.ts";

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "ESRCH") return false;
    throw error;
  }
}

test("an abort ends a program and what it has started, also when that ignores SIGTERM", async ({
  expect,
  onTestFinished,
}) => {
  const pids = join(await tempDir(onTestFinished), "pids");
  const script = `sh -c 'trap "" TERM; echo $$ >> "$0"; while :; do sleep 0.05; done' "$0" & echo $$ >> "$0"; wait`;
  const controller = new AbortController();
  const running = run("sh", ["-c", script, pids], {
    env: process.env,
    signal: controller.signal,
    patienceMs: 200,
  });
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
