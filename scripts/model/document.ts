// mesh.yaml as YAML 1.2: text → plain data, a way from a path to line and column, and what is not YAML in words.

import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from "yaml";

import type { Path } from "./problem.ts";
import { yamlProblems, type Position, type YamlProblem } from "./yaml-problems.ts";

export interface MeshDocument {
  readonly problems: readonly YamlProblem[];
  /** Plain data, never cyclic; undefined when a problem is `broken`. */
  readonly data: unknown;
  /** Where a key or value stands, from 1; the nearest place above when the path leads nowhere. */
  readonly locate: (path: Path, at: "key" | "value") => Position;
}

const start: Position = { line: 1, column: 1 };
const longestText = 1024 * 1024;

/** Reads the text as one YAML document. Throws nothing: all that can be wrong with it is in `problems`. */
export function readDocument(text: string): MeshDocument {
  if (text.length > longestText) {
    return unreadable([broken("the file is larger than 1 MiB", "write one mesh per file")]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    resolveKnownTags: false,
    logLevel: "error",
  });
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  try {
    const problems = yamlProblems(document, text, position);
    if (problems.some((problem) => problem.broken)) return unreadable(problems);
    const data: unknown = document.toJS({ maxAliasCount: 100 });
    return { problems, data, locate: (path, at) => position(offsetOf(document, path, at)) };
  } catch (error) {
    // yaml's guard against aliases of aliases that unfold to more than memory holds (maxAliasCount).
    if (error instanceof ReferenceError) {
      return unreadable([broken("aliases repeat too much of the file", "write what they stand for")]);
    }
    throw error;
  }
}

function unreadable(problems: readonly YamlProblem[]): MeshDocument {
  return { problems, data: undefined, locate: () => start };
}

function broken(message: string, suggestion: string): YamlProblem {
  return { ...start, message, suggestion, broken: true };
}

function offsetOf(document: Document.Parsed, path: Path, at: "key" | "value"): number {
  let value: unknown = document.contents;
  let offset = rangeStart(value) ?? 0;
  for (const [index, part] of path.entries()) {
    const isLast = index === path.length - 1;
    const found = step(isAlias(value) ? value.resolve(document) : value, part);
    if (found === undefined) return offset;
    const keyOffset = rangeStart(found.key);
    const valueOffset = isEmpty(found.value) ? undefined : rangeStart(found.value);
    const wanted = isLast && at === "key" ? (keyOffset ?? valueOffset) : (valueOffset ?? keyOffset);
    offset = wanted ?? offset;
    value = found.value;
  }
  return offset;
}

/** One key or index down. The last of equal keys counts, as in the data. */
function step(node: unknown, part: string | number): { key: unknown; value: unknown } | undefined {
  if (isSeq(node))
    return typeof part === "number" && part in node.items ? { key: undefined, value: node.items[part] } : undefined;
  if (!isMap(node)) return undefined;
  const pair = node.items.findLast(({ key }) => isScalar(key) && String(key.value) === String(part));
  return pair === undefined ? undefined : { key: pair.key, value: pair.value };
}

/** A value that takes no characters in the file: its key is the better place to point at. */
function isEmpty(node: unknown): boolean {
  return isScalar(node) && node.value === null && (node.source ?? "") === "";
}

function rangeStart(node: unknown): number | undefined {
  const range: Node["range"] | undefined =
    isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined;
  return range?.[0];
}
