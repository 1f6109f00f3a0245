import { type ChildProcess, execFile } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { test as base } from "vitest";

import { toolCacheDir } from "../../../scripts/tools/cache-dir.ts";
import { until } from "../../../scripts/wait.ts";
import { tempDir } from "../runtime/temp-dir.ts";

const repository = join(import.meta.dirname, "../../..");

interface Clone {
  /** Its path has a space. */
  readonly dir: string;
  /** Runs the launcher; `node` and `npm` are stand-ins that say what they were called with. */
  readonly run: (args?: readonly string[], options?: RunOptions) => Promise<Ran>;
  readonly start: (env: Readonly<Record<string, string>>) => ChildProcess;
  /** What npm was called with, so far. */
  readonly npmCalls: () => Promise<string[]>;
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly launcher?: string;
}

interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const fakeNode = `#!/bin/sh
if [ "$1" = --version ]; then echo "\${FAKE_NODE_VERSION:-v24.12.0}"; exit; fi
printf '%s\\n' "$MESH_CACHE" "$NODE_COMPILE_CACHE" "$@"
exit \${FAKE_STATUS:-0}
`;

const fakeNpm = `#!/bin/sh
echo "$*" >>"$NPM_CALLS"
[ -z "\${FAKE_NPM_FAILS:-}" ] || { echo "npm error $FAKE_NPM_FAILS" >&2; exit 1; }
[ -z "\${FAKE_NPM_HANGS:-}" ] || exec sleep 60
mkdir -p node_modules
`;

const test = base.extend<{ clone: Clone }>({
  clone: async ({ onTestFinished }, use) => {
    const dir = join(await tempDir(onTestFinished), "a clone");
    await mkdir(join(dir, "scripts/tools"), { recursive: true });
    await mkdir(join(dir, "bin"));
    for (const file of ["mesh", "versions.json", "package-lock.json", "scripts/tools/install.sh"]) {
      await copyFile(join(repository, file), join(dir, file));
    }
    for (const [name, text] of [
      ["node", fakeNode],
      ["npm", fakeNpm],
    ] as const) {
      await writeFile(join(dir, "bin", name), text);
      await chmod(join(dir, "bin", name), 0o755);
    }
    const calls = join(dir, "npm-calls");
    const common = {
      NPM_CALLS: calls,
      MESH_CACHE: join(dir, "cache"),
      PATH: join(dir, "bin") + delimiter + "/usr/bin:/bin",
    };
    await use({
      dir,
      run: async (args = [], { env = {}, cwd = dir, launcher = join(dir, "mesh") } = {}) => {
        try {
          const ran = await promisify(execFile)(launcher, args, { cwd, env: { ...common, ...env } });
          return { status: 0, ...ran };
        } catch (error) {
          return failedRun(error);
        }
      },
      start: (env) => execFile(join(dir, "mesh"), [], { cwd: dir, env: { ...common, ...env } }, () => {}),
      npmCalls: async () => (await readFile(calls, "utf8").catch(() => "")).split("\n").filter((line) => line !== ""),
    });
  },
});

/** execFile rejects with the exit status in `code`. */
function failedRun(error: unknown): Ran {
  if (!(error instanceof Error && "code" in error && "stdout" in error && "stderr" in error)) throw error;
  return { status: Number(error.code), stdout: String(error.stdout), stderr: String(error.stderr) };
}

test("the command line gets the arguments, and its exit status is the launcher's", async ({ clone, expect }) => {
  const ran = await clone.run(["status", "--json", "two words"], { env: { FAKE_STATUS: "65" } });
  expect(ran.status).toBe(65);
  expect(ran.stdout.split("\n").slice(2)).toEqual([
    join(clone.dir, "scripts/mesh.ts"),
    "status",
    "--json",
    "two words",
    "",
  ]);
});

test("it works from any folder and through symbolic links", async ({ clone, expect }) => {
  await symlink("mesh", join(clone.dir, "first"));
  await symlink(join(clone.dir, "first"), join(clone.dir, "bin/second"));
  for (const launcher of [join(clone.dir, "bin/second"), "second", "./first"]) {
    const cwd = launcher === "./first" ? clone.dir : "/";
    const ran = await clone.run([], { cwd, launcher, env: { PATH: `${join(clone.dir, "bin")}:/usr/bin:/bin` } });
    expect(ran.stdout).toContain(join(clone.dir, "scripts/mesh.ts"));
  }
});

test("the dependencies are installed once for a package-lock.json and a major version of Node", async ({
  clone,
  expect,
}) => {
  await clone.run();
  const second = await clone.run();
  expect(second.stderr).toBe("");
  expect(await clone.npmCalls()).toEqual([
    `ci --cache ${join(clone.dir, "cache/npm")} --prefer-offline --include=dev --no-audit --no-fund --loglevel=error`,
  ]);
  await clone.run([], { env: { FAKE_NODE_VERSION: "v26.0.0" } });
  expect(await clone.npmCalls()).toHaveLength(2);
  await writeFile(join(clone.dir, "package-lock.json"), "{}");
  await clone.run([], { env: { FAKE_NODE_VERSION: "v26.0.0" } });
  expect(await clone.npmCalls()).toHaveLength(3);
});

