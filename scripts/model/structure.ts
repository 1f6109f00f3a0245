// The structure of mesh.yaml against its schema: what ajv reports, told as one sentence per mistake. The schema is the
// committed file, so that editors and the mesh judge by the same one (a test keeps it equal to schema.ts).

import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";

import meshSchema from "../../mesh.schema.json" with { type: "json" };
import { isMisspelt, valueAt } from "./part.ts";
import type { Finding, Path } from "./problem.ts";
import { emptyValue, missingKey, schemaNode, unknownKey, unreadableText, wrongValue } from "./structure-words.ts";
import { readers } from "./syntax.ts";

/** The schema of `app` in a workload: what an app.yaml holds. */
export const appSchema: object = meshSchema.properties.workloads.additionalProperties.properties.app;

const compiled = new Map<object, ValidateFunction>();

function validator(schema: object): ValidateFunction {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const ajv = new Ajv({ allErrors: true, verbose: true, ownProperties: true, strict: false, validateSchema: false });
  for (const [name, { read }] of Object.entries(readers)) ajv.addFormat(name, (text) => read(text).ok);
  const validate = ajv.compile(schema);
  compiled.set(schema, validate);
  return validate;
}

/** Everything in which `data` is not what the schema says, that of mesh.yaml unless given. Scalars included, relations not. */
export function structureFindings(data: unknown, root: object = meshSchema): Finding[] {
  const validate = validator(root);
  if (validate(data)) return [];
  const errors = withoutOtherShapes(validate.errors ?? []);
  return errors.map((error) => finding(error, data, root)).filter((found) => found !== undefined);
}

/**
 * Of a value that may have two shapes, keeps the errors of the shape it has, or the one that says it has neither. What
 * `oneOf` says is worded by a rule.
 */
function withoutOtherShapes(errors: readonly ErrorObject[]): ErrorObject[] {
  const unwanted = new Set<ErrorObject>();
  for (const choice of errors.filter(({ keyword }) => keyword === "anyOf" || keyword === "oneOf")) {
    const below = errors.filter((error) => isBelow(error, choice));
    const shapes = Map.groupBy(
      below,
      ({ schemaPath }) => schemaPath.slice(choice.schemaPath.length + 1).split("/", 1)[0],
    );
    const fitting = [...shapes.values()].filter((shape) => !shape.some((error) => isWrongType(error, choice)));
    const kept = choice.keyword === "anyOf" && fitting.length === 1 ? new Set(fitting[0]) : new Set<ErrorObject>();
    for (const error of below) if (!kept.has(error)) unwanted.add(error);
    if (kept.size > 0 || choice.keyword === "oneOf") unwanted.add(choice);
  }
  return errors.filter((error) => !unwanted.has(error));
}

function isBelow(error: ErrorObject, choice: ErrorObject): boolean {
  const inside = error.instancePath === choice.instancePath || error.instancePath.startsWith(`${choice.instancePath}/`);
  return inside && error.schemaPath.startsWith(`${choice.schemaPath}/`);
}

function isWrongType(error: ErrorObject, choice: ErrorObject): boolean {
  return error.keyword === "type" && error.instancePath === choice.instancePath;
}

function finding(error: ErrorObject, data: unknown, root: object): Finding | undefined {
  const path = pathOf(error.instancePath, data);
  const schema = schemaNode(error.parentSchema);
  const key = stringParameter(error, "additionalProperty");
  const missing = stringParameter(error, "missingProperty");
  if (key !== undefined) {
    const value = valueAt(data, [...path, key]);
    return unknownKey({ path, key, value, schema, root: schemaNode(root) });
  }
  if (missing !== undefined)
    return isMisspelt(valueAt(data, path), missing) ? undefined : missingKey(path, missing, schema);
  if (error.propertyName !== undefined) {
    // The failed name itself; the `propertyNames` error beside it says no more.
    return error.keyword === "format"
      ? unreadableText({ path: [...path, error.propertyName], at: "key" }, schema, error.propertyName)
      : undefined;
  }
  // Patterns are for editors: the format beside each says it better.
  if (error.keyword === "pattern" || error.keyword === "propertyNames") return undefined;
  const value: unknown = error.data;
  if (error.keyword === "format" && typeof value === "string")
    return unreadableText({ path, at: "value" }, schema, value);
  if (error.keyword === "minItems" || error.keyword === "minProperties") return emptyValue(path, schema);
  return wrongValue(path, schema, value);
}

function stringParameter(error: ErrorObject, name: string): string | undefined {
  const value: unknown = error.params[name];
  return typeof value === "string" ? value : undefined;
}

/** A JSON pointer as a path; indexes are numbers where the data has a list. */
function pathOf(pointer: string, data: unknown): Path {
  const path: (string | number)[] = [];
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    path.push(Array.isArray(valueAt(data, path)) ? Number(key) : key);
  }
  return path;
}
