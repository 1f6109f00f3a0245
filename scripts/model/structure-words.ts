// The sentences about structure: a key nobody knows, a key that is missing, a value of another kind than the schema says.

import { stringify } from "yaml";

import { isMapping } from "./part.ts";
import { didYouMean, listed, quote, write, type Finding, type Path } from "./problem.ts";
import { isFormat, readers } from "./syntax.ts";

/** A node of the schema, with what a sentence may need of it. */
export interface SchemaNode {
  readonly type?: unknown;
  readonly format?: unknown;
  readonly enum?: unknown;
  readonly examples?: unknown;
  readonly properties?: unknown;
  readonly additionalProperties?: unknown;
  readonly items?: unknown;
  readonly anyOf?: unknown;
}

export function schemaNode(schema: unknown): SchemaNode {
  return isMapping(schema) ? schema : {};
}

interface UnknownKey {
  readonly path: Path;
  readonly key: string;
  readonly value: unknown;
  /** The schema of the mapping it stands in, and of the file. */
  readonly schema: SchemaNode;
  readonly root: SchemaNode;
}

export function unknownKey(unknown: UnknownKey): Finding {
  const { path, key, value } = unknown;
  const place = { path: [...path, key], at: "key" } as const;
  if (key === "<<") {
    return { ...place, message: "merge keys (`<<`) are not read here", suggestion: "write the keys themselves" };
  }
  if (key.toLowerCase() === "grpc" || (key === "protocol" && isHttp2(value))) {
    const message = "gRPC is not built yet: sidecars carry HTTP/1.1";
    return { ...place, message, suggestion: `remove ${quote(key)}`, kind: "not-yet" };
  }
  return { ...place, message: `unknown key ${quote(key)}`, suggestion: rightPlace(unknown) };
}

function isHttp2(protocol: unknown): boolean {
  return typeof protocol === "string" && /^(?:grpc|h2|http2|http\/2)/i.test(protocol);
}

/** Where a key belongs that is unknown here: a mapping inside, the one around, or a key with nearly its name. */
function rightPlace({ path, key, schema, root }: UnknownKey): string {
  const properties = isMapping(schema.properties) ? schema.properties : {};
  const inside = Object.keys(properties).find((name) => hasProperty(properties[name], key));
  if (inside !== undefined) return `write it under ${quote(inside)}`;
  const here = path.at(-1);
  if (here !== undefined && hasProperty(schemaAt(root, path.slice(0, -1)), key)) {
    return `write it beside ${quote(String(here))}`;
  }
  const keys = Object.keys(properties);
  return didYouMean(key, keys, `write ${listed(quoted(keys), "or")}`);
}

function schemaAt(root: SchemaNode, path: Path): SchemaNode {
  return path.reduce<SchemaNode>((schema, part) => {
    const property = isMapping(schema.properties) ? schema.properties[part] : undefined;
    return schemaNode(property ?? schema.additionalProperties);
  }, root);
}

function hasProperty(schema: unknown, key: string): boolean {
  return isMapping(schema) && isMapping(schema["properties"]) && Object.hasOwn(schema["properties"], key);
}

export function missingKey(path: Path, key: string, schema: SchemaNode): Finding {
  const property = isMapping(schema.properties) ? schema.properties[key] : undefined;
  return { path, at: "key", message: `${quote(key)} is missing`, suggestion: writeExample(key, property) };
}

export function unreadableText(
  place: Pick<Finding, "path" | "at">,
  { format }: SchemaNode,
  text: string,
): Finding | undefined {
  if (!isFormat(format)) return undefined;
  const read = readers[format].read(text);
  return read.ok ? undefined : { ...place, message: read.problem, suggestion: read.suggestion };
}

export function emptyValue(path: Path, schema: SchemaNode): Finding {
  const key = String(path.at(-1));
  return { path, at: "value", message: `${quote(key)} is empty`, suggestion: writeExample(key, schema) };
}

export function wrongValue(path: Path, schema: SchemaNode, value: unknown): Finding {
  const key = path.findLast((part) => typeof part === "string");
  const isItem = typeof path.at(-1) === "number";
  const place = { path, at: "value" } as const;
  if (key === undefined) {
    const message = value === null ? "the file is empty" : "the file is not a mapping";
    return { ...place, message, suggestion: "write `trustDomains:` and below it `workloads:`" };
  }
  if (value === null) return emptyValue(path, schema);
  if (isFormat(schema.format) && (typeof value === "number" || typeof value === "boolean")) {
    const read = readers[schema.format].read(String(value));
    if (!read.ok) return { ...place, message: read.problem, suggestion: read.suggestion };
    return {
      ...place,
      message: `${quote(String(value))} is not text`,
      suggestion: `${write(`"${value}"`)}, in quotes`,
    };
  }
  const subject = isItem ? `an item of ${quote(key)}` : quote(key);
  const meant = typeof value === "string" ? asList(schema, value) : undefined;
  const example = meant ?? exampleOf(schema);
  const suggestion = write(isItem ? example : `${key}: ${example}`);
  return { ...place, message: `${subject} must be ${wanted(schema)}`, suggestion };
}

/** What somebody wrote without brackets, as the list that was wanted. */
function asList({ type, items, anyOf }: SchemaNode, text: string): string | undefined {
  if (type !== "array" && anyOf === undefined) return undefined;
  return flow(schemaNode(items).format === "argument" ? text.split(/\s+/) : [text]);
}

function wanted(schema: SchemaNode): string {
  if (isFormat(schema.format)) return readers[schema.format].what;
  if (Array.isArray(schema.enum)) return listed(quoted(schema.enum), "or");
  if (schema.type === "array") return "a list";
  if (schema.type === "object") return "a mapping";
  if (schema.type === "boolean") return "`true`";
  return "a list of rules, or a mapping with `allow`";
}

function quoted(words: readonly unknown[]): string[] {
  return words.map((word) => quote(String(word)));
}

function writeExample(key: string, schema: unknown): string {
  return write(`${key}: ${exampleOf(schemaNode(schema))}`);
}

function exampleOf(schema: SchemaNode): string {
  const example: unknown = Array.isArray(schema.examples) ? schema.examples[0] : undefined;
  return flow(example ?? {});
}

function flow(value: unknown): string {
  return stringify(value, { collectionStyle: "flow", flowCollectionPadding: false, lineWidth: 0 }).trim();
}
