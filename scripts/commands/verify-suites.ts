// What `./mesh verify` runs: files of test/verify, and what their tests left in their metadata. They are told by variables what was
// asked for (test/verify/chosen.ts).

import type { Reporter } from "vitest/node";

import type { ClaimResult, MutationOutcome } from "../output/verify-report.ts";
import type { Plan } from "../plan/plan.ts";
import type { Context } from "./context.ts";
import { runSuite, type SuiteOptions, type SuiteRun } from "./run-suite.ts";
import type { VerifyOptions } from "./verify.ts";

export interface Findings {
  readonly claims: readonly ClaimResult[];
  readonly mutations: readonly MutationOutcome[];
  /** `broker → quotes`. */
  readonly edge: string;
  /** What failed without leaving anything. */
  readonly errors: readonly string[];
}

interface Left {
  readonly claims?: readonly ClaimResult[];
  readonly mutations?: readonly MutationOutcome[];
  readonly edge?: string;
  readonly alsoRed?: { readonly protection: string; readonly red: readonly string[] };
}

export async function runVerify(context: Context, options: VerifyOptions, runtime: Plan["runtime"]): Promise<Findings> {
  if (runtime === "native" || options.live) return runAt(context, options, runtime);
  const { placeInContainers } = await import("./verify-place.ts");
  await using place = await placeInContainers(context);
  // Awaited here: its place must live until then.
  return await runAt({ ...context, stateDir: place.stateDir }, options, runtime);
}

async function runAt(context: Context, options: VerifyOptions, runtime: Plan["runtime"]): Promise<Findings> {
  const { edge = "", filter = "", mutations } = options;
  process.env["MESH_VERIFY_FILE"] = context.meshFile;
  process.env["MESH_VERIFY_STATE"] = context.stateDir;
  process.env["MESH_VERIFY_EDGE"] = edge;
  process.env["MESH_VERIFY_FILTER"] = filter;
  process.env["MESH_VERIFY_MUTATIONS"] = mutations && !options.full ? "yes" : "no";
  const reporter = progressOf(context);
  const runs: SuiteRun[] = [];
  for (const suite of suitesFor(options, runtime)) runs.push(await runSuite(context, { ...suite, reporter }));
  const tests = runs.flatMap(({ modules }) => modules.flatMap((module) => [...module.children.allTests()]));
  const left = tests.map((test): Left => {
    const attached: object = test.meta();
    return { ...attached };
  });
  const silent = tests.flatMap((test, index) => {
    const result = test.result();
    if (result.state !== "failed" || Object.keys(left[index] ?? {}).length > 0) return [];
    return result.errors.map(({ message }) => `${test.name}: ${message}`);
  });
  return {
    claims: left.flatMap((one) => one.claims ?? []).toSorted(byId),
    mutations: withAlsoRed(left),
    edge: left.map((one) => one.edge).find((one) => one !== undefined) ?? "",
    errors: [...runs.flatMap(({ broken }) => broken), ...silent],
  };
}

/** What turned red where no claim guards a protection stands beside what turned red where one does. */
function withAlsoRed(left: readonly Left[]): MutationOutcome[] {
  const also = left.flatMap(({ alsoRed }) => (alsoRed === undefined ? [] : [alsoRed]));
  return left
    .flatMap((one) => one.mutations ?? [])
    .map((outcome) => {
      const more = also.filter(({ protection }) => protection === outcome.protection).flatMap(({ red }) => red);
      return more.length === 0 ? outcome : { ...outcome, red: [...(outcome.red ?? []), ...more] };
    });
}

function suitesFor(options: VerifyOptions, runtime: Plan["runtime"]): Pick<SuiteOptions, "project" | "files">[] {
  if (options.live) return [{ project: "verify-live" }];
  if (runtime === "docker") return [{ project: "verify-docker" }];
  const usual = { project: "verify", files: filesFor(options).map((name) => `test/verify/${name}.test.ts`) };
  return options.full ? [usual, { project: "soak", files: ["test/verify/full/"] }] : [usual];
}

/** With `full` each protection is taken away there, and not here too. */
function filesFor({ filter = "", mutations, full }: VerifyOptions): string[] {
  const taken = mutations && !full;
  // Its connections live for seconds: a mesh of its own, which nobody waits for who did not ask for it.
  const ends = taken || filter === "" || filter.split(",").some((part) => part.startsWith("R"));
  return [
    "matrix",
    ...(ends ? ["revocation"] : []),
    ...(mutations ? ["negative-control"] : []),
    ...(taken ? ["mutations"] : []),
  ];
}

function progressOf({ report }: Context): Reporter {
  let done = 0;
  return {
    onTestCaseResult({ name }) {
      done += 1;
      const message = `${done} claims judged, last ${/^[A-Z]\d+(?= )/.exec(name)?.[0] ?? name}`;
      report({ kind: "progress", stage: "verify", message });
    },
  };
}

function byId({ id: one }: ClaimResult, { id: other }: ClaimResult): number {
  return one.charCodeAt(0) - other.charCodeAt(0) || Number(one.slice(1)) - Number(other.slice(1));
}
