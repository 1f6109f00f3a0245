import { readFileSync } from "node:fs";

import { Ajv } from "ajv";
import { test } from "vitest";
import { parse } from "yaml";

import { isMapping } from "../../../scripts/model/part.ts";
import { jsonSchema } from "../../../scripts/model/schema.ts";
import { isFormat, readers } from "../../../scripts/model/syntax.ts";
import { good } from "./meshes.ts";

test("mesh.schema.json is what the types say (write it anew with `vitest -u`)", async ({ expect }) => {
  await expect(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`).toMatchFileSnapshot("../../../mesh.schema.json");
});

interface Node {
  readonly path: string;
  readonly schema: Record<string, unknown>;
}

/** Every schema inside a schema, with the path of keywords that leads to it. */
function nodes(schema: unknown, path = "#"): Node[] {
  if (!isMapping(schema)) return [];
  const named = isMapping(schema["properties"]) ? Object.entries(schema["properties"]) : [];
  const others = ["items", "additionalProperties", "propertyNames"].map((key): [string, unknown] => [key, schema[key]]);
  const choices = Array.isArray(schema["anyOf"])
    ? schema["anyOf"].map((choice, index): [string, unknown] => [`${index}`, choice])
    : [];
  return [
    { path, schema },
    ...[...named, ...others, ...choices].flatMap(([key, below]) => nodes(below, `${path}/${key}`)),
  ];
}

const all = nodes(jsonSchema());

test("every key has a description, so that editors show help", ({ expect }) => {
  const silent = all.filter(
    ({ path, schema }) => !path.endsWith("/propertyNames") && typeof schema["description"] !== "string",
  );
  expect(silent.map(({ path }) => path)).toEqual([]);
  expect(all.length).toBeGreaterThan(40);
});

test("every mapping is closed, or has names that the file gives", ({ expect }) => {
  const mappings = all.filter(({ schema }) => schema["type"] === "object");
  const open = mappings.filter(
    ({ schema }) => schema["additionalProperties"] !== false && !isMapping(schema["additionalProperties"]),
  );
  expect(open.map(({ path }) => path)).toEqual([]);
});

test("every text names a format that has a reader, and its examples are well-formed by reader and pattern", ({
  expect,
}) => {
  for (const { path, schema } of all.filter(
    ({ schema: { type, format } }) => type === "string" || format !== undefined,
  )) {
    const format = schema["format"];
    expect(isFormat(format), path).toBe(true);
    const examples: unknown[] = Array.isArray(schema["examples"]) ? schema["examples"] : [];
    for (const example of examples) {
      expect(isFormat(format) && readers[format].read(String(example)).ok, `${path} ${String(example)}`).toBe(true);
      const { pattern } = schema;
      if (typeof pattern === "string") expect(String(example)).toMatch(new RegExp(pattern));
    }
  }
});

test("no format is called as a standard one of another meaning", ({ expect }) => {
  const standard = ["date", "date-time", "duration", "hostname", "ipv4", "ipv6", "regex", "time", "uri", "uuid"];
  expect(Object.keys(readers).filter((name) => standard.includes(name))).toEqual([]);
});

test("an editor, which knows no formats, accepts what the mesh accepts", ({ expect }) => {
  const accepts = new Ajv({ validateFormats: false }).compile(jsonSchema());
  const meshes = [
    "mesh.yaml",
    ...["quotes", "three-domains", "one-domain", "many"].map((name) => `test/golden/meshes/${name}.yaml`),
  ];
  for (const path of meshes) {
    const text = readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
    expect(accepts(parse(text)), path).toBe(true);
  }
  expect(accepts(parse(good.replace("GET /quotes", "get /quotes")))).toBe(false);
});

test("the schema is loaded at run time from the file that editors read", ({ expect }) => {
  const source = readFileSync(new URL("../../../scripts/model/structure.ts", import.meta.url), "utf8");
  expect(source).toContain('import meshSchema from "../../mesh.schema.json"');
});
