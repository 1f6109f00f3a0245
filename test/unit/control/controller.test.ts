import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { test } from "vitest";

import { openController } from "../../../scripts/control/controller.ts";
import type { Plan } from "../../../scripts/plan/plan.ts";
import { dynamicFileNames } from "../../../scripts/render/dynamic.ts";
import { until } from "../../../scripts/wait.ts";
import { domainOf, socketFolder, tutorialPlan, type SocketFolder } from "../observe/fixtures.ts";

/** The tutorial's plan with its run folder in the test's, its folders made, and the controller's plan file written. */
async function placed(folder: SocketFolder): Promise<Plan> {
  const text = JSON.stringify(tutorialPlan())
    .replaceAll("/run/mesh-example", folder.path("run"))
    // A mesh may be up on this machine at the example's addresses; at these nothing listens.
    .replaceAll("127.64.1.", "127.255.254.");
  const plan: Plan = JSON.parse(text);
  const { controller, sidecars } = domainOf(plan, "stockmarket.example");
  await mkdir(dirname(controller.planFile), { recursive: true });
  await writeFile(controller.planFile, text);
  await Promise.all(sidecars.map(({ dynamicDir }) => mkdir(dynamicDir, { recursive: true })));
  return plan;
}

async function opened(plan: Plan) {
  const { controller } = domainOf(plan, "stockmarket.example");
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  return {
    lines,
    controller: await openController({ planFile: controller.planFile, trustDomain: "stockmarket.example", log }),
  };
}

/** Runs until it has said something that contains the words. */
async function runUntilSaid(controller: Awaited<ReturnType<typeof opened>>, words: string): Promise<void> {
  const ending = new AbortController();
  const running = controller.controller.run(ending.signal);
  const hasSaid = (): boolean => controller.lines.some((line) => line.includes(words));
  await until(`it says ${words}`, hasSaid, { deadlineMs: 20_000, lastSeen: () => controller.lines.at(-1) });
  ending.abort();
  await running;
}

test("a controller whose SPIRE Server is away writes its sidecars' files and says what it waits for", async ({
  expect,
}) => {
  await using folder = await socketFolder();
  const plan = await placed(folder);
  const started = await opened(plan);
  await runUntilSaid(started, "UNAVAILABLE");
  const [sidecar] = domainOf(plan, "stockmarket.example").sidecars;
  expect(await readdir(sidecar?.dynamicDir ?? "")).toEqual(dynamicFileNames.toSorted());
  expect(started.controller.self()).toMatchObject({ process: "controller-stockmarket", pid: process.pid });
  expect(started.controller.self().reason).toContain("spire-server-stockmarket");
  expect(started.controller.self().reconciledAt).toBeUndefined();
});

test("a controller removes what a killed writer left in its folders", async ({ expect }) => {
  await using folder = await socketFolder();
  const plan = await placed(folder);
  const { controller, sidecars } = domainOf(plan, "stockmarket.example");
  const strays = [controller.planFile, join(sidecars[0]?.dynamicDir ?? "", "listeners.yaml")].map(
    (file) => `${file}.00000000-aaaa-4aaa-8aaa-000000000000.new`,
  );
  for (const stray of strays) {
    await writeFile(stray, "half");
    await utimes(stray, 1, 1);
  }
  await opened(plan);
  expect(strays.filter((stray) => existsSync(stray))).toEqual([]);
  expect(existsSync(controller.planFile)).toBe(true);
});

test("facts of a trust domain in which nothing runs claim nothing", async ({ expect }) => {
  await using folder = await socketFolder();
  const { controller } = await opened(await placed(folder));
  const facts = await controller.facts({ probe: true });
  expect(facts.server.health.state).toBe("down");
  expect(facts.server.bundle).toBeUndefined();
  expect(facts.agent.attested).toBeUndefined();
  expect(facts.partners).toEqual([
    { trustDomain: "broker.example", reason: "spire-server-stockmarket does not answer" },
  ]);
  expect(facts.sidecars.map(({ health }) => health)).toEqual([
    { state: "down", reason: "quotes-sidecar's admin socket does not exist" },
  ]);
  // quotes calls nobody: its edges are the caller's to report.
  expect(facts.edges).toEqual([]);
});

test("a plan is kept also when the server does not answer, so that the next round works on it", async ({ expect }) => {
  await using folder = await socketFolder();
  const plan = await placed(folder);
  const { controller } = await opened(plan);
  const edited: Plan = { ...plan, edges: [] };
  await expect(controller.applyPlan(edited)).rejects.toMatchObject({ code: "MESH_SPIRE_API" });
  const { planFile } = domainOf(plan, "stockmarket.example").controller;
  expect(JSON.parse(await readFile(planFile, "utf8"))).toEqual(edited);
});

test("a plan that lacks the trust domain, or cannot be read, is refused with what mends it", async ({ expect }) => {
  await using folder = await socketFolder();
  const plan = await placed(folder);
  const { controller } = await opened(plan);
  const { planFile } = domainOf(plan, "stockmarket.example").controller;
  await expect(controller.applyPlan({ ...plan, domains: [] })).rejects.toMatchObject({ code: "MESH_INPUT_INVALID" });
  expect(JSON.parse(await readFile(planFile, "utf8"))).toEqual(plan);
  await writeFile(planFile, "{ half");
  await expect(opened(plan)).rejects.toMatchObject({ code: "MESH_INPUT_INVALID", fix: "./mesh up" });
});
