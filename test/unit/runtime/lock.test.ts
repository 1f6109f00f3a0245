import { spawn } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";

import { takeLock } from "../../../scripts/runtime/lock.ts";
import { identityOf } from "../../../scripts/runtime/proc.ts";
import { tempDir } from "./temp-dir.ts";

test("a second command is refused, naming the first and its pid", async ({ expect, onTestFinished }) => {
  const folder = await tempDir(onTestFinished);
  await using _held = await takeLock(folder, "./mesh up");
  await expect(takeLock(folder, "./mesh down")).rejects.toMatchObject({
    code: "MESH_LOCKED",
    message: `./mesh up (pid ${process.pid}) is changing this mesh`,
    fix: `wait until it ends, or end it: kill ${process.pid}`,
  });
});

test("the lock can be taken again once it is let go, and leaves no file", async ({ expect, onTestFinished }) => {
  const folder = join(await tempDir(onTestFinished), "state");
  for (const command of ["./mesh up", "./mesh down"]) {
    await using lock = await takeLock(folder, command);
    expect(lock.command).toBe(command);
    expect(await readdir(join(folder, "lock"))).toHaveLength(1);
  }
  await expect(readdir(folder)).rejects.toMatchObject({ code: "ENOENT" });
});

test("of many that go for it at once exactly one holds it", async ({ expect, onTestFinished }) => {
  const folder = await tempDir(onTestFinished);
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) => takeLock(folder, `./mesh up ${index}`)),
  );
  const held = results.filter(({ status }) => status === "fulfilled");
  expect(held).toHaveLength(1);
  for (const result of results)
    if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "MESH_LOCKED" });
    else await result.value[Symbol.asyncDispose]();
});

test("a lock whose process was killed says nothing", async ({ expect, onTestFinished }) => {
  const folder = await tempDir(onTestFinished);
  const holder = spawn("sleep", ["60"]);
  const identity = identityOf(holder.pid ?? 0);
  await leaveClaim(folder, { ...identity, command: "./mesh up", sequence: 0, held: true });
  await expect(takeLock(folder, "./mesh down")).rejects.toMatchObject({ code: "MESH_LOCKED" });
  const gone = new Promise((resolve) => holder.once("exit", resolve));
  holder.kill("SIGKILL");
  await gone;
  await using lock = await takeLock(folder, "./mesh down");
  expect(lock.command).toBe("./mesh down");
});

test("a lock whose pid is another process by now says nothing", async ({ expect, onTestFinished }) => {
  const folder = await tempDir(onTestFinished);
  await leaveClaim(folder, { pid: process.pid, started: "earlier/1", command: "./mesh up", sequence: 0, held: true });
  await using lock = await takeLock(folder, "./mesh up");
  expect(lock.command).toBe("./mesh up");
});

async function leaveClaim(folder: string, claim: object): Promise<void> {
  await mkdir(join(folder, "lock"), { recursive: true });
  await writeFile(join(folder, "lock", "1-0-1.json"), JSON.stringify(claim));
}
