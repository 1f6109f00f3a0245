// One `app` as YAML: the keys of mesh.yaml from an App, and a mapping of them as a person would have written it. Pure.

import { isDeepStrictEqual } from "node:util";

import { Document, isMap, isScalar, type Node, type Pair, type YAMLMap } from "yaml";

import { defaults } from "./draft.ts";
import type { App } from "./mesh.ts";

/** The keys of `app` in mesh.yaml, in the order in which docs/mesh-yaml.md has them. */
export function keysOf(app: App): Record<string, string | readonly string[]> {
  const { workingDir, build, listen, health, contract } = app;
  return {
    ...(app.kind === "node" ? { node: app.entry } : {}),
    ...(app.kind === "command" ? { command: app.command } : {}),
    ...(app.kind === "image" ? { image: app.image } : {}),
    ...(workingDir === undefined ? {} : { workingDir }),
    ...(build === undefined ? {} : { build }),
    ...(listen === undefined ? {} : { listen: `${listen.host}:${listen.port}` }),
    ...(health === defaults.health ? {} : { health }),
    ...(contract === undefined ? {} : { contract }),
  };
}

/** The old map's own pairs where they stay, so that they keep what stands beside them. */
export function appMap(document: Document.Parsed, old: YAMLMap, app: App): YAMLMap {
  const fresh = old.clone();
  if (!isMap(fresh)) throw new Error("the copy of a map is a map");
  const before: Readonly<Record<string, unknown>> = old.toJS(document);
  const keys = Object.entries(keysOf(app));
  for (const [key, value] of keys)
    if (!isDeepStrictEqual(before[key], value)) fresh.set(key, isList(value) ? list(document, value) : value);
  const order = keys.map(([key]) => key);
  const pairs = fresh.items.filter((pair) => order.includes(nameOf(pair)));
  fresh.items = pairs.toSorted((one, other) => order.indexOf(nameOf(one)) - order.indexOf(nameOf(other)));
  // These stand outside of what is replaced.
  delete fresh.anchor;
  delete fresh.commentBefore;
  delete fresh.comment;
  return fresh;
}

function isList(value: string | readonly string[]): value is readonly string[] {
  return typeof value !== "string";
}

function list(document: Document, words: readonly string[]): Node {
  return document.createNode(words, { flow: true });
}

function nameOf({ key }: Pair): string {
  return String(isScalar(key) ? key.value : key);
}

/** Lists without padding; mappings with it, unless whoever wrote the file does without. */
export function inFlow(node: Node, { isTight = false, indent = "" } = {}): string {
  if (isMap(node)) node.flow = true;
  const written = textOf(node);
  const text = isTight || written.includes("\n") ? written : `{ ${written.slice(1, -1)} }`;
  return text.replaceAll("\n", `\n${indent}`);
}

export function inBlock(
  node: Node,
  at: { readonly text: string; readonly start: number; readonly source: string },
): string {
  const column = at.start - (at.text.lastIndexOf("\n", at.start - 1) + 1);
  const end = at.source.endsWith("\n") ? "\n" : "";
  return `${textOf(node).replaceAll(/\n(?!\n)/g, `\n${" ".repeat(column)}`)}${end}`;
}

function textOf(node: Node): string {
  const alone = new Document();
  alone.contents = node;
  return alone.toString({ lineWidth: 0, flowCollectionPadding: false, verifyAliasOrder: false }).trimEnd();
}
