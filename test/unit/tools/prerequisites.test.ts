import { test } from "vitest";

import type { Machine } from "../../../scripts/tools/machine.ts";
import { examineMachine } from "../../../scripts/tools/machine.ts";
import { missingPrerequisites, requirePrerequisites } from "../../../scripts/tools/prerequisites.ts";
import { tempDir } from "../runtime/temp-dir.ts";

const complete: Machine = {
  go: "1.26.6",
  cCompiler: "gcc",
  python: "3.11.2",
  venv: true,
  missingPrograms: [],
  freeBytes: 10e9,
  begunBytes: 0,
};

const bare: Machine = {
  go: undefined,
  cCompiler: undefined,
  python: undefined,
  venv: false,
  missingPrograms: ["flock"],
  freeBytes: 1e9,
  begunBytes: 0,
};

test("a complete machine lacks nothing", ({ expect }) => {
  expect(missingPrerequisites(["build-spire", "unpack-envoy"], complete)).toEqual([]);
});

test("everything that is missing is said in one error, with one command that installs it", ({ expect }) => {
  expect(() => requirePrerequisites(["build-spire", "unpack-envoy"], bare)).toThrow(
    expect.objectContaining({
      code: "MESH_PREREQUISITE",
      details: [
        "- flock: it was not found",
        "- Go 1.21 or newer: it was not found (Debian 13 has one, Debian 12 in bookworm-backports, and https://go.dev/dl)",
        "- a C compiler with the C library's headers (SPIRE Server contains SQLite): none was found",
        "- Python 3.8 or newer: it was not found",
        "- 6.3 GB of free disk space where the tool cache lies: there are 1.0 GB",
      ],
      fix: "as root, on Debian: apt-get install util-linux golang-go gcc libc6-dev python3 python3-venv; make room where the tool cache lies, or set MESH_CACHE to a folder on another disk; then run this again",
    }),
  );
});

test("where only room is missing the error says so, and how to get it", ({ expect }) => {
  expect(() => requirePrerequisites(["build-spire"], { ...complete, freeBytes: 1e9 })).toThrow(
    expect.objectContaining({
      code: "MESH_DISK_FULL",
      details: ["- 6.0 GB of free disk space where the tool cache lies: there are 1.0 GB"],
      fix: "make room where the tool cache lies, or set MESH_CACHE to a folder on another disk; then run this again",
    }),
  );
});

test("a Go that is too old, which no package mends, is told with what does", ({ expect }) => {
  expect(() => requirePrerequisites(["build-spire"], { ...complete, go: "1.19.8" })).toThrow(
    expect.objectContaining({
      code: "MESH_PREREQUISITE",
      details: ["- Go 1.21 or newer: the one found is 1.19.8"],
      fix: expect.stringMatching(/^install a newer Go \(.*go\.dev\/dl\); then run this again$/),
    }),
  );
});

test("a release needs neither Go nor a C compiler", ({ expect }) => {
  const machine = { ...complete, go: undefined, cCompiler: undefined, freeBytes: 1e9 };
  expect(missingPrerequisites(["unpack-spire", "unpack-envoy"], machine)).toEqual([]);
});

test("what is too old is named with its version", ({ expect }) => {
  const machine = { ...complete, go: "1.19.8", python: "3.7.3" };
  const missing = missingPrerequisites(["build-spire", "unpack-envoy"], machine).map(({ what }) => what);
  expect(missing).toEqual([
    expect.stringContaining("the one found is 1.19.8"),
    expect.stringContaining("the one found is 3.7.3"),
  ]);
});

test("Python without venv names Debian's package for it", ({ expect }) => {
  expect(missingPrerequisites(["unpack-envoy"], { ...complete, venv: false })).toEqual([
    { what: "Python's modules venv and pip: not found", packages: ["python3-venv"] },
  ]);
});

test("what an interrupted build has written need not be free", ({ expect }) => {
  const machine = { ...complete, freeBytes: 1.5e9, begunBytes: 5e9 };
  expect(missingPrerequisites(["build-spire"], machine)).toEqual([]);
  expect(missingPrerequisites(["build-spire"], { ...machine, begunBytes: 4e9 })).toHaveLength(1);
});

test("a machine whose PATH is empty has no program, and its disk is measured where the cache will lie", async ({
  expect,
  onTestFinished,
}) => {
  const dir = await tempDir(onTestFinished);
  const machine = await examineMachine({ env: { PATH: dir }, cacheDir: `${dir}/not/yet`, workDirs: [`${dir}/none`] });
  expect(machine).toMatchObject({
    go: undefined,
    cCompiler: undefined,
    python: undefined,
    venv: false,
    missingPrograms: ["tar", "flock", "setpriv"],
    begunBytes: 0,
  });
  expect(machine.freeBytes).toBeGreaterThan(0);
});
