// ./mesh verify: attacks a private instance of the mesh and shows that the sidecars refuse, for the reason they should.

import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";

import type { Reporter } from "vitest/node";

import versions from "../../versions.json" with { type: "json" };
import { exitStatus, MeshError } from "../errors.ts";
import { paintResult, printJson, printNote, printResult } from "../output/print.ts";
import { verifyHtml } from "../output/verify-html.ts";
import { verifyJunit } from "../output/verify-junit.ts";
import { verifyVersion, type ClaimResult, type MutationOutcome, type VerifyReport } from "../output/verify-report.ts";
import { formatVerify } from "../output/verify-table.ts";
import { readMesh, type Context } from "./context.ts";
import { provideTools, runSuite } from "./run-suite.ts";

export interface VerifyOptions {
  /** `caller:callee`; the first edge that crosses trust domains unless given. */
  readonly edge?: string;
  /** Ids of claims, or a group's letter. */
  readonly filter?: string;
  /** Take each protection away too. */
  readonly mutations: boolean;
  readonly json: boolean;
  /** Files to write. */
  readonly junit?: string;
  readonly html?: string;
}

/** Exit status 1 when a claim does not hold, or nothing noticed that a protection was gone. */
export async function verify(context: Context, options: VerifyOptions): Promise<number> {
  const mesh = await readMesh(context);
  if (options.edge !== undefined && !mesh.edges.some(({ caller, callee }) => `${caller}:${callee}` === options.edge))
    throw new MeshError("MESH_USAGE", `${context.meshFile} has no edge ${options.edge}`, {
      details: mesh.edges.map(({ caller, callee }) => `${caller}:${callee}`),
      fix: "./mesh verify --edge CALLER:CALLEE, one of these",
    });
  await provideTools(context);
  const report = await run(context, options);
  if (report.claims.length === 0 && report.holds)
    throw new MeshError("MESH_USAGE", `no claim is called ${options.filter ?? ""}`, {
      fix: "./mesh verify --filter A, or --filter A12,C15",
    });
  if (options.json) printJson(report);
  else printResult(formatVerify(report, paintResult));
  if (options.junit !== undefined) await writeFile(resolve(options.junit), verifyJunit(report));
  if (options.html !== undefined) await writeFile(resolve(options.html), verifyHtml(report));
  return report.holds ? exitStatus.ok : exitStatus.no;
}

interface Found {
  readonly claims?: readonly ClaimResult[];
  readonly mutations?: readonly MutationOutcome[];
  readonly edge?: string;
}

async function run(context: Context, options: VerifyOptions): Promise<VerifyReport> {
  const startedAt = new Date();
  context.report({ kind: "start", stage: "verify", message: "bringing up a private mesh, with a hostile partner" });
  const { found, errors } = await findings(context, options);
  for (const error of errors) printNote(error);
  const claims = found.flatMap((one) => one.claims ?? []).toSorted(byId);
  const mutations = found.flatMap((one) => one.mutations ?? []);
  return {
    version: verifyVersion,
    startedAt: startedAt.toISOString(),
    seconds: (Date.now() - startedAt.getTime()) / 1000,
    holds:
      errors.length === 0 &&
      claims.every(({ state }) => state !== "failed") &&
      mutations.every(({ state }) => state !== "unnoticed"),
    edge: found.map(({ edge }) => edge).find((edge) => edge !== undefined) ?? "",
    versions: { SPIRE: versions.spire.version, Envoy: versions.envoy.version, Node: process.version },
    claims,
    mutations,
  };
}

/** What tests left in their metadata, and what failed without leaving anything. */
async function findings(
  context: Context,
  { edge = "", filter = "", mutations }: VerifyOptions,
): Promise<{ readonly found: readonly Found[]; readonly errors: readonly string[] }> {
  process.env["MESH_VERIFY_FILE"] = context.meshFile;
  process.env["MESH_VERIFY_EDGE"] = edge;
  process.env["MESH_VERIFY_FILTER"] = filter;
  process.env["MESH_VERIFY_MUTATIONS"] = mutations ? "yes" : "no";
  // Its connections live for seconds: a mesh of its own, which nobody waits for who did not ask for it.
  const ends = mutations || filter === "" || filter.split(",").some((part) => part.startsWith("R"));
  const names = ["matrix", ...(ends ? ["revocation"] : []), ...(mutations ? ["negative-control", "mutations"] : [])];
  const { modules, broken } = await runSuite(context, {
    project: "verify",
    files: names.map((name) => `test/verify/${name}.test.ts`),
    reporter: progressOf(context),
  });
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const found = tests.map((test): Found => {
    const attached: object = test.meta();
    return { ...attached };
  });
  const silent = tests.flatMap((test, index) => {
    const { claims, mutations: taken } = found[index] ?? {};
    const result = test.result();
    if (result.state !== "failed" || claims !== undefined || taken !== undefined) return [];
    return result.errors.map(({ message }) => `${test.name}: ${message}`);
  });
  return { found, errors: [...broken, ...silent] };
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
