// `./mesh verify` brings up a mesh of its own: interrupted, it leaves nothing of it.

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { test } from "vitest";

import { until } from "../../../scripts/wait.ts";
import { checkoutDir } from "../checkout.ts";
import { start } from "../command.ts";
import { commandEnvironment } from "../place.ts";

test.for(["SIGINT", "SIGTERM"] as const)(
  "by %s among its claims it says so, and nothing of its mesh is left",
  async (signal, { expect, onTestFinished }) => {
    const dir = await mkdtemp(join(tmpdir(), "mesh-interrupted-"));
    onTestFinished(() => rm(dir, { recursive: true }));
    const isThere = async (): Promise<boolean> => (await readdir(dir)).some((name) => name.startsWith("mesh-verify-"));
    const verify = start(process.execPath, [join(checkoutDir, "scripts/mesh.ts"), "verify", "--filter", "A,B,C"], {
      cwd: checkoutDir,
      env: commandEnvironment({ TMPDIR: dir }),
    });
    await verify.says(/claims judged/);
    expect(await isThere()).toBe(true);
    verify.kill(signal);
    const { status, stderr } = await verify.outcome;
    expect(stderr).toContain("error[MESH_INTERRUPTED]");
    expect(status).toBe(130);
    // Its folder goes last, after its processes.
    await until("the private mesh is gone", async () => !(await isThere()), { deadlineMs: 5000 });
  },
);
