// Processes under the supervisor: as whom they run, and what happens when they end or must end.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { type ProcessIdentity, identityOf, isAlive, readStat } from "../../../scripts/runtime/proc.ts";
import { groupOf } from "../../../scripts/runtime/allocate.ts";
import { ask } from "../../../scripts/runtime/supervisor/client.ts";
import { until } from "../../../scripts/wait.ts";
import { isRoot, test } from "./supervised-mesh.ts";

const sleeper = ["sleep", "1000"];

test("a process has its own group, its own environment and nothing to gain", async ({ mesh, expect }) => {
  const env = { PATH: "/usr/bin:/bin", LISTEN: "unix:/x" };
  const a = await mesh.process("a", ["sh", "-c", "env; umask; exec sleep 1000"], { env });
  const runtime = await mesh.begin([a]);
  expect(await runtime.start([a])).toEqual({ started: ["a"], restarted: [], unchanged: [] });
  const { pid = 0, state, restarts } = await mesh.status("a");
  expect([state, restarts]).toEqual(["running", 0]);
  const { supervisor } = await mesh.state();
  expect(readStat(pid)).toMatchObject({ parent: supervisor?.pid, group: pid, session: pid });
  await until("it has written", async () => (await mesh.logOf("a")).includes("\n00"), { deadlineMs: 5000 });
  expect(await readFile(`/proc/${pid}/status`, "utf8")).toMatch(/^NoNewPrivs:\t1$/m);
  const lines = (await mesh.logOf("a")).trimEnd().split("\n");
  expect(lines.filter((line) => !line.startsWith("PWD=")).toSorted()).toEqual(
    [isRoot ? "0007" : "0077", "LISTEN=unix:/x", "PATH=/usr/bin:/bin"].toSorted(),
  );
});

