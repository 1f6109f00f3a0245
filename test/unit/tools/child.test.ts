import { test } from "vitest";

import { run, runToSuccess } from "../../../scripts/tools/child.ts";

const { signal } = new AbortController();
const options = { env: process.env, signal, fix: "try again" } as const;

test("a program's lines come as they are printed, and its output is returned", async ({ expect }) => {
  const lines: string[] = [];
  const script = "read word; echo $word; echo two >&2";
  const finished = await run("sh", ["-c", script], { ...options, input: "one\n", onLine: (line) => lines.push(line) });
  expect(finished).toMatchObject({ status: 0, stdout: "one" });
  expect(lines.toSorted()).toEqual(["one", "two"]);
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
