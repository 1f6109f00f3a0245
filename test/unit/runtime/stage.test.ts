import { execFile } from "node:child_process";
import {
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  readlink,
  realpath,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { test as base } from "vitest";

import type { StageEvent } from "../../../scripts/events.ts";
import type { App, Mesh } from "../../../scripts/model/mesh.ts";
import { type StageOptions, stage } from "../../../scripts/runtime/stage.ts";

const isRoot = process.getuid?.() === 0;
const uid = 600_777;

interface Clone {
  /** As root, of a mesh with one app. */
  readonly options: (app: App) => StageOptions;
  readonly repositoryDir: string;
  readonly cacheDir: string;
  readonly events: StageEvent[];
  /** What another user reads there. */
  readonly readAsOther: (path: string) => Promise<string>;
}

/** A clone that only its owner can enter, and beside it places that everybody can. */
const test = base.extend<{ clone: Clone }>({
  clone: async ({ onTestFinished }, use) => {
    const root = await realpath(await mkdtemp(join(tmpdir(), "mesh-stage-")));
    onTestFinished(() => rm(root, { recursive: true, force: true }));
    await chmod(root, 0o755);
    const repositoryDir = join(root, "private", "clone");
    const write = async (path: string, content: string): Promise<void> => {
      await mkdir(dirname(join(repositoryDir, path)), { recursive: true, mode: 0o700 });
      await writeFile(join(repositoryDir, path), content, { mode: 0o600 });
    };
    await write("apps/broker/server.ts", "broker 1");
    await write("apps/broker/old.ts", "old");
    await write("scripts/mesh.ts", "cli");
    await write("package.json", "{}");
    await write(".git/config", "secret");
    await write("node_modules/fastify/index.js", "fastify");
    await write("node_modules/fastify/package.json", "{}");
    await write("node_modules/fastify/node_modules/nested/package.json", "{}");
    await write("node_modules/vitest/package.json", "{}");
    await write("examples/quotes-go/main.go", "package main");
    const packages = {
      "": {},
      "node_modules/fastify": {},
      "node_modules/fastify/node_modules/nested": { dev: true },
      "node_modules/vitest": { dev: true },
    };
    await write("package-lock.json", JSON.stringify({ packages }));
    await write("bin/node", "#!/bin/sh\necho node\n");
    await chmod(join(repositoryDir, "bin/node"), 0o700);
    await chmod(join(root, "private"), 0o700);
    const events: StageEvent[] = [];
    const cacheDir = join(root, "cache");
    const node = join(repositoryDir, "bin/node");
    await use({
      repositoryDir,
      cacheDir,
      events,
      options: (app) => ({
        repositoryDir,
        mesh: meshWith(app),
        places: { dataDir: "/x/data", runDir: "/x/run", logDir: "/x/logs", stageDir: join(root, "state", "stage") },
        users: { first: 600_000, assigned: { broker: uid } },
        tools: { spireServer: "/bin/true", spireAgent: "/bin/true", envoy: "/bin/true", node },
        cacheDir,
        report: (event) => events.push(event),
      }),
      readAsOther: async (path) => {
        const { stdout } = await promisify(execFile)("cat", [path], { uid, gid: uid, cwd: "/" });
        return stdout;
      },
    });
  },
});

function meshWith(app: App): Mesh {
  const spiffeId = { uri: "spiffe://broker.example/webapp", trustDomain: "broker.example", path: "/webapp" };
  return { trustDomains: [], workloads: [{ name: "broker", spiffeId, app }], edges: [] };
}

const nodeApp: App = { kind: "node", entry: "apps/broker/server.ts", health: "/health" };
const goApp: App = {
  kind: "command",
  command: ["./quotes"],
  workingDir: "examples/quotes-go",
  build: ["go", "build"],
  health: "/health",
};

test("without root nothing is copied: every process can read what we can", async ({ clone, expect }) => {
  const options = { ...clone.options(goApp), users: { self: { uid: 1000, gid: 1000 } } };
  expect(await stage(options)).toEqual({ repositoryDir: clone.repositoryDir, tools: options.tools });
});

test.runIf(isRoot)("what other users cannot read is copied to where they can", async ({ clone, expect }) => {
  await expect(clone.readAsOther(join(clone.repositoryDir, "package.json"))).rejects.toThrow("Permission denied");
  const { repositoryDir, tools, appDirs } = await stage(clone.options(nodeApp));
  expect(repositoryDir).toBe(join(clone.options(nodeApp).places.stageDir, "repository"));
  expect(await clone.readAsOther(join(repositoryDir, "apps/broker/server.ts"))).toBe("broker 1");
  expect(await clone.readAsOther(join(repositoryDir, "node_modules/fastify/index.js"))).toBe("fastify");
  expect(await clone.readAsOther(tools.node)).toContain("echo node");
  expect((await stat(tools.node)).mode & 0o777).toBe(0o755);
  expect(appDirs).toEqual({});
  const owner = await stat(join(repositoryDir, "apps/broker/server.ts"));
  expect([owner.uid, owner.mode & 0o777]).toEqual([0, 0o644]);
});

test.runIf(isRoot)("development dependencies and git's own files are not", async ({ clone, expect }) => {
  const { repositoryDir } = await stage(clone.options(nodeApp));
  for (const path of ["node_modules/vitest", "node_modules/fastify/node_modules/nested", ".git", "examples"])
    await expect(stat(join(repositoryDir, path))).rejects.toMatchObject({ code: "ENOENT" });
  const link = await readlink(join(repositoryDir, "node_modules"));
  expect(link.startsWith(join(clone.cacheDir, "stage", "dependencies-"))).toBe(true);
});

test.runIf(isRoot)("a second time copies what changed and removes what is gone", async ({ clone, expect }) => {
  const options = clone.options(nodeApp);
  const { repositoryDir } = await stage(options);
  expect(clone.events).toHaveLength(1);
  const kept = await stat(join(repositoryDir, "scripts/mesh.ts"));
  await stage(options);
  expect(clone.events).toHaveLength(1);
  await writeFile(join(clone.repositoryDir, "apps/broker/server.ts"), "broker 2 is longer");
  await rm(join(clone.repositoryDir, "apps/broker/old.ts"));
  await stage(options);
  expect(await readFile(join(repositoryDir, "apps/broker/server.ts"), "utf8")).toBe("broker 2 is longer");
  await expect(stat(join(repositoryDir, "apps/broker/old.ts"))).rejects.toMatchObject({ code: "ENOENT" });
  expect((await stat(join(repositoryDir, "scripts/mesh.ts"))).ino).toBe(kept.ino);
});

test.runIf(isRoot)("an interrupted copy is not taken for a whole one", async ({ clone, expect }) => {
  const options = clone.options(nodeApp);
  const { repositoryDir } = await stage(options);
  await rm(join(repositoryDir, "scripts"), { recursive: true });
  await rm(`${repositoryDir}.json`);
  await stage(options);
  expect(await readFile(join(repositoryDir, "scripts/mesh.ts"), "utf8")).toBe("cli");
});

test.runIf(isRoot)("an app that is built gets a copy of its folder that is its own", async ({ clone, expect }) => {
  const { appDirs } = await stage(clone.options(goApp));
  const folder = appDirs?.["broker"] ?? "";
  expect(await clone.readAsOther(join(folder, "main.go"))).toBe("package main");
  const owners = await Promise.all([folder, join(folder, "main.go")].map(async (path) => (await stat(path)).uid));
  expect(owners).toEqual([uid, uid]);
});

test.runIf(isRoot)("root never follows a link that an app put into its folder", async ({ clone, expect }) => {
  const options = clone.options(goApp);
  const { appDirs } = await stage(options);
  const folder = appDirs?.["broker"] ?? "";
  const victim = join(clone.repositoryDir, "..", "victim");
  await mkdir(victim);
  await writeFile(join(victim, "main.go"), "mine");
  await rm(join(folder, "main.go"));
  await symlink(victim, join(folder, "sub"));
  await symlink(join(victim, "main.go"), join(folder, "main.go"));
  await utimes(join(clone.repositoryDir, "examples/quotes-go/main.go"), 1, 1);
  await stage(options);
  expect(await readFile(join(victim, "main.go"), "utf8")).toBe("mine");
  expect((await stat(join(victim, "main.go"))).uid).toBe(0);
  expect(await readFile(join(folder, "main.go"), "utf8")).toBe("package main");
  await expect(stat(join(folder, "sub"))).rejects.toMatchObject({ code: "ENOENT" });
});