test("an installation that fails is told with npm's words, and tried again", async ({ clone, expect }) => {
  const failed = await clone.run([], { env: { FAKE_NPM_FAILS: "ENOTFOUND registry" } });
  expect(failed.status).toBe(2);
  expect(failed.stderr).toContain(
    "error[MESH_TOOL_FETCH]: The npm dependencies could not be installed\n  npm error ENOTFOUND",
  );
  expect((await clone.run()).status).toBe(0);
  expect(await clone.npmCalls()).toHaveLength(2);
});

test("one that is ended ends npm, and the next goes on", async ({ clone, expect }) => {
  const child = clone.start({ FAKE_NPM_HANGS: "yes" });
  const closed = once(child, "close");
  await until("npm runs", async () => (await clone.npmCalls()).length > 0, { deadlineMs: 5000 });
  child.kill("SIGTERM");
  expect(await closed).toEqual([143, null]);
  expect((await clone.run()).status).toBe(0);
});

test("of two at once one installs, and the other waits for it", async ({ clone, expect }) => {
  const ran = await Promise.all([clone.run(), clone.run(), clone.run()]);
  expect(ran.map(({ status }) => status)).toEqual([0, 0, 0]);
  expect(await clone.npmCalls()).toHaveLength(1);
});

test("a full disk and --offline have errors of their own", async ({ clone, expect }) => {
  const full = await clone.run([], { env: { FAKE_NPM_FAILS: "code ENOSPC" } });
  expect(full.stderr).toContain("error[MESH_DISK_FULL]:");
  const offline = await clone.run(["up", "--offline"], { env: { FAKE_NPM_FAILS: "code ENOTCACHED" } });
  expect(offline.stderr).toContain("error[MESH_TOOL_OFFLINE]:");
  expect((await clone.npmCalls()).at(-1)).toContain("--prefer-offline --offline");
});

test("an older Node is not used: the one in the cache, else npm's package, is", async ({ clone, expect }) => {
  for (const FAKE_NODE_VERSION of ["v24.11.1", "v20.20.2", "nonsense"]) {
    const ran = await clone.run(["--offline"], { env: { FAKE_NODE_VERSION } });
    expect(ran.status).toBe(2);
    expect(ran.stderr).toMatch(/^error\[MESH_TOOL_OFFLINE\]: Node \S+ is not in the cache/u);
  }
  await clone.run([], { env: { FAKE_NODE_VERSION: "v20.20.2" } });
  expect((await clone.npmCalls()).at(0)).toMatch(/^install .* node-linux-(x64|arm64)@24\.\d+\.\d+$/u);
});

test("without npm the error names the package to install", async ({ clone, expect }) => {
  const bin = join(clone.dir, "bare");
  await mkdir(bin);
  for (const name of ["id", "cksum", "mkdir", "rm"]) await symlink(`/usr/bin/${name}`, join(bin, name));
  await cp(join(clone.dir, "bin/node"), join(bin, "node"));
  const ran = await clone.run([], { env: { PATH: bin } });
  expect(ran.status).toBe(2);
  expect(ran.stderr).toContain("error[MESH_PREREQUISITE]: npm was not found");
  expect(ran.stderr).toContain("apt-get install npm");
});

test("launcher and command line agree where the cache lies", async ({ clone, expect }) => {
  await clone.run();
  const environments = [
    { MESH_CACHE: join(clone.dir, "cache") },
    { MESH_CACHE: "", HOME: clone.dir },
    { MESH_CACHE: "", HOME: "/nowhere", XDG_CACHE_HOME: join(clone.dir, "xdg") },
  ];
  for (const env of environments) {
    const [cache = "", compileCache] = (await clone.run([], { env })).stdout.split("\n");
    expect(cache).toBe(toolCacheDir({ env }));
    expect(compileCache).toBe(join(cache, "compile"));
  }
});

test("the cache is the user's own; root's is the machine's", ({ expect }) => {
  expect(toolCacheDir({ env: { HOME: "/home/a" }, uid: 1000 })).toBe("/home/a/.cache/federated-spiffe-mesh");
  expect(toolCacheDir({ env: { HOME: "/home/a", XDG_CACHE_HOME: "/c" }, uid: 1000 })).toBe("/c/federated-spiffe-mesh");
  expect(toolCacheDir({ env: { HOME: "/root", XDG_CACHE_HOME: "/c" }, uid: 0 })).toBe(
    "/var/cache/federated-spiffe-mesh",
  );
  expect(toolCacheDir({ env: { MESH_CACHE: "/m" }, uid: 0 })).toBe("/m");
});
