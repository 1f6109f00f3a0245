// Small descriptions for the tables of bad input: each helper replaces one part of a good one, so that lines are known.

import { MeshError } from "../../../scripts/errors.ts";
import { parseMesh } from "../../../scripts/model/parse.ts";

const trustDomains = `trustDomains:
  broker.example: {federatesWith: [stockmarket.example]}
  stockmarket.example: {federatesWith: [broker.example]}
`;
const workloads = `workloads:
  broker: {spiffeId: spiffe://broker.example/webapp, app: {node: a.ts}, calls: {quotes: [GET /quotes]}}
  quotes: {spiffeId: spiffe://stockmarket.example/quotes, app: {node: q.ts}}
`;

/** A good one: trust domains on lines 1–3, workloads on lines 4–6. */
export const good = trustDomains + workloads;

/** These workloads, from line 5. */
export function withWorkloads(...lines: string[]): string {
  return `${trustDomains}workloads:\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

/** One workload `x` on line 5, with these keys beside its SPIFFE ID. */
export function withWorkload(keys: string): string {
  return withWorkloads(`x: {spiffeId: spiffe://broker.example/x, ${keys}}`);
}

/** One workload `x` on line 5, with this `app`. */
export function withApp(keys: string): string {
  return withWorkload(`app: {${keys}}`);
}

/** One workload `x` on line 5, with this SPIFFE ID. */
export function withSpiffeId(spiffeId: string): string {
  return withWorkloads(`x: {spiffeId: ${spiffeId}, app: {node: a.ts}}`);
}

/** `broker` on line 5, with these `calls`. */
export function withCalls(calls: string): string {
  return good.replace("{quotes: [GET /quotes]}", calls);
}

/** These trust domains, from line 2, and one workload in `a.example`. */
export function withDomains(...lines: string[]): string {
  const workload = "workloads: {x: {spiffeId: spiffe://a.example/x, app: {node: a.ts}}}\n";
  return `trustDomains:\n${lines.map((line) => `  ${line}\n`).join("")}${workload}`;
}

/** The trust domain `a.example` on line 2, with these keys. */
export function withDomain(keys: string): string {
  return withDomains(`a.example: {${keys}}`);
}

/** A table row: what is wrong, a text, and each problem as it is printed, without `mesh.yaml:`. */
export type BadInput = readonly [what: string, text: string, problems: readonly string[]];

/** The details with which a text is refused as invalid; anything else as it comes. */
export function problemsOf(text: string): unknown {
  try {
    return parseMesh(text, { file: "mesh.yaml" });
  } catch (error) {
    if (!(error instanceof MeshError) || error.code !== "MESH_FILE_INVALID") return error;
    return error.details.map((line) => line.replace(/^mesh\.yaml:/, ""));
  }
}
