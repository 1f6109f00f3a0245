// A controller that runs and does not serve yet, as one does for half a second after it was started again.

import { existsSync } from "node:fs";

import type { DomainPlan } from "../../../scripts/plan/plan.ts";
import { allPids, commandLineOf } from "../../../scripts/runtime/proc.ts";
import { until } from "../../../scripts/wait.ts";
import { domainOf, killProcess } from "../inside.ts";
import { meshTest } from "../mesh.ts";
import type { Place } from "../place.ts";

const test = meshTest();
const name = "controller-broker";

/** Killed, and stopped in its tracks as soon as it is started again: before it has its socket. */
async function freezeAtStart(mesh: Place, { planFile, socket }: DomainPlan["controller"]): Promise<number | undefined> {
  const killed = await killProcess(mesh, name);
  const pid = await until(
    "it is started again",
    () => allPids().find((one) => one !== killed && commandLineOf(one)?.includes(`main.ts ${planFile}`) === true),
    { deadlineMs: 5000, intervalMs: 2 },
  );
  process.kill(pid, "SIGSTOP");
  return existsSync(socket) ? undefined : pid;
}

test("up waits for a controller that is being started", async ({ mesh, expect }) => {
  const pid = await freezeAtStart(mesh, (await domainOf(mesh, "broker.example")).controller);
  if (pid === undefined) throw new Error("it had its socket before it could be frozen");
  const up = mesh.start("up");
  await up.says(/trust/);
  // What does not wait for it has given up before this command has ended.
  await mesh.mesh("ps");
  process.kill(pid, "SIGCONT");
  const { status, stdout, stderr } = await up.outcome;
  expect(status, stderr).toBe(0);
  expect(stdout).toBe("unchanged\n");
});
