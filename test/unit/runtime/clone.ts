// A clone that only its owner can enter, for tests of what is staged.

import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { test as base } from "vitest";

import type { StageEvent } from "../../../scripts/events.ts";
import type { App, Mesh } from "../../../scripts/model/mesh.ts";
import { groupOf } from "../../../scripts/runtime/allocate.ts";
import type { StageOptions } from "../../../scripts/runtime/stage.ts";

export const isRoot = process.getuid?.() === 0;
export const uid = 600_777;

export interface Clone {
  /** As root, of a mesh with one app. */
  readonly options: (app: App) => StageOptions;
  readonly repositoryDir: string;
  readonly cacheDir: string;
  readonly events: StageEvent[];
  /** What the app's user reads there: one of the mesh's. */
  readonly readAsApp: (path: string) => Promise<string>;
  /** What a user reads who has nothing to do with the mesh. */
  readonly readAsStranger: (path: string) => Promise<string>;
  readonly write: (path: string, content: string) => Promise<void>;
}

/** A clone that only its owner can enter, and beside it places that everybody can. */
export const test = base.extend<{ clone: Clone }>({
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
        serving: {},
        places: { dataDir: "/x/data", runDir: "/x/run", logDir: "/x/logs", stageDir: join(root, "state", "stage") },
        users: { first: 600_000, assigned: { broker: uid } },
        tools: { spireServer: "/bin/true", spireAgent: "/bin/true", envoy: "/bin/true", node },
        cacheDir,
        report: (event) => events.push(event),
      }),
      readAsApp: (path) => readAs([uid, groupOf(600_000)], path),
      readAsStranger: (path) => readAs([600_778], path),
      write,
    });
  },
});

/** With these ids as user and groups. */
async function readAs(ids: readonly number[], path: string): Promise<string> {
  const privileges = [`--reuid=${ids[0]}`, `--regid=${ids[0]}`, `--groups=${ids.join(",")}`];
  const { stdout } = await promisify(execFile)("setpriv", [...privileges, "--", "cat", path], { cwd: "/" });
  return stdout;
}

function meshWith(app: App): Mesh {
  const spiffeId = { uri: "spiffe://broker.example/webapp", trustDomain: "broker.example", path: "/webapp" };
  return { trustDomains: [], workloads: [{ name: "broker", spiffeId, app }], edges: [] };
}

export const nodeApp = { kind: "node" as const, entry: "apps/broker/server.ts", health: "/health" };
export const goApp = {
  kind: "command" as const,
  command: ["./quotes"],
  workingDir: "examples/quotes-go",
  build: ["go", "build"],
  health: "/health",
};
