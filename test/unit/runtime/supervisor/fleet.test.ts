import { join } from "node:path";

import { test } from "vitest";

import { allPids, commandLineOf, readStat } from "../../../../scripts/runtime/proc.ts";
import { Fleet } from "../../../../scripts/runtime/supervisor/fleet.ts";
import type { Spec } from "../../../../scripts/runtime/supervisor/protocol.ts";
import { until } from "../../../../scripts/wait.ts";
import { tempDir } from "../temp-dir.ts";

const graceMs = 5000;

test("a name has one process, also when its restart is asked for twice at once", async ({ expect, onTestFinished }) => {
  const dir = await tempDir(onTestFinished);
  // Says where it belongs in its command line; busy with nothing.
  const spec: Spec = {
    name: "a",
    fingerprint: "1",
    command: ["sh", "-c", "sleep 1000; true", dir],
    env: { PATH: "/usr/bin:/bin" },
    workingDir: dir,
    sockets: [],
    logFile: join(dir, "a.log"),
    owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    after: [],
  };
  // Leaders of process groups: between fork and exec a child of the shell has the shell's command line too.
  const isOne = (pid: number): boolean => readStat(pid)?.group === pid && commandLineOf(pid)?.includes(dir) === true;
  const running = (): number[] => allPids().filter(isOne);
  onTestFinished(async () => {
    for (const pid of running()) process.kill(-pid, "SIGKILL");
  });
  const fleet = new Fleet({ onExit: () => {}, log: () => {} });
  await fleet.start([spec], graceMs);
  await fleet.restart(["a", "a"], graceMs);
  await Promise.all([fleet.restart(["a"], graceMs), fleet.restart(["a"], graceMs)]);
  const [pid = 0] = fleet.list().map((status) => status.pid);
  // Between fork and exec a process has its parent's command line.
  await until("the process is its program", () => running().includes(pid), { deadlineMs: 5000 });
  expect(running()).toEqual([pid]);
  await fleet.stopAll(graceMs);
  expect(running()).toEqual([]);
});
