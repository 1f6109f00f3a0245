// A reader who types what README.md says of containers, in order, in a new clone: it works, and looks as shown.

import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { test as base } from "vitest";

import { checkoutDir, copyCheckout } from "../e2e/checkout.ts";
import { run } from "../e2e/command.ts";
import { freePort } from "../e2e/free-port.ts";
import { commandEnvironment } from "../e2e/place.ts";
import { foundInOrder, readmeSteps, skeleton } from "../e2e/native/readme.ts";

interface Clone {
  /** Runs commands there as a shell does; both streams as they come. */
  readonly shell: (commands: string) => ReturnType<typeof run>;
  /** Has a text of the README speak of this clone's port. */
  readonly here: (text: string) => string;
}

/** A clone, but for the published port and the project: those of the checkout may be in use here. */
const test = base.extend("parent", tmpdir()).extend("clone", async ({ parent }, { onCleanup }): Promise<Clone> => {
  const dir = await mkdtemp(join(parent, "mesh-readme-"));
  await chmod(dir, 0o755);
  const checkout = await copyCheckout(join(dir, "clone"));
  const port = String(await freePort());
  const here = (text: string): string => text.replaceAll(/\b8080\b/g, port);
  const env = commandEnvironment({ PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}` });
  const shell = (commands: string): ReturnType<typeof run> =>
    run("sh", ["-e", "-c", `exec 2>&1\n${commands}`], { cwd: checkout, env, deadlineMs: 120_000 });
  onCleanup(async () => {
    await shell("docker compose down --volumes");
    await rm(dir, { recursive: true });
  });
  const meshFile = join(checkout, "mesh.yaml");
  await writeFile(meshFile, here(await readFile(meshFile, "utf8")));
  const { status, stdout } = await shell("./mesh render");
  if (status !== 0) throw new Error(`the clone could not be rendered: ${stdout}`);
  return { shell, here };
});

test("every command of README.md about containers works, in order, and prints what is shown", async ({
  clone,
  expect,
}) => {
  const steps = readmeSteps(checkoutDir, "sh docker").filter((step) => step.kind === "commands");
  expect(steps.length).toBeGreaterThanOrEqual(2);
  for (const { commands, output } of steps) {
    const { status, stdout } = await clone.shell(clone.here(commands));
    expect(status, `${commands}${stdout}`).toBe(0);
    if (output === undefined) continue;
    const shown = skeleton(clone.here(output));
    expect(foundInOrder(shown, skeleton(stdout)), `shown for:\n${commands}printed:\n${stdout}`).toEqual(shown);
  }
});