test.runIf(isRoot)("as root each process has a user of its own and no capability", async ({ mesh, expect }) => {
  const user = (await mesh.process("a", sleeper)).user;
  const a = await mesh.process("a", sleeper, { user: { ...user, groups: [user.uid + 50] } });
  const b = await mesh.process("b", sleeper);
  const runtime = await mesh.begin([a, b]);
  await runtime.start([a, b]);
  const statusOf = async (name: string) => {
    const { pid = 0 } = await mesh.becomes(name, "has its user", (one) => {
      return readStat(one.pid ?? 0)?.state === "S";
    });
    return readFile(`/proc/${pid}/status`, "utf8");
  };
  const [one, two] = [await statusOf("a"), await statusOf("b")];
  expect(one).toContain(`Uid:\t${fourTimes(a.user.uid)}\nGid:\t${fourTimes(a.user.uid)}\n`);
  const { allocations } = await mesh.state();
  expect(one).toContain(`Groups:\t${a.user.uid + 50} ${groupOf(allocations.users?.first ?? 0)} \n`);
  expect(two).toContain(`Uid:\t${fourTimes(b.user.uid)}\nGid:\t${fourTimes(b.user.uid)}\n`);
  expect(a.user.uid).not.toBe(b.user.uid);
  for (const capabilities of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
    expect(one).toContain(`${capabilities}:\t0000000000000000\n`);
  const log = await stat(join((await mesh.state()).places.logDir, "a.log"));
  expect([log.uid, log.mode & 0o777]).toEqual([a.user.uid, 0o600]);
});

test("a process that dies is started again, ever later, with a count and a reason", async ({ mesh, expect }) => {
  const a = await mesh.process("a", ["sh", "-c", "sleep 0.05; exit 3"]);
  const runtime = await mesh.begin([a]);
  const watching = new AbortController();
  const deaths: number[] = [];
  const watched = (async () => {
    for await (const { name, lastExit } of runtime.exits(watching.signal)) {
      expect([name, lastExit?.code, lastExit?.during]).toEqual(["a", 3, "run"]);
      deaths.push(performance.now());
      if (deaths.length === 4) watching.abort();
    }
  })();
  await runtime.start([a]);
  await watched;
  const gaps = deaths.slice(1).map((death, index) => death - (deaths[index] ?? 0));
  expect(gaps[0]).toBeGreaterThan(100);
  expect(gaps[1]).toBeGreaterThan(200);
  expect(gaps[2]).toBeGreaterThan(400);
  expect(await mesh.status("a")).toMatchObject({ restarts: 3, lastExit: { code: 3, during: "run" } });
});

test("a killed process is back within half a second, and says what killed it", async ({ mesh, expect }) => {
  const a = await mesh.process("a", sleeper);
  const runtime = await mesh.begin([a]);
  await runtime.start([a]);
  const { pid: first = 0 } = await mesh.status("a");
  process.kill(first, "SIGKILL");
  const killed = performance.now();
  const back = await mesh.becomes("a", "runs again", ({ state, pid }) => state === "running" && pid !== first);
  expect(performance.now() - killed).toBeLessThan(500);
  expect(back).toMatchObject({ restarts: 1, lastExit: { signal: "SIGKILL" } });
  await runtime.restart(["a"]);
  expect(await mesh.status("a")).toMatchObject({ state: "running", restarts: 0 });
  await expect(runtime.restart(["nobody"])).rejects.toMatchObject({ code: "MESH_NO_SUCH_PROCESS", details: ["a"] });
});

test("what cannot be executed fails for good, with the reason in its log", async ({ mesh, expect }) => {
  const a = await mesh.process("a", ["/no/such/program"]);
  const b = await mesh.process("b", sleeper, { build: ["sh", "-c", "echo broken build; exit 1"] });
  const c = await mesh.process("c", sleeper, { workingDir: "/no/such/folder" });
  const runtime = await mesh.begin([a, b, c]);
  await runtime.start([a, b, c]);
  for (const name of ["a", "b", "c"]) await mesh.becomes(name, "has failed", ({ state }) => state === "failed");
  expect((await mesh.status("a")).lastExit).toMatchObject({ code: 127, during: "run" });
  expect(await mesh.logOf("a")).toContain("/no/such/program: No such file or directory");
  expect((await mesh.status("b")).lastExit).toMatchObject({ code: 1, during: "build" });
  expect(await mesh.logOf("b")).toBe("broken build\n");
  expect((await mesh.status("c")).lastExit?.error).toContain("ENOENT");
  expect(await mesh.status("a")).toMatchObject({ restarts: 0 });
  // The next `up` tries again.
  expect(await runtime.start([b])).toMatchObject({ started: ["b"] });
});

test("a build runs once, before the process and as its user", async ({ mesh, expect, onTestFinished }) => {
  const dir = await mkdtemp(join(tmpdir(), "mesh-build-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const build = ["sh", "-c", "id -u; echo built"];
  const a = await mesh.process("a", ["sh", "-c", "echo runs; sleep 0.1"], { build });
  const runtime = await mesh.begin([a]);
  await runtime.start([a]);
  await mesh.becomes("a", "has been started twice", ({ restarts }) => restarts >= 1);
  await until("it says so", async () => (await mesh.logOf("a")).split("runs").length > 2, { deadlineMs: 5000 });
  expect(await mesh.logOf("a")).toMatch(new RegExp(`^${a.user.uid}\nbuilt\nruns\nruns\n`));
});

test("a second start leaves alone what is the same and restarts what differs", async ({ mesh, expect }) => {
  const [a, b] = [await mesh.process("a", sleeper), await mesh.process("b", sleeper)];
  const runtime = await mesh.begin([a, b]);
  await runtime.start([a, b]);
  const before = await mesh.status("a");
  const edited = { ...b, env: { ...b.env, UPSTREAM_X: "unix:/x" } };
  expect(await runtime.start([a, edited])).toEqual({ started: [], restarted: ["b"], unchanged: ["a"] });
  expect(await mesh.status("a")).toEqual(before);
  // A process that the next plan no longer has is ended when that plan begins.
  await mesh.begin([edited]);
  expect((await runtime.list()).map(({ name }) => name)).toEqual(["b"]);
  expect(identityOf(before.pid ?? 0)).toBeUndefined();
});

test("stop ends what a process spawned too, and kills what ignores SIGTERM", async ({ mesh, expect }) => {
  const stubborn = "trap '' TERM; sleep 1000 & echo child $!; while :; do wait; done";
  const a = await mesh.process("a", ["sh", "-c", stubborn]);
  const b = await mesh.process("b", ["sh", "-c", "sleep 1000 & echo child $!; sleep 1000"]);
  const runtime = await mesh.begin([a, b]);
  await runtime.start([a, b]);
  const childOf = (name: string): Promise<ProcessIdentity> =>
    until(
      `${name} has a child`,
      async () => {
        const pid = /child (\d+)\n/.exec(await mesh.logOf(name))?.[1];
        return pid === undefined ? undefined : identityOf(Number(pid));
      },
      { deadlineMs: 5000 },
    );
  const children = [await childOf("a"), await childOf("b")];
  const { runDir } = (await mesh.state()).places;
  const begun = performance.now();
  await ask({ op: "stop", names: ["b"], graceMs: 5000 }, { runDir, deadlineMs: 6000 });
  expect(performance.now() - begun).toBeLessThan(1000);
  await ask({ op: "stop", names: ["a"], graceMs: 300 }, { runDir, deadlineMs: 6000 });
  expect(children.map(isAlive)).toEqual([false, false]);
  expect(await runtime.list()).toEqual([]);
  expect(await mesh.logOf("supervisor")).toContain("ignored SIGTERM for 300 ms: SIGKILL");
});

test("dependants end before what they depend on, the others side by side", async ({ mesh, expect, onTestFinished }) => {
  const dir = await mkdtemp(join(tmpdir(), "mesh-order-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await promisify(execFile)("chmod", ["777", dir]);
  const script = (name: string): string[] => [
    "sh",
    "-c",
    `trap 'sleep 0.2; date +%s%N > ${dir}/${name}; exit 0' TERM; echo ready; while :; do sleep 1000 & wait; done`,
  ];
  const a = await mesh.process("a", script("a"));
  const b = await mesh.process("b", script("b"), { after: [{ process: "a", until: "ready" }] });
  const c = await mesh.process("c", script("c"), { after: [{ process: "a", until: "ready" }] });
  const runtime = await mesh.begin([a, b, c]);
  await runtime.start([a, b, c]);
  for (const name of ["a", "b", "c"])
    await until(`${name} listens to SIGTERM`, async () => (await mesh.logOf(name)) !== "", { deadlineMs: 5000 });
  const kept = join((await mesh.state()).places.dataDir, "kept", "keys.json");
  await writeFile(kept, "{}");
  const begun = performance.now();
  await runtime.suspend();
  expect(performance.now() - begun).toBeLessThan(1500);
  const ended = await Promise.all(["a", "b", "c"].map(async (name) => Number(await readFile(join(dir, name), "utf8"))));
  const [endA = 0, endB = 0, endC = 0] = ended;
  expect(endA).toBeGreaterThan(Math.max(endB, endC) + 100e6);
  expect(Math.abs(endB - endC)).toBeLessThan(150e6);
  expect(await mesh.state()).toMatchObject({ phase: "stopped" });
  expect(await readFile(kept, "utf8")).toBe("{}");
});

/** Real, effective, saved and filesystem id, as /proc shows them. */
function fourTimes(id: number): string {
  return [id, id, id, id].join("\t");
}
