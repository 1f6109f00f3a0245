import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "vitest";

import { takeFileLock } from "../../../scripts/tools/lock.ts";
import { until } from "../../../scripts/wait.ts";
import { tempDir } from "../runtime/temp-dir.ts";

test("the second waits for the first, and is told whom it waits for", async ({ expect, onTestFinished }) => {
  const file = join(await tempDir(onTestFinished), "build/spire.lock");
  const { signal } = new AbortController();
  const waited: (string | undefined)[] = [];
  const onWait = (pid: string | undefined): void => void waited.push(pid);
  const first = await takeFileLock(file, { signal, onWait });
  let hasSecond = false;
  const second = takeFileLock(file, { signal, onWait }).then((lock) => {
    hasSecond = true;
    return lock;
  });
  await until("the second waits", () => waited.length > 0, { deadlineMs: 5000 });
  expect(waited).toEqual([`${process.pid}`]);
  expect(hasSecond).toBe(false);
  await first[Symbol.asyncDispose]();
  await using _second = await second;
});

test("waiting ends when it is aborted", async ({ expect, onTestFinished }) => {
  const file = join(await tempDir(onTestFinished), "spire.lock");
  const controller = new AbortController();
  await using _held = await takeFileLock(file, { signal: new AbortController().signal, onWait: () => {} });
  const onWait = (): void => controller.abort(new Error("enough"));
  await expect(takeFileLock(file, { signal: controller.signal, onWait })).rejects.toThrow("enough");
});

test("a holder that was killed holds nothing", async ({ expect, onTestFinished }) => {
  const file = join(await tempDir(onTestFinished), "spire.lock");
  const module = join(import.meta.dirname, "../../../scripts/tools/lock.ts");
  const script = `
    import { takeFileLock } from ${JSON.stringify(module)};
    await takeFileLock(${JSON.stringify(file)}, { signal: new AbortController().signal, onWait() {} });
    process.stdout.write("held\\n");
  `;
  const holder = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(holder.stdout, "data");
  holder.kill("SIGKILL");
  await once(holder, "exit");
  await using lock = await takeFileLock(file, { signal: AbortSignal.timeout(5000), onWait: () => {} });
  expect(lock).toBeDefined();
});
