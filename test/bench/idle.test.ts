// What an idle mesh costs: CPU of all its processes together over 30 s, and memory.

import { nextRound } from "../../scripts/wait.ts";
import { meshTest } from "../e2e/mesh.ts";
import { supervisorPid } from "../e2e/inside-native.ts";
import { quotesFlow } from "../e2e/place.ts";
import { printFigures } from "./figures.ts";
import { cpuMs, memoryOf } from "./usage.ts";

const test = meshTest();

const settleMs = 10_000;
const windowMs = 30_000;

test("CPU and memory of an idle mesh", async ({ mesh, signal, expect }) => {
  await quotesFlow(mesh, 10_000);
  const processes = (await mesh.ps()).map(({ name, pid = 0 }) => ({ name, pid }));
  const all = [...processes, { name: "supervisor", pid: await supervisorPid(mesh) }];
  await nextRound(settleMs, signal);
  const began = performance.now();
  const before = all.map(({ pid }) => cpuMs(pid));
  await nextRound(windowMs, signal);
  const elapsed = performance.now() - began;
  const used = all.map(({ name, pid }, index) => {
    const percent = ((cpuMs(pid) - (before[index] ?? 0)) / elapsed) * 100;
    return { name, percent, ...memoryOf(pid) };
  });
  const total = used.reduce((sum, one) => ({
    name: "together",
    percent: sum.percent + one.percent,
    pssMiB: sum.pssMiB + one.pssMiB,
    rssMiB: sum.rssMiB + one.rssMiB,
  }));
  const rows = [...used, total].map(({ name, percent, pssMiB, rssMiB }) => [
    name,
    `${percent.toFixed(2)} %`,
    `${pssMiB.toFixed(0)} MiB`,
    `${rssMiB.toFixed(0)} MiB`,
  ]);
  const title = `An idle mesh, ${settleMs / 1000} s after it came up: CPU over ${windowMs / 1000} s, in percent of one core; memory then`;
  printFigures(title, [["PROCESS", "CPU", "PSS", "RSS"], ...rows]);
  expect(total.percent).toBeGreaterThan(0);
});
