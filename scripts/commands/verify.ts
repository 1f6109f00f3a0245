// ./mesh verify: attacks a private instance of the mesh and shows that the sidecars refuse, for the reason they should.

import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";

import versions from "../../versions.json" with { type: "json" };
import { exitStatus, MeshError } from "../errors.ts";
import { paintResult, printJson, printNote, printResult } from "../output/print.ts";
import { verifyHtml } from "../output/verify-html.ts";
import { verifyJunit } from "../output/verify-junit.ts";
import { verifyVersion, type ClaimResult, type MutationOutcome, type VerifyReport } from "../output/verify-report.ts";
import { formatVerify } from "../output/verify-table.ts";
import { ensureTools } from "../tools/ensure-tools.ts";
import { readMesh, type Context } from "./context.ts";

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

async function provideTools({ cacheDir, offline, report, signal }: Context): Promise<void> {
  const tools = await ensureTools({ cacheDir, offline, report, signal });
  process.env["MESH_CACHE"] = cacheDir;
  process.env["MESH_SPIRE_SERVER"] = tools.spireServer;
  process.env["MESH_SPIRE_AGENT"] = tools.spireAgent;
  process.env["MESH_ENVOY"] = tools.envoy;
}

interface Found {
  readonly claims?: readonly ClaimResult[];
  readonly mutations?: readonly MutationOutcome[];
  readonly edge?: string;
}

async function run(context: Context, options: VerifyOptions): Promise<VerifyReport> {
  const { repositoryDir, meshFile, signal, report } = context;
  process.env["MESH_VERIFY_FILE"] = meshFile;
  process.env["MESH_VERIFY_EDGE"] = options.edge ?? "";
  process.env["MESH_VERIFY_FILTER"] = options.filter ?? "";
  const startedAt = new Date();
  report({ kind: "start", stage: "verify", message: "bringing up a private mesh, with a hostile partner" });
  const { startVitest } = await import("vitest/node");
  process.env["MESH_VERIFY_MUTATIONS"] = options.mutations ? "yes" : "no";
  // Its connections live for seconds: a mesh of its own, which nobody waits for who did not ask for it.
  const ends = options.mutations || (options.filter ?? "R").split(",").some((part) => part.startsWith("R"));
  const names = ["matrix", ...(ends ? ["revocation"] : []), ...(options.mutations ? ["mutations"] : [])];
  const files = names.map((name) => `test/verify/${name}.test.ts`);
  const found: Found[] = [];
  let done = 0;
  const vitest = await startVitest("test", files, {
    root: repositoryDir,
    project: ["verify"],
    watch: false,
    reporters: [
      {
        onTestCaseResult: (test) => {
          done += 1;
          report({
            kind: "progress",
            stage: "verify",
            message: `${done} claims judged, last ${test.name.split(" ")[0] ?? ""}`,
          });
        },
      },
    ],
  });
  signal.addEventListener("abort", () => void vitest.cancelCurrentRun("keyboard-input"), { once: true });
  const errors: string[] = [];
  for (const module of vitest.state.getTestModules()) {
    errors.push(...module.errors().map(({ message }) => message));
    for (const test of module.children.allTests()) {
      const attached: object = test.meta();
      const meta: Found = { ...attached };
      found.push(meta);
      const result = test.result();
      if (result.state === "failed" && meta.claims === undefined && meta.mutations === undefined)
        errors.push(...result.errors.map(({ message }) => `${test.name}: ${message}`));
    }
  }
  await vitest.close();
  signal.throwIfAborted();
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

function byId({ id: one }: ClaimResult, { id: other }: ClaimResult): number {
  return one.charCodeAt(0) - other.charCodeAt(0) || Number(one.slice(1)) - Number(other.slice(1));
}
