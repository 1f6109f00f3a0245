// What `./mesh verify` runs: files of test/verify, and what their tests left in their metadata. They are told by variables what was
// asked for (test/verify/chosen.ts).

import type { Reporter } from "vitest/node";

import type { ClaimResult, MutationOutcome } from "../output/verify-report.ts";
import type { Context } from "./context.ts";
import { runSuite } from "./run-suite.ts";
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
}

export async function runVerify(context: Context, options: VerifyOptions): Promise<Findings> {
  const { edge = "", filter = "", mutations, live } = options;
  process.env["MESH_VERIFY_FILE"] = context.meshFile;
  process.env["MESH_VERIFY_STATE"] = context.stateDir;
  process.env["MESH_VERIFY_EDGE"] = edge;
  process.env["MESH_VERIFY_FILTER"] = filter;
  process.env["MESH_VERIFY_MUTATIONS"] = mutations ? "yes" : "no";
  const project = live ? "verify-live" : "verify";
  const { modules, broken } = await runSuite(context, {
    project,
    files: live ? [] : filesFor(options),
    reporter: progressOf(context),
  });
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const left = tests.map((test): Left => {
    const attached: object = test.meta();
    return { ...attached };
  });
  const silent = tests.flatMap((test, index) => {
    const { claims, mutations: taken } = left[index] ?? {};
    const result = test.result();
    if (result.state !== "failed" || claims !== undefined || taken !== undefined) return [];
    return result.errors.map(({ message }) => `${test.name}: ${message}`);
  });
  return {
    claims: left.flatMap((one) => one.claims ?? []).toSorted(byId),
    mutations: left.flatMap((one) => one.mutations ?? []),
    edge: left.map((one) => one.edge).find((one) => one !== undefined) ?? "",
    errors: [...broken, ...silent],
  };
}

function filesFor({ filter = "", mutations }: VerifyOptions): string[] {
  // Its connections live for seconds: a mesh of its own, which nobody waits for who did not ask for it.
  const ends = mutations || filter === "" || filter.split(",").some((part) => part.startsWith("R"));
  const names = ["matrix", ...(ends ? ["revocation"] : []), ...(mutations ? ["negative-control", "mutations"] : [])];
  return names.map((name) => `test/verify/${name}.test.ts`);
}

function progressOf({ report }: Context): Reporter {
  let done = 0;
  return {
    onTestCaseResult({ name }) {
      done += 1;
      const message = `${done} claims judged, last ${name.split(" ")[0] ?? ""}`;
      report({ kind: "progress", stage: "verify", message });
    },
  };
}

function byId({ id: one }: ClaimResult, { id: other }: ClaimResult): number {
  return one.charCodeAt(0) - other.charCodeAt(0) || Number(one.slice(1)) - Number(other.slice(1));
}
