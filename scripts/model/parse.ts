// mesh.yaml → Mesh, or every problem in it at once: YAML, then structure, then the rules. Pure.

import { MeshError } from "../errors.ts";
import { readDocument } from "./document.ts";
import { readDraft, type AppDraft, type DomainDraft, type Draft, type WorkloadDraft } from "./draft.ts";
import type { App, Edge, Mesh, TrustDomain, Workload } from "./mesh.ts";
import { jsonPointer, type Problem } from "./problem.ts";
import { ruleFindings } from "./rules.ts";
import { structureFindings } from "./structure.ts";

export type { Problem } from "./problem.ts";

export interface ParseOptions {
  /** How messages call the file: `mesh.yaml`. */
  readonly file: string;
}

/**
 * The mesh that `text` describes.
 *
 * @throws MeshError MESH_FILE_INVALID, whose details are all problems in the order of the file, each
 *   `mesh.yaml:LINE:COLUMN  problem; what to write`; MESH_FILE_NOT_YET in the same form when the only problems are wishes
 *   that this version does not build
 */
export function parseMesh(text: string, { file }: ParseOptions): Mesh {
  const { problems, draft } = examine(text);
  const invalid = problems.filter(({ kind }) => kind === "invalid");
  if (invalid.length > 0) {
    throw new MeshError("MESH_FILE_INVALID", `${file} has ${counted(invalid.length, "problem")}`, {
      details: invalid.map((problem) => formatProblem(problem, file)),
      fix: `correct ${invalid.length === 1 ? "that line" : "these lines"}; docs/mesh-yaml.md describes the language`,
    });
  }
  if (problems.length > 0) {
    throw new MeshError("MESH_FILE_NOT_YET", `${file} asks for ${counted(problems.length, "thing")} not built yet`, {
      details: problems.map((problem) => formatProblem(problem, file)),
      fix: "write what each line suggests; docs/mesh-yaml.md says what this version builds",
    });
  }
  return toMesh(draft);
}

/** Every problem in the order of the file, also of what is not built yet. Throws nothing. */
export function findProblems(text: string): Problem[] {
  return examine(text).problems;
}

/** `mesh.yaml:3:5  problem; what to write`. */
export function formatProblem({ line, column, message, suggestion }: Problem, file: string): string {
  return `${file}:${line}:${column}  ${message}${suggestion === undefined ? "" : `; ${suggestion}`}`;
}

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function examine(text: string): { problems: Problem[]; draft: Draft } {
  const { problems: notYaml, data, locate } = readDocument(text);
  const problems = notYaml.map(({ line, column, message, suggestion }): Problem => {
    return { line, column, path: "", message, suggestion, kind: "invalid" };
  });
  if (notYaml.some(({ broken }) => broken)) return { problems, draft: { domains: [], workloads: [] } };
  const draft = readDraft(data);
  const findings = [...structureFindings(data), ...ruleFindings(draft, (path) => locate(path, "key").line)];
  for (const { path, at, message, suggestion, kind = "invalid" } of findings) {
    problems.push({ ...locate(path, at), path: jsonPointer(path), message, suggestion, kind });
  }
  return { problems: inOrder(problems), draft };
}

/** By position; what is said twice of one place (through an alias, say) is said once. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const once = new Map(problems.map((problem) => [`${problem.line}:${problem.column} ${problem.message}`, problem]));
  return [...once.values()].toSorted((left, right) => left.line - right.line || left.column - right.column);
}

function toMesh(draft: Draft): Mesh {
  return {
    trustDomains: draft.domains.map(toTrustDomain),
    workloads: draft.workloads.map(toWorkload),
    edges: draft.workloads.flatMap(toEdges),
  };
}

function toTrustDomain({ domain, name, federatesWith, caMs, x509SvidMs }: DomainDraft): TrustDomain {
  return {
    domain,
    name: known(name).value,
    federatesWith: known(federatesWith).value.map(({ value }) => value),
    ttl: { caSeconds: known(caMs).value / 1000, x509SvidSeconds: known(x509SvidMs).value / 1000 },
  };
}

function toWorkload({ name, spiffeId, app, publish }: WorkloadDraft): Workload {
  return {
    name,
    spiffeId: known(spiffeId).value,
    app: toApp(known(app)),
    ...(publish === undefined ? {} : { publish: { host: publish.value.host, port: publish.value.port } }),
  };
}

/** The app of a draft in which no problem was found. */
export function toApp({ node, command, image, workingDir, build, listen, health, contract }: AppDraft): App {
  return {
    ...toKind({ node, command, image }),
    ...(workingDir === undefined ? {} : { workingDir }),
    ...(build === undefined ? {} : { build }),
    ...(listen === undefined ? {} : { listen: listen.value }),
    health,
    ...(contract === undefined ? {} : { contract }),
  };
}

function toKind({ node, command, image }: Pick<AppDraft, "node" | "command" | "image">) {
  if (node !== undefined) return { kind: "node", entry: node.value } as const;
  if (command !== undefined) return { kind: "command", command } as const;
  return { kind: "image", image: known(image) } as const;
}

function toEdges({ name, calls }: WorkloadDraft): Edge[] {
  return calls.map(({ callee, rules, timeoutMs }) => {
    return {
      caller: name,
      callee,
      rules: known(rules).map(({ value }) => value),
      timeoutMs: known(timeoutMs).value,
    };
  });
}

/** A part of a draft in which no problem was found. */
function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("mesh.yaml was found valid, but a part of it cannot be read");
  return value;
}
