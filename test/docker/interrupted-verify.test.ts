// `./mesh verify --runtime docker` brings up containers of its own: interrupted, also while these come up, it leaves nothing of them.

import { globSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { test } from "vitest";

import { until } from "../../scripts/wait.ts";
import { checkoutDir } from "../e2e/checkout.ts";
import { start } from "../e2e/command.ts";
import { dockerLines, kinds } from "../e2e/container-engine.ts";
import { commandEnvironment } from "../e2e/place.ts";

test("interrupted while containers come up it says so, and nothing is left", async ({ expect, onTestFinished }) => {
  const dir = await mkdtemp(join(tmpdir(), "mesh-interrupted-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  const words = [join(checkoutDir, "scripts/mesh.ts"), "--runtime", "docker", "verify", "--filter", "A"];
  const env = commandEnvironment({ TMPDIR: dir });
  const verify = start(process.execPath, words, { cwd: checkoutDir, env, deadlineMs: 180_000 });
  const nameOfProject = async (): Promise<string | undefined> => {
    const [file] = globSync(join(dir, "mesh-verify-*/state/docker/docker-compose.yml"));
    return file === undefined ? undefined : /^name: (\S+)$/m.exec(await readFile(file, "utf8"))?.[1];
  };
  const name = await until("it is rendered", nameOfProject, { deadlineMs: 60_000 });
  const own = async (): Promise<string[]> => {
    const listed = kinds.map((kind) => [kind, "ls", "--quiet", ...(kind === "container" ? ["--all"] : [])]);
    const filter = ["--filter", `label=com.docker.compose.project=${name}`];
    return (await Promise.all(listed.map((line) => dockerLines(...line, ...filter)))).flat();
  };
  await until("something is there", async () => (await own()).length > 0, { deadlineMs: 120_000 });
  verify.kill("SIGINT");
  const { status, stderr } = await verify.outcome;
  expect(stderr).toContain("error[MESH_INTERRUPTED]");
  expect(status).toBe(130);
  expect(await own()).toEqual([]);
  expect((await readdir(dir)).filter((one) => one.startsWith("mesh-verify-"))).toEqual([]);
});
