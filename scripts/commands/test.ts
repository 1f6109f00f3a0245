// ./mesh test: the whole gate, or one suite of it. Its last line is `N passed, N failed, N skipped`.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { exitStatus, MeshError } from "../errors.ts";
import { paintResult, printResult } from "../output/print.ts";
import { lookForEngine } from "../tools/docker/look-for-engine.ts";
import type { Context } from "./context.ts";
import { provideTools, runSuite } from "./run-suite.ts";

/** Suites by name; each step is a check of the sources or a project of vitest.config.ts. */
const suites = {
  all: ["format", "lint", "types", "unit", "e2e", "verify", "docker", "verify-docker", "e2e-docker"],
  unit: ["unit"],
  e2e: ["e2e"],
  docker: ["docker", "verify-docker", "e2e-docker"],
  verify: ["verify"],
  soak: ["soak"],
  bench: ["bench"],
} as const;

type Step = (typeof suites)[keyof typeof suites][number];
/** These need an engine. */
const inContainers: readonly Step[] = ["docker", "verify-docker", "e2e-docker"];
type Check = Extract<Step, "format" | "lint" | "types">;

/** Development dependencies' programs, as `npx` would run them. */
const checks: Readonly<Record<Check, readonly string[]>> = {
  format: ["oxfmt", "--check", "."],
  lint: ["oxlint", "--type-aware", "--deny-warnings", "."],
  types: ["tsc", "--noEmit", "-p", "."],
};

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** @throws MeshError MESH_USAGE for a suite that is not there */
export async function test(context: Context, suite = "all"): Promise<number> {
  if (!isSuite(suite)) {
    throw new MeshError("MESH_USAGE", `there is no suite ${suite}`, {
      fix: `./mesh test, or one of ${Object.keys(suites).join(", ")}`,
    });
  }
  const steps: readonly Step[] = suites[suite];
  if (steps.some((step) => !isCheck(step) && step !== "unit")) await provideTools(context);
  let total: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const step of steps) {
    context.signal.throwIfAborted();
    const began = performance.now();
    const missing = inContainers.includes(step) && suite === "all" ? await whyNoEngine(context) : undefined;
    const counts = missing === undefined ? await runStep(context, step) : { passed: 0, failed: 0, skipped: 1 };
    const colour = counts.failed === 0 ? "green" : "red";
    const why = missing ?? `${((performance.now() - began) / 1000).toFixed(1)} s`;
    printResult(`${paintResult(colour, step)}: ${line(counts)} (${why})`);
    total = sum(total, counts);
  }
  printResult(line(total));
  return total.failed === 0 && total.passed > 0 ? exitStatus.ok : exitStatus.no;
}

/** Root gets an engine where none runs (test/docker/engine.ts). Undefined: there will be one. */
async function whyNoEngine({ env, signal }: Context): Promise<string | undefined> {
  if (process.getuid?.() === 0) return undefined;
  const sighting = await lookForEngine({ env, signal });
  return sighting.kind === "answers" ? undefined : `no Docker engine for this user: ${sighting.said}`;
}

async function runStep(context: Context, step: Step): Promise<Counts> {
  return isCheck(step) ? runCheck(context, step) : runProject(context, step);
}

async function runCheck({ repositoryDir, signal }: Context, check: Check): Promise<Counts> {
  const [program = "", ...args] = checks[check];
  const child = spawn(join(repositoryDir, "node_modules/.bin", program), args, {
    cwd: repositoryDir,
    stdio: "inherit",
    signal,
  });
  const [code]: unknown[] = await once(child, "exit");
  return code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

async function runProject(context: Context, project: string): Promise<Counts> {
  const { modules, broken } = await runSuite(context, { project });
  const states = modules.flatMap((module) => [...module.children.allTests()].map((one) => one.result().state));
  const counted = (state: string): number => states.filter((one) => one === state).length;
  const failed = counted("failed") + counted("pending") + broken.length;
  return { passed: counted("passed"), failed, skipped: counted("skipped") };
}

function sum(left: Counts, right: Counts): Counts {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
  };
}

function line({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

function isSuite(name: string): name is keyof typeof suites {
  return Object.hasOwn(suites, name);
}

function isCheck(step: Step): step is Check {
  return Object.hasOwn(checks, step);
}
