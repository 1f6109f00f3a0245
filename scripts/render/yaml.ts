// Objects → YAML that people read: the protections as comments, short leaves on one line, a repeated object once.

import { createHash } from "node:crypto";

import { Document, isMap, isPair, isScalar, isSeq, visit, YAMLSeq, type Node, type Pair } from "yaml";

import { protectionOf } from "./protections.ts";
import type { Fields } from "./types.ts";

const lineWidth = 118;

/** Objects that stand more than once in a file, by the anchor they get. Printed first, under Envoy's `!ignore` key. */
export type Definitions = Readonly<Record<string, Fields>>;

/** The static file of a sidecar. */
export function bootstrapYaml(heading: string, fields: Fields): string {
  return printed(heading, new Map(Object.entries(fields)), {}, (path) => ["bootstrap", ...path]);
}

/**
 * An xDS DiscoveryResponse as a file. `version_info` is a hash of the resources, so that a sidecar's admin interface
 * tells which content it has accepted.
 */
export function discoveryYaml(heading: string, resources: readonly Fields[], definitions: Definitions = {}): string {
  const version = createHash("sha256").update(JSON.stringify(resources)).digest("hex").slice(0, 12);
  const names = resources.map(resourceName);
  return printed(heading, new Map(Object.entries({ version_info: version, resources })), definitions, (path, index) => {
    const [, ...rest] = path;
    return [names[index] ?? "", ...rest];
  });
}

/** The version that `discoveryYaml` gave these bytes, as Envoy reports it once they are accepted. */
export function versionInfo(content: string): string {
  const version = /^version_info: "?([0-9a-f]{12})"?$/m.exec(content)?.[1];
  if (version === undefined) throw new Error("the file has no version_info");
  return version;
}

/** A resource's own name; endpoints have that of their cluster. */
export function resourceName({ name, cluster_name: cluster }: Fields): string {
  const found = [name, cluster].find((one) => typeof one === "string");
  if (found === undefined) throw new Error("a resource has a name");
  return found;
}

type PathOf = (path: readonly string[], resource: number) => readonly string[];

function printed(heading: string, content: Map<string, unknown>, definitions: Definitions, pathOf: PathOf): string {
  const used = Object.entries(definitions).filter(([, fields]) => stands(fields, content));
  const all =
    used.length === 0 ? content : new Map<string, unknown>([["definitions", Object.fromEntries(used)], ...content]);
  const document = new Document(all, { anchorPrefix: "anchor" });
  document.commentBefore = heading
    .split("\n")
    .map((line) => ` ${line}`)
    .join("\n");
  nameAnchors(
    document,
    used.map(([name]) => name),
  );
  explain(document, pathOf);
  shorten(document);
  quoteSpecial(document);
  return document.toString({ lineWidth, indentSeq: false, flowCollectionPadding: true });
}

function stands(wanted: Fields, within: unknown): boolean {
  if (within === wanted) return true;
  if (within instanceof Map) return [...within.values()].some((value) => stands(wanted, value));
  return typeof within === "object" && within !== null && Object.values(within).some((value) => stands(wanted, value));
}

/** The library has anchored each repeated object where it stood first, under `definitions`: give it its name. */
function nameAnchors(document: Document.Parsed | Document, names: readonly string[]): void {
  const root = document.contents;
  if (!isMap(root) || names.length === 0) return;
  const [definitions] = root.items;
  if (!isPair(definitions) || !isScalar(definitions.key) || !isMap(definitions.value)) return;
  definitions.key.tag = "!ignore";
  const given = new Map<string, string>();
  const sources: Node[] = [];
  definitions.value.items.forEach(({ value }, index) => {
    const name = names[index];
    if (!isMap(value) || name === undefined) return;
    if (value.anchor !== undefined) given.set(value.anchor, name);
    value.anchor = name;
    sources.push(value);
  });
  visit(document, {
    Alias(_, alias) {
      alias.source = given.get(alias.source) ?? alias.source;
    },
  });
  const list = new YAMLSeq<Node>();
  list.items = sources;
  definitions.value = list;
}

/** Writes each protection once, above the first field it covers. */
function explain(document: Document, pathOf: PathOf): void {
  const explained = new Set<string>();
  visit(document, {
    Pair(_, pair, ancestors) {
      if (!isScalar(pair.key)) return;
      const inDefinitions = ancestors.some((node) => isPair(node) && isScalar(node.key) && node.key.tag === "!ignore");
      const path = keysOf([...ancestors, pair]);
      const row = protectionOf(inDefinitions ? path.slice(1) : pathOf(path, resourceIndex(ancestors)));
      if (row === undefined || explained.has(row.id)) return;
      explained.add(row.id);
      pair.key.commentBefore = wrapped(`Without this: ${row.without}. (${row.clause})`);
    },
  });
}

type Ancestors = readonly (Document | Node | Pair)[];

function keysOf(nodes: Ancestors): string[] {
  return nodes.flatMap((node) => (isPair(node) && isScalar(node.key) ? [String(node.key.value)] : []));
}

function resourceIndex(ancestors: Ancestors): number {
  const at = ancestors.findIndex((node) => isPair(node) && isScalar(node.key) && node.key.value === "resources");
  const list = ancestors[at + 1];
  const item = ancestors[at + 2];
  return isSeq(list) && item !== undefined ? list.items.indexOf(item) : -1;
}

/**
 * Quotes what one YAML library reads as a plain string and another does not: yaml-cpp, Envoy's, takes `/quotes? }` for
 * the beginning of a key.
 */
function quoteSpecial(document: Document): void {
  visit(document, {
    Scalar(key, scalar) {
      if (key === "value" && typeof scalar.value === "string" && !/^[A-Za-z0-9/][\w./:-]*$/.test(scalar.value))
        scalar.type = "QUOTE_DOUBLE";
    },
  });
}

function isShort(items: readonly unknown[], text: string): boolean {
  return items.length <= 3 && text.length <= 72 && !text.includes("#");
}

/** Maps and lists of a few scalars stand on one line, as in Envoy's own documentation. */
function shorten(document: Document): void {
  visit(document, {
    Map(_, map) {
      const plain = map.items.every(
        ({ key, value }) =>
          isScalar(key) && !key.commentBefore && (isScalar(value) || (isMap(value) && value.items.length === 0)),
      );
      const typedOne = map.items.some(({ key }) => isScalar(key) && key.value === "@type");
      if (plain && !typedOne && isShort(map.items, JSON.stringify(map))) map.flow = true;
    },
    Seq(_, list) {
      if (list.items.every((item) => isScalar(item)) && isShort(list.items, JSON.stringify(list))) list.flow = true;
    },
  });
}

function wrapped(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length > 90) lines.push(` ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join("\n");
}
