// mesh.yaml with another app for one workload: text → text. Every other character stays as a person wrote it, because
// nothing but the value of that `app` is written anew. Pure.

import { isDeepStrictEqual } from "node:util";

import { isAlias, isMap, isScalar, parseDocument, stringify, visit } from "yaml";
import type { Alias, Document, Node, Pair, Scalar } from "yaml";

import { MeshError } from "../errors.ts";
import { appMap, inBlock, inFlow, keysOf } from "./app-yaml.ts";
import type { App } from "./mesh.ts";
import { parseMesh } from "./parse.ts";

export interface EditOptions {
  /** How messages call the file: `mesh.yaml`. */
  readonly file: string;
  readonly workload: string;
  readonly app: App;
}

/** Replaces what stands from `start` to `end`. */
interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * The text of a valid mesh.yaml, in which `workload` has `app` instead of its own. Keys that stay keep their comments and
 * their quotes; what the old `app` was the anchor of moves to where it is used next.
 *
 * @throws MeshError MESH_FILE_INVALID, when the mesh would not be valid with it; MESH_INPUT_INVALID, when the file is written
 *   in a way that this cannot edit: then it says what to write
 */
export function withApp(text: string, { file, workload, app }: EditOptions): string {
  const document = parseDocument(text, { stringKeys: true, resolveKnownTags: false, logLevel: "error" });
  const pair = appPair(document, workload);
  if (pair === undefined) throw byHand({ file, workload, app });
  const edited = applied(text, splices(text, { document, pair, app }));
  if (!differsOnlyIn(edited, document, { workload, app })) throw byHand({ file, workload, app });
  const found = parseMesh(edited, { file }).workloads.find(({ name }) => name === workload);
  if (isDeepStrictEqual(found?.app, app)) return edited;
  throw byHand({ file, workload, app });
}

type AppPair = Pair<Scalar, Node> & { readonly key: Scalar; readonly value: Node };

function appPair({ contents }: Document.Parsed, workload: string): AppPair | undefined {
  let pair: Pair | undefined;
  let at: unknown = contents;
  for (const name of ["workloads", workload, "app"]) {
    if (!isMap(at)) return undefined;
    pair = at.items.find(({ key }) => isScalar(key) && key.value === name);
    at = pair?.value;
  }
  return isAppPair(pair) ? pair : undefined;
}

function isAppPair(pair: Pair | undefined): pair is AppPair {
  return isScalar(pair?.key) && (isMap(pair.value) || isAlias(pair.value));
}

interface Place {
  readonly document: Document.Parsed;
  readonly pair: AppPair;
  readonly app: App;
}

function splices(text: string, { document, pair, app }: Place): Splice[] {
  const { value: old } = pair;
  const [start, end] = rangeOf(old);
  const source = text.slice(start, end);
  const indent = `${indentAt(text, start)}  `;
  if (!isMap(old)) return [{ start, end, text: inFlow(document.createNode(keysOf(app)), { indent }) }];
  const fresh = appMap(document, old, app);
  const written =
    old.flow === true
      ? inFlow(fresh, { isTight: /^\{\S/.test(source), indent })
      : inBlock(fresh, { text, start, source });
  return [...movedAnchor(text, { document, pair }), { start, end, text: written }];
}

/** Where the value is used next, it is written out, with its anchor. */
function movedAnchor(text: string, { document, pair: { key, value: old } }: Omit<Place, "app">): Splice[] {
  if (!isMap(old) || old.anchor === undefined) return [];
  const anchor = `&${old.anchor}`;
  const user = firstAlias(document, old.anchor);
  if (user === undefined) return [];
  const [[, start], [end], [at, to]] = [rangeOf(key), rangeOf(old), rangeOf(user)];
  const gap = text.slice(start, end).replace(`${anchor} `, "").replace(anchor, "");
  const value = inFlow(document.createNode(old.toJS(document)));
  return [
    { start, end, text: gap },
    { start: at, end: to, text: `${anchor} ${value}` },
  ];
}

function indentAt(text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
  return /^ */.exec(line)?.[0] ?? "";
}

function firstAlias(document: Document.Parsed, anchor: string): Alias | undefined {
  let found: Alias | undefined;
  visit(document, {
    Alias: (_, alias) => {
      if (alias.source !== anchor) return undefined;
      found = alias;
      return visit.BREAK;
    },
  });
  return found;
}

function rangeOf({ range }: Node): readonly [number, number] {
  if (range === undefined || range === null) throw new Error("what was parsed has a range");
  return [range[0], range[1]];
}

function applied(text: string, all: readonly Splice[]): string {
  const fromTheEnd = all.toSorted((one, other) => other.start - one.start);
  return fromTheEnd.reduce((now, { start, end, text: put }) => now.slice(0, start) + put + now.slice(end), text);
}

function differsOnlyIn(edited: string, before: Document.Parsed, { workload, app }: Omit<EditOptions, "file">): boolean {
  const now = parseDocument(edited, { stringKeys: true, resolveKnownTags: false, logLevel: "error" });
  const wanted: { workloads: Record<string, { app: unknown }> } | undefined = dataOf(before);
  const changed = wanted?.workloads[workload];
  if (changed === undefined) return false;
  changed.app = keysOf(app);
  return isDeepStrictEqual(dataOf(now), wanted);
}

/** Aliases give one object; a copy has each where it stands. Undefined: it cannot be read. */
function dataOf(document: Document.Parsed) {
  if (document.errors.length > 0) return undefined;
  try {
    return JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: 100 })));
  } catch (error) {
    if (error instanceof ReferenceError) return undefined; // An alias of nothing.
    throw error;
  }
}

function byHand({ file, workload, app }: EditOptions): MeshError {
  return new MeshError("MESH_INPUT_INVALID", `${file} is written in a way in which only a person can edit it`, {
    details: stringify({ app: keysOf(app) })
      .trimEnd()
      .split("\n"),
    fix: `write that in ${file}, for ${workload}`,
  });
}
