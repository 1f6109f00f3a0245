// What killed parts leave, and that the next command goes on from there; logs and locks under load; two meshes at once.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, readdir, readlink, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { systemErrorCode } from "../../../scripts/errors.ts";
import { commandLineOf, identityOf, isAlive } from "../../../scripts/runtime/proc.ts";
import { findLeftovers, marksOf } from "../../../scripts/runtime/sweep.ts";
import { until } from "../../../scripts/wait.ts";
import { type SupervisedMesh, isRoot, test } from "./supervised-mesh.ts";

const sleeper = ["sleep", "1000"];

async function pidsOf(mesh: SupervisedMesh): Promise<number[]> {
  return (await mesh.runtime.list()).flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
}

async function identitiesOf(mesh: SupervisedMesh) {
  return (await pidsOf(mesh)).map((pid) => identityOf(pid) ?? { pid, started: "" });
}

async function killSupervisor(mesh: SupervisedMesh): Promise<number> {
  const { supervisor } = await mesh.state();
  if (supervisor === undefined) throw new Error("no supervisor");
  process.kill(supervisor.pid, "SIGKILL");
  await until("the supervisor has ended", () => !isAlive(supervisor), { deadlineMs: 5000 });
  return supervisor.pid;
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function warnings(mesh: SupervisedMesh): string[] {
  return mesh.events.filter(({ kind }) => kind === "warning").map(({ message }) => message);
}

test("a supervisor killed with -9 takes every process with it", async ({ mesh, expect }) => {
  const processes = [await mesh.process("a", sleeper), await mesh.process("b", sleeper)];
  const runtime = await mesh.begin(processes);
  await runtime.start(processes);
  for (const name of ["a", "b"])
    await mesh.becomes(name, "is past setpriv", ({ pid = 0 }) => commandLineOf(pid) === "sleep 1000");
  const identities = await identitiesOf(mesh);
  const supervisor = await killSupervisor(mesh);
  await until("its processes have ended", () => !identities.some(isAlive), { deadlineMs: 2000 });
  expect(await runtime.list()).toEqual([]);
  await expect(runtime.restart(["a"])).rejects.toMatchObject({ code: "MESH_NOT_UP" });

  const again = await mesh.begin(processes);
  expect(warnings(mesh)).toEqual([
    `the supervisor ${supervisor} ended without ./mesh stop or down (killed, or the machine restarted): starting anew`,
  ]);
  expect(await again.start(processes)).toMatchObject({ started: ["a", "b"] });
  expect(await mesh.status("a")).toMatchObject({ state: "running", restarts: 0 });
});

test("what outlives it is found by the next command, ended and named", async ({ mesh, expect }) => {
  // Its own session, and no parent that the kernel would tell: only its user or its log gives it away.
  const a = await mesh.process("a", [
    "sh",
    "-c",
    "setsid sh -c 'sleep 1234 & echo escaped $!; wait' & exec sleep 1000",
  ]);
  const runtime = await mesh.begin([a]);
  await runtime.start([a]);
  const pid = await until("it has escaped", async () => /escaped (\d+)/.exec(await mesh.logOf("a"))?.[1], {
    deadlineMs: 5000,
  });
  const escaped = identityOf(Number(pid));
  expect(escaped).toBeDefined();
  await killSupervisor(mesh);
  expect(identityOf(Number(pid))).toEqual(escaped);
  await mesh.begin([a]);
  expect(warnings(mesh).some((message) => message === `killed a process that outlived it: ${pid} sleep 1234`)).toBe(
    true,
  );
  expect(identityOf(Number(pid))).toBeUndefined();
});

test("a supervisor that hangs is ended by the next command", { timeout: 20_000 }, async ({ mesh, expect }) => {
  const a = await mesh.process("a", sleeper);
  const runtime = await mesh.begin([a]);
  await runtime.start([a]);
  const { supervisor } = await mesh.state();
  process.kill(supervisor?.pid ?? 0, "SIGSTOP");
  await mesh.begin([a]);
  expect(warnings(mesh).join("\n")).toContain("it said nothing for 2000 ms: ended it");
  expect((await mesh.state()).supervisor?.pid).not.toBe(supervisor?.pid);
});

test("after a reboot stale sockets and keys are gone, durable data is there", async ({ mesh, expect }) => {
  const a = await mesh.process("a", sleeper);
  const runtime = await mesh.begin([a]);
  await runtime.start([a]);
  const { places } = await mesh.state();
  await writeFile(join(places.dataDir, "kept", "keys.json"), "{}");
  await writeFile(join(places.runDir, "a", "x509pop.key.pem"), "stale");
  await mesh.becomes("a", "is past setpriv", ({ pid = 0 }) => commandLineOf(pid) === "sleep 1000");
  const identities = await identitiesOf(mesh);
  await killSupervisor(mesh);
  // A reboot leaves no process; the kernel ends these in its own time.
  await until("its processes have ended", () => !identities.some(isAlive), { deadlineMs: 5000 });
  await mesh.folder.write({ ...(await mesh.state()), supervisor: { pid: 1, started: "an earlier boot/1" } });
  await mesh.begin([a]);
  expect(warnings(mesh)).toHaveLength(1);
  expect(await readFile(join(places.dataDir, "kept", "keys.json"), "utf8")).toBe("{}");
  expect(await readdir(join(places.runDir, "a"))).toEqual([]);
});

test("a mesh whose state was removed is ended before its folder begins another", async ({ mesh, expect }) => {
  const a = await mesh.process("a", sleeper);
  const runtime = await mesh.begin([a]);
  await runtime.start([a]);
  const [pid = 0] = await pidsOf(mesh);
  await mesh.folder.clear();
  await mesh.begin([]);
  expect(warnings(mesh).join("\n")).toContain("a mesh of this folder runs that its state does not know: ended it");
  expect(identityOf(pid)).toBeUndefined();
});

test("down leaves nothing: no process, socket, file or claim", async ({ mesh, expect }) => {
  const a = await mesh.process("a", sleeper);
  const stubborn = await mesh.process("b", ["sh", "-c", "trap '' TERM; sleep 1000; sleep 1000"]);
  const runtime = await mesh.begin([a, stubborn]);
  await runtime.start([a, stubborn]);
  const state = await mesh.state();
  const begun = performance.now();
  await runtime.destroy();
  expect(performance.now() - begun).toBeLessThan(2000);
  expect(findLeftovers(marksOf(state))).toEqual([]);
  for (const path of [...Object.values(state.places), join(mesh.folder.path, "state.json")])
    await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
  expect(state.supervisor !== undefined && isAlive(state.supervisor)).toBe(false);
  // Another mesh of this machine may have taken the claim since.
  if (state.allocations.users !== undefined)
    expect(await linkTarget(`/var/lib/mesh-users/${state.allocations.users.first}`)).not.toBe(mesh.folder.path);
  // And again, on nothing.
  await runtime.destroy();
});

test("two meshes side by side share no address, no user and no folder", async ({ mesh, other, expect }) => {
  const [a, b] = [await mesh.process("a", sleeper), await other.process("a", sleeper)];
  await (await mesh.begin([a])).start([a]);
  const second = { ...b, user: (await other.process("a", sleeper)).user };
  await (await other.begin([second])).start([second]);
  const [one, two] = [await mesh.state(), await other.state()];
  expect(one.allocations.loopbackBlock).not.toBe(two.allocations.loopbackBlock);
  expect(one.allocations.addresses["broker.example"]).not.toBe(two.allocations.addresses["broker.example"]);
  expect(one.places.runDir).not.toBe(two.places.runDir);
  if (isRoot) expect(one.allocations.users?.first).not.toBe(two.allocations.users?.first);
  await other.runtime.destroy();
  expect(await mesh.status("a")).toMatchObject({ state: "running", restarts: 0 });
});

test("a stopped mesh keeps its users, though another comes up meanwhile", async ({ mesh, other, expect }) => {
  await mesh.begin([]);
  const before = await mesh.state();
  await mesh.runtime.suspend();
  await other.begin([]);
  if (isRoot) expect((await other.state()).allocations.users?.first).not.toBe(before.allocations.users?.first);
  await mesh.begin([]);
  expect((await mesh.state()).allocations.users).toEqual(before.allocations.users);
  expect((await mesh.state()).allocations.loopbackBlock).not.toBe((await other.state()).allocations.loopbackBlock);
});

test("a log is cut while its process writes, and loses no line", { timeout: 30_000 }, async ({ mesh, expect }) => {
  // About 10 MB/s in three threads' worth of writes, numbered; two cuts at least.
  const writer = `
    const { writeSync } = require("node:fs");
    let line = 0;
    const end = Date.now() + 2600;
    (function write() {
      for (let i = 0; i < 50; i++) writeSync(1, String(line++).padStart(1000, "0") + "\\n");
      if (Date.now() < end) setTimeout(write, 4); else { writeSync(1, "end\\n"); setTimeout(() => {}, 1e6); }
    })();`;
  const a = await mesh.process("a", [process.execPath, "-e", writer]);
  const runtime = await mesh.begin([a]);
  await runtime.start([a]);
  const { logDir } = (await mesh.state()).places;
  const read = (name: string) => readFile(join(logDir, name), "utf8");
  await until("it has written all", async () => (await read("a.log")).endsWith("end\n"), { deadlineMs: 20_000 });
  const older = (await readdir(logDir)).filter((name) => name.startsWith("a.log.")).toSorted();
  expect(older).toContain("a.log.1");
  const all = (await Promise.all([...older.toReversed(), "a.log"].map(read))).join("").split("\n").slice(0, -2);
  const numbers = all.map(Number);
  expect(numbers.length).toBeGreaterThan(5000);
  const gaps = numbers.filter((number, index) => index > 0 && number !== (numbers[index - 1] ?? 0) + 1);
  expect(gaps).toEqual([]);
  expect(await mesh.status("a")).toMatchObject({ state: "running", restarts: 0 });
});

test("without its log folder a mesh goes on, and a process that cannot log says so", async ({ mesh, expect }) => {
  const [a, b] = [await mesh.process("a", sleeper), await mesh.process("b", ["sh", "-c", "sleep 0.3; echo x; exit 1"])];
  const runtime = await mesh.begin([a, b]);
  await runtime.start([a, b]);
  const { pid } = await mesh.status("a");
  const { supervisor, places } = await mesh.state();
  await rm(places.logDir, { recursive: true });
  const failed = await mesh.becomes("b", "has failed", ({ state }) => state === "failed");
  expect(failed.lastExit?.error).toContain("ENOENT");
  const ownLog = (): Promise<string> => readFile(`/proc/${supervisor?.pid}/fd/2`, "utf8");
  await until("it says so", async () => (await ownLog()).includes("logs are not rotated for a minute"), {
    deadlineMs: 5000,
  });
  expect(await mesh.status("a")).toMatchObject({ state: "running", restarts: 0, pid });
});

test("logs are followed while they are written, until told to stop", async ({ mesh, expect }) => {
  const counter = "n=0; while :; do n=$((n+1)); echo line $n; sleep 0.02; done";
  const a = await mesh.process("a", ["sh", "-c", counter]);
  const runtime = await mesh.begin([a]);
  await runtime.start([a]);
  const stop = new AbortController();
  const seen: string[] = [];
  for await (const { process: name, text } of runtime.logs(["a"], { lines: 0, follow: true, signal: stop.signal })) {
    seen.push(`${name} ${text}`);
    if (seen.length === 10) stop.abort();
  }
  const first = Number(seen[0]?.split(" ")[2]);
  expect(seen.slice(0, 10)).toEqual(Array.from({ length: 10 }, (_, index) => `a line ${first + index}`));
});

test("of processes that race for a lock left by kill -9 exactly one gets it", async ({
  mesh,
  expect,
  onTestFinished,
}) => {
  const script = `
    import { takeLock } from ${JSON.stringify(join(import.meta.dirname, "../../../scripts/runtime/lock.ts"))};
    process.stdin.once("data", async () => {
      try { await takeLock(process.argv[1], "./mesh up"); console.log("held"); }
      catch (error) { console.log(error.code); }
    });
    console.log("ready");`;
  const stateDir = join(mesh.folder.path, "data");
  await mkdir(stateDir);
  const started: ChildProcess[] = [];
  onTestFinished(() => {
    for (const child of started) child.kill("SIGKILL");
  });
  const contender = (): ChildProcess => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", script, stateDir]);
    started.push(child);
    return child;
  };
  let holder: ChildProcess | undefined;
  for (let round = 0; round < 4; round += 1) {
    const children = Array.from({ length: 4 }, contender);
    await Promise.all(children.map(nextLine));
    if (holder !== undefined) {
      holder.kill("SIGKILL");
      await once(holder, "exit");
    }
    for (const child of children) child.stdin?.write("go\n");
    const results = await Promise.all(children.map(nextLine));
    expect(results.toSorted()).toEqual(["MESH_LOCKED", "MESH_LOCKED", "MESH_LOCKED", "held"]);
    holder = children[results.indexOf("held")];
    for (const child of children) if (child !== holder) child.kill("SIGKILL");
  }
});

async function nextLine(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.stdout?.once("data", (data) => resolve(String(data).trim()));
  child.stderr?.once("data", (data) => reject(new Error(String(data))));
  return promise;
}
