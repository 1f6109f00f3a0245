// What commands leave that fail, are killed, or find somebody else's folder in the place of theirs: nothing that `down`
// does not remove, and nothing of anybody else's is touched.

import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { claimedUsers } from "../../../scripts/runtime/claims.ts";
import { identityOf, isAlive } from "../../../scripts/runtime/proc.ts";
import { openStateFolder } from "../../../scripts/runtime/state.ts";
import { until } from "../../../scripts/wait.ts";
import { copyCheckout, nodeForEveryUser } from "../checkout.ts";
import { placeTest } from "../mesh.ts";
import { type Place, quotesFlow } from "../place.ts";

const isRoot = process.getuid?.() === 0;
const test = placeTest;

/** Everything on the machine that is named after a mesh. */
async function namedAfter({ stateDir }: Place): Promise<string[]> {
  const { id, path } = await openStateFolder(stateDir, { create: false });
  const folders = ["/run", "/var/lib", "/tmp", process.env["XDG_RUNTIME_DIR"]].filter((folder) => folder !== undefined);
  const named = folders.flatMap((folder) => readdirSync(folder).filter((name) => name.endsWith(`-${id}`)));
  return [...named, ...(existsSync(path) ? [path] : []), ...(await claimedUsers(path)).map(String)];
}

async function whileTaken(port: number, work: () => Promise<void>): Promise<void> {
  const taker = createServer();
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  taker.listen({ host: "127.0.0.1", port }, resolve);
  await listening;
  try {
    await work();
  } finally {
    taker.close();
  }
}

// Mode 0700: as root its data and copies lie in /var/lib.
test.for([0o755, 0o700])(
  "up that fails before the mesh begins leaves nothing, in a folder of mode %o",
  async (mode, { newPlace, expect }) => {
    const place = await newPlace();
    await chmod(place.dir, mode);
    await whileTaken(place.port, async () => {
      const { status, stderr } = await place.mesh("up");
      expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining("error[MESH_PORT_TAKEN]") });
    });
    expect(await namedAfter(place)).toEqual([]);
    expect((await place.must("down")).stdout).toBe("nothing is up, nothing is left\n");
  },
);

test(
  "down removes what an up that was killed left, at whatever moment",
  { timeout: 90_000 },
  async ({ newPlace, expect }) => {
    const place = await newPlace();
    const moments: (() => Promise<boolean>)[] = [
      async () => existsSync(join(place.stateDir, "state.json")),
      async () => existsSync(join(place.stateDir, "plan.json")),
      async () => (await place.mesh("ps")).stdout.includes("spire-agent"),
    ];
    for (const hasCome of moments) {
      const killed = place.start("up");
      await until("it has come so far", hasCome, { deadlineMs: 20_000, intervalMs: 1 });
      killed.kill("SIGKILL");
      await killed.outcome;
      await place.must("down");
      expect(await namedAfter(place)).toEqual([]);
    }
  },
);

test("down ends a mesh whose state folder was removed, and no other", async ({ newPlace, expect }) => {
  const [place, other] = [await newPlace(), await newPlace()];
  await Promise.all([place.must("up"), other.must("up")]);
  const running = (await place.ps()).flatMap(({ pid = 0 }) => identityOf(pid) ?? []);
  expect(running.length).toBeGreaterThan(8);
  await rm(place.stateDir, { recursive: true });
  expect((await place.must("down")).stdout).toMatch(/^down: /);
  expect(running.filter(isAlive)).toEqual([]);
  expect(await namedAfter(place)).toEqual([]);
  await quotesFlow(other, 5000);
});

const uid = 54_323;
const stranger = 54_324;

/** A state folder as `stop` leaves it, where an `up` of that user would build SPIRE first; returns where sockets lie. */
async function stoppedAs(
  [program, ...privileges]: readonly [string, ...string[]],
  { node, clone, stateDir }: { readonly node: string; readonly clone: string; readonly stateDir: string },
): Promise<string> {
  const script = `
    import { openStateFolder } from ${JSON.stringify(join(clone, "scripts/runtime/state.ts"))};
    const { path, id, write } = await openStateFolder(${JSON.stringify(stateDir)}, { create: true });
    const [dataDir, logDir, stageDir] = ["data", "logs", "stage"].map((name) => path + "/" + name);
    const places = { dataDir, logDir, stageDir, runDir: "/tmp/mesh-${uid}-" + id };
    const allocations = { loopbackBlock: 1, addresses: {}, inboundPorts: {} };
    const state = { schemaVersion: 1, runtime: "native", id, stateDir: path, phase: "stopped", uid: ${uid} };
    await write({ ...state, places, allocations });
    console.log(places.runDir);`;
  const words = [...privileges, node, "--input-type=module", "-e", script];
  return (await promisify(execFile)(program, words, { cwd: "/" })).stdout.trim();
}

test.runIf(isRoot)(
  "what another user puts in the place of a stopped mesh's sockets is left alone",
  async ({ newPlace, onTestFinished, expect }) => {
    const dir = await mkdtemp(join(tmpdir(), "mesh-squatted-"));
    onTestFinished(() => rm(dir, { recursive: true }));
    await chmod(dir, 0o755);
    const clone = await copyCheckout(join(dir, "clone"));
    const node = await nodeForEveryUser(dir);
    const home = join(dir, "home");
    await mkdir(home);
    await promisify(execFile)("chown", ["--recursive", `${uid}:${uid}`, clone, home]);
    const path = `${dirname(node)}:${process.env["PATH"] ?? ""}`;
    const env = { HOME: home, PATH: path, MESH_CACHE: join(home, "cache"), XDG_RUNTIME_DIR: undefined };
    const become = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"] as const;
    const place = await newPlace({
      dir: home,
      env: { ...env, NODE_COMPILE_CACHE: undefined },
      program: [...become, join(clone, "mesh")],
    });
    const runDir = await stoppedAs(become, { node, clone, stateDir: place.stateDir });
    // For everybody to write: whoever walks it could be led anywhere by a link.
    await mkdir(join(runDir, "bundles"), { recursive: true });
    onTestFinished(() => rm(runDir, { recursive: true }));
    await writeFile(join(runDir, "bundles", "bait"), "");
    for (const folder of [runDir, join(runDir, "bundles")]) {
      await chown(folder, stranger, stranger);
      await chmod(folder, 0o777);
    }
    const down = await place.must("down");
    expect(down.stdout).toMatch(/^down: /);
    expect(down.stderr).toContain(`${runDir} is not a folder of ours alone, and is left as it is`);
    expect(await readdir(join(runDir, "bundles"))).toEqual(["bait"]);
    expect(existsSync(place.stateDir)).toBe(false);
    expect((await place.must("down")).stdout).toBe("nothing is up, nothing is left\n");
  },
);
