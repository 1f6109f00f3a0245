// A log belongs to its process, which may do anything to it: neither the supervisor nor the disk must suffer.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

import { until } from "../../../scripts/wait.ts";
import { type SupervisedMesh, test } from "./supervised-mesh.ts";

const megabyte = 1_000_000;

/** Bytes that the files of a log take on the disk, and what they claim to have. */
async function sizes(mesh: SupervisedMesh, name: string): Promise<{ taken: number; claimed: number }> {
  const { logDir } = (await mesh.state()).places;
  const files = readdirSync(logDir).filter((file) => file.startsWith(`${name}.log`));
  // A rotation may rename one meanwhile.
  const found = files.flatMap((file) => statSync(join(logDir, file), { throwIfNoEntry: false }) ?? []);
  return {
    taken: found.reduce((sum, { blocks }) => sum + blocks * 512, 0),
    claimed: found.reduce((sum, { size }) => sum + size, 0),
  };
}

/** Asks the supervisor again and again until what the process does is over; returns the longest wait for an answer. */
async function longestAnswerUntil(mesh: SupervisedMesh, over: () => Promise<boolean>): Promise<number> {
  let longest = 0;
  const look = async (): Promise<boolean> => {
    const begun = performance.now();
    await mesh.runtime.list();
    longest = Math.max(longest, performance.now() - begun);
    return over();
  };
  await until("it is over", look, { deadlineMs: 30_000, intervalMs: 20 });
  return longest;
}

test(
  "a process that makes its log enormous holds up nobody and ends nothing",
  { timeout: 60_000 },
  async ({ mesh, expect }) => {
    const swelling = `
    const { ftruncateSync, writeSync } = require("node:fs");
    let round = 0;
    setInterval(() => {
      round += 1;
      ftruncateSync(1, round % 2 === 0 ? 0 : 3_000_000_000);
      writeSync(1, "line " + round + "\\n");
    }, 100);`;
    const a = await mesh.process("a", [process.execPath, "-e", swelling]);
    const b = await mesh.process("b", ["sleep", "1000"]);
    const runtime = await mesh.begin([a, b]);
    await runtime.start([a, b]);
    const before = [(await mesh.state()).supervisor?.pid, (await mesh.status("b")).pid];
    const started = performance.now();
    const longest = await longestAnswerUntil(mesh, async () => performance.now() - started > 4000);
    expect(longest).toBeLessThan(1500);
    expect([(await mesh.state()).supervisor?.pid, (await mesh.status("b")).pid]).toEqual(before);
    await runtime.stop(["a"]);
    await until("the log is short", async () => (await sizes(mesh, "a")).claimed < megabyte, { deadlineMs: 5000 });
  },
);

test(
  "of a process that writes as fast as it can the newest lines are kept, and no more",
  { timeout: 60_000 },
  async ({ mesh, expect }) => {
    const flood = `
    const { writeSync } = require("node:fs");
    const lines = Buffer.alloc(1 << 20, "x".repeat(99) + "\\n");
    const end = Date.now() + 2000;
    while (Date.now() < end) writeSync(1, lines);
    writeSync(1, "\\nover\\n");
    setTimeout(() => {}, 1e6);`;
    const a = await mesh.process("a", [process.execPath, "-e", flood]);
    const runtime = await mesh.begin([a]);
    await runtime.start([a]);
    let most = 0;
    const lastLine = async (): Promise<string | undefined> => {
      most = Math.max(most, (await sizes(mesh, "a")).taken);
      return (await Array.fromAsync(runtime.logs(["a"], { lines: 1, follow: false })))[0]?.text;
    };
    const longest = await longestAnswerUntil(mesh, async () => (await lastLine()) === "over");
    expect(longest).toBeLessThan(1500);
    await until("the log is short", async () => (await sizes(mesh, "a")).taken < 70 * megabyte, { deadlineMs: 5000 });
    expect(await mesh.status("a")).toMatchObject({ state: "running", restarts: 0 });
  },
);
