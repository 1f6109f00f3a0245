// What `./mesh verify` was asked for, as it hands it to this suite; plain `vitest --project verify` verifies the shipped mesh.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { Mesh } from "../../scripts/model/mesh.ts";
import { parseMesh } from "../../scripts/model/parse.ts";
import type { Edge } from "./instance/live-mesh.ts";

export const repositoryDir = join(import.meta.dirname, "../..");

function optionFrom(name: string, variable: string): Readonly<Record<string, string>> {
  const value = process.env[variable];
  return value === undefined ? {} : { [name]: value };
}

export const chosen = {
  meshFile: process.env["MESH_VERIFY_FILE"] ?? join(repositoryDir, "mesh.yaml"),
  edge: process.env["MESH_VERIFY_EDGE"] ?? "",
  /** Beginnings of claims' ids; all when empty. */
  filter: (process.env["MESH_VERIFY_FILTER"] ?? "").split(",").filter((part) => part !== ""),
  /** The mesh that is up, for `--live`: whose state folder is not its usual one. */
  live: {
    ...optionFrom("file", "MESH_VERIFY_FILE"),
    ...optionFrom("state", "MESH_VERIFY_STATE"),
  },
  /** Whether protections are taken away too; in the gate they are. */
  mutations: process.env["MESH_VERIFY_MUTATIONS"] !== "no",
} as const;

/** A description, and which of its edges is attacked: `caller:callee`; empty: the first across trust domains, or the first. */
export interface Target {
  readonly meshFile: string;
  readonly edge: string;
}

export function readTarget({ meshFile, edge: named }: Target): { readonly mesh: Mesh; readonly edge: Edge } {
  const mesh = parseMesh(readFileSync(meshFile, "utf8"), { file: meshFile });
  const domainOf = (name: string): string | undefined =>
    mesh.workloads.find((workload) => workload.name === name)?.spiffeId.trustDomain;
  const across = mesh.edges.filter(({ caller, callee }) => domainOf(caller) !== domainOf(callee));
  const unnamed = across.length === 0 ? mesh.edges : across;
  const edges = named === "" ? unnamed : mesh.edges.filter(({ caller, callee }) => named === `${caller}:${callee}`);
  for (const { caller, callee, rules } of edges) {
    const rule = rules.find(({ method, path }) => method === "GET" && !path.endsWith("*"));
    if (rule !== undefined) return { mesh, edge: { caller, callee, path: rule.path } };
  }
  throw new Error(`there is no edge ${named || "at all"} with a GET rule without *`);
}

export function isChosen(id: string): boolean {
  return (
    chosen.filter.length === 0 ||
    chosen.filter.some((part) => id === part || (/^[A-Z]$/.test(part) && id.startsWith(part)))
  );
}
