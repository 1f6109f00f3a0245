// A reader who types what README.md says, in order, in a new clone: it works, and looks as shown.

import { readFileSync, writeFileSync } from "node:fs";
import { appendFile, chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { test as base } from "vitest";

import { checkoutDir, copyCheckout } from "../checkout.ts";
import { type Outcome, run } from "../command.ts";
import { freePort } from "../free-port.ts";
import { commandEnvironment } from "../place.ts";
import { foundInOrder, readmeSteps, skeleton } from "./readme.ts";

interface Clone {
  /** Runs commands there as a shell does; standard output is all that a reader sees, both streams as they come. */
  readonly shell: (commands: string) => Promise<Outcome>;
  readonly meshFile: string;
  /** Has a text of the README speak of this clone's ports. */
  readonly here: (text: string) => string;
}

/** A clone as git makes it, but for the published ports: those of the README may be in use here. */
const test = base.extend("parent", tmpdir()).extend("clone", async ({ parent }, { onCleanup }): Promise<Clone> => {
  const dir = await mkdtemp(join(parent, "mesh-readme-"));
  await chmod(dir, 0o755);
  const checkout = await copyCheckout(join(dir, "clone"), { development: true });
  const ports = new Map([
    ["8080", String(await freePort())],
    ["8081", String(await freePort())],
  ]);
  const here = (text: string): string => text.replaceAll(/\b808[01]\b/g, (port) => ports.get(port) ?? port);
  const env = commandEnvironment({ PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}` });
  const shell = (commands: string): Promise<Outcome> =>
    run("sh", ["-e", "-c", `exec 2>&1\n${commands}`], { cwd: checkout, env, deadlineMs: 60_000 });
  onCleanup(async () => {
    await shell("./mesh down");
    await rm(dir, { recursive: true });
  });
  const meshFile = join(checkout, "mesh.yaml");
  writeFileSync(meshFile, here(readFileSync(meshFile, "utf8")));
  const author = "-c user.name=reader -c user.email=reader@example.org";
  const { status, stdout } = await shell(`git init --quiet && git add --all && git ${author} commit --quiet -m clone`);
  if (status !== 0) throw new Error(`the clone could not be made: ${stdout}`);
  return { shell, meshFile, here };
});

test("every command of README.md works, in order, and prints what is shown", async ({ clone, expect }) => {
  const steps = readmeSteps(checkoutDir);
  expect(steps.filter(({ kind }) => kind === "commands").length).toBeGreaterThanOrEqual(4);
  expect(steps.filter(({ kind }) => kind === "edit").length).toBeGreaterThanOrEqual(1);
  for (const step of steps) {
    if (step.kind === "edit") {
      await appendFile(clone.meshFile, clone.here(step.added));
      continue;
    }
    const { status, stdout } = await clone.shell(clone.here(step.commands));
    expect(status, `${step.commands}${stdout}`).toBe(0);
    if (step.output === undefined) continue;
    const shown = skeleton(clone.here(step.output));
    expect(foundInOrder(shown, skeleton(stdout)), `shown for:\n${step.commands}printed:\n${stdout}`).toEqual(shown);
  }
});
