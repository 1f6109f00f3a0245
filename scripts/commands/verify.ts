// ./mesh verify: attacks a private instance of the mesh and shows that the sidecars refuse, for the reason they should; with
// --live, as far as that is harmless, the mesh that is up.

import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";

import versions from "../../versions.json" with { type: "json" };
import { exitStatus, MeshError } from "../errors.ts";
import { paintResult, printJson, printNote, printResult } from "../output/print.ts";
import { verifyHtml } from "../output/verify-html.ts";
import { verifyJunit } from "../output/verify-junit.ts";
import { verifyVersion, type VerifyReport } from "../output/verify-report.ts";
import { formatVerify } from "../output/verify-table.ts";
import type { Plan } from "../plan/plan.ts";
import { ensureEngine } from "../tools/docker/engine.ts";
import { readMesh, type Context } from "./context.ts";
import { meshThatIsUp } from "./mesh-that-is-up.ts";
import { provideTools } from "./run-suite.ts";
import { provideImages } from "./up-docker.ts";
import { runVerify } from "./verify-suites.ts";

export interface VerifyOptions {
  /** `caller:callee`; the first edge that crosses trust domains unless given. */
  readonly edge?: string;
  /** Ids of claims, or a group's letter. */
  readonly filter?: string;
  /** Take each protection away too. */
  readonly mutations: boolean;
  /** And hear every claim meanwhile, not only those that guard it; never without `mutations`. */
  readonly full: boolean;
  /** The mesh that is up, and no private one. */
  readonly live: boolean;
  readonly json: boolean;
  /** Files to write. */
  readonly junit?: string;
  readonly html?: string;
}

/** Exit status 1 when a claim does not hold, or nothing noticed that a protection was gone. */
export async function verify(context: Context, options: VerifyOptions): Promise<number> {
  const runtime = await (options.live ? checkLive(context, options) : checkPrivate(context, options));
  const report = await reportOf(context, options, runtime);
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

/** Natively unless asked otherwise, where that is possible. */
async function checkPrivate(context: Context, { edge, mutations }: VerifyOptions): Promise<Plan["runtime"]> {
  const { edges } = await readMesh(context);
  refuseUnknownEdge(context.meshFile, edges, edge);
  const runtime = context.runtime ?? (process.platform === "linux" ? "native" : "docker");
  if (runtime === "native") await provideTools(context);
  else if (mutations)
    throw new MeshError("MESH_USAGE", "protections are taken away natively, not in containers", {
      fix: "./mesh verify --runtime native --mutations; the configuration is rendered by the same code",
    });
  else await checkEngine(context);
  return runtime;
}

/** @throws MeshError MESH_ENGINE_ABSENT, MESH_ENGINE_DENIED, MESH_ENGINE_OLD */
async function checkEngine(context: Context): Promise<void> {
  const { cacheDir, report, signal, env, offline } = context;
  const engine = await ensureEngine({ cacheDir, report, signal, install: false, env });
  if (offline) await provideImages(context, { env: { ...env, ...engine.env } });
  process.env["MESH_VERIFY_ENGINE"] = "given";
}

/** @throws MeshError MESH_NOT_UP */
async function checkLive(context: Context, { edge, mutations }: VerifyOptions): Promise<Plan["runtime"]> {
  if (mutations)
    throw new MeshError(
      "MESH_USAGE",
      "nothing is taken away from a mesh that serves: --live goes without --mutations and --full",
      { fix: "./mesh verify --mutations, which has a private instance" },
    );
  const { plan } = await meshThatIsUp(context);
  const edges = plan.edges.map(({ caller, callee }) => ({ caller: caller.workload, callee: callee.workload }));
  refuseUnknownEdge("the mesh that is up", edges, edge);
  return plan.runtime;
}

function refuseUnknownEdge(
  where: string,
  edges: readonly { readonly caller: string; readonly callee: string }[],
  wanted: string | undefined,
): void {
  const names = edges.map(({ caller, callee }) => `${caller}:${callee}`);
  if (wanted === undefined || names.includes(wanted)) return;
  throw new MeshError("MESH_USAGE", `${where} has no edge ${wanted}`, {
    details: names,
    fix: "./mesh verify --edge CALLER:CALLEE, one of these",
  });
}

async function reportOf(context: Context, options: VerifyOptions, runtime: Plan["runtime"]): Promise<VerifyReport> {
  const startedAt = new Date();
  const message = options.live
    ? "attacking the mesh that is up, as far as that is harmless"
    : "bringing up a private mesh, with a hostile partner";
  context.report({ kind: "start", stage: "verify", message });
  const { claims, mutations, edge, errors } = await runVerify(context, options, runtime);
  for (const error of errors) printNote(error);
  return {
    version: verifyVersion,
    startedAt: startedAt.toISOString(),
    seconds: (Date.now() - startedAt.getTime()) / 1000,
    holds:
      errors.length === 0 &&
      claims.every(({ state }) => state !== "failed") &&
      mutations.every(({ state }) => state === "noticed" || state === "not-applied"),
    mesh: options.live ? "live" : "private",
    runtime,
    edge,
    versions: { SPIRE: versions.spire.version, Envoy: versions.envoy.version, Node: process.version },
    claims,
    mutations,
  };
}
