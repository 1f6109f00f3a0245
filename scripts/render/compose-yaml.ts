// Prints a Compose file that people read: fragments with merge keys, comments above what they explain, short leaves on
// one line.

import { Alias, Document, isMap, isPair, isScalar, isSeq, visit, type Node, type Pair } from "yaml";

const lineWidth = 118;
const shortWidth = 92;

export type ComposeMap = Readonly<Record<string, unknown>>;

/** Comments by the path of the key they stand above: `services.broker.pid`. */
export type Comments = Readonly<Record<string, string>>;

/** Value of a merge key `<<`: earlier fragments win over later ones (Compose Specification, "Fragments"). */
export function merged(...fragments: readonly string[]): unknown {
  const [first, ...others] = fragments.map((name) => new Alias(name));
  return others.length === 0 ? first : [first, ...others];
}

/** Fragments are the top-level keys `x-<name>`, with the anchor `<name>`. */
export function composeYaml(heading: string, content: ComposeMap, comments: Comments): string {
  const document = new Document(content, { aliasDuplicateObjects: false });
  document.commentBefore = comment(heading.replaceAll("\n\n", "\n \n"));
  anchorFragments(document);
  explain(document, comments);
  shorten(document);
  return document.toString({ lineWidth, indentSeq: true, flowCollectionPadding: true }).replaceAll(/^# +$/gm, "#");
}

function anchorFragments(document: Document): void {
  if (!isMap(document.contents)) return;
  for (const { key, value } of document.contents.items) {
    if (isScalar(key) && typeof key.value === "string" && key.value.startsWith("x-") && isMap(value))
      value.anchor = key.value.slice(2);
  }
}

function explain(document: Document, comments: Comments): void {
  visit(document, {
    Pair(key, pair, ancestors) {
      if (!isScalar(pair.key)) return;
      const path = keysOf([...ancestors, pair]);
      const text = comments[path.join(".")];
      if (text !== undefined) pair.key.commentBefore = comment(text);
      if (key !== 0 && (path.length === 1 || (path.length === 2 && path[0] === "services")))
        pair.key.spaceBefore = true;
    },
    Scalar(key, scalar) {
      // Other YAML readers might take these for numbers.
      if (key !== "key" && typeof scalar.value === "string" && /^[\d.:]+$/.test(scalar.value))
        scalar.type = "QUOTE_DOUBLE";
    },
  });
}

function keysOf(nodes: readonly (Document | Node | Pair)[]): string[] {
  return nodes.flatMap((node) => (isPair(node) && isScalar(node.key) ? [String(node.key.value)] : []));
}

/** Maps and lists that fit stand on one line when nothing in them is explained. */
function shorten(document: Document): void {
  visit(document, {
    Map(_, map, ancestors) {
      if (ancestors.filter(isMap).length > 1 && map.items.length <= 3 && isPlain(map)) map.flow = true;
    },
    Seq(_, list) {
      const parts = list.items.every((item) => isScalar(item) || item instanceof Alias);
      if (parts && list.items.map(String).join(", ").length <= shortWidth) list.flow = true;
    },
  });
}

function isPlain(node: unknown): boolean {
  if (isMap(node)) {
    return (
      node.items.every(({ key, value }) => isScalar(key) && key.commentBefore == null && isPlain(value)) &&
      node.items.map(String).join(", ").length <= shortWidth
    );
  }
  return isScalar(node) || node instanceof Alias || (isSeq(node) && node.items.every(isPlain));
}

function comment(text: string): string {
  return text
    .split("\n")
    .map((line) => (line === "" ? "" : ` ${line}`))
    .join("\n");
}
