import { readFileSync } from "node:fs";

import * as fc from "fast-check";
import { test } from "vitest";
import { stringify } from "yaml";

import { MeshError } from "../../../scripts/errors.ts";
import type { Mesh } from "../../../scripts/model/mesh.ts";
import { findProblems, parseMesh } from "../../../scripts/model/parse.ts";
import { good } from "./meshes.ts";

const shipped = readFileSync(new URL("../../../mesh.yaml", import.meta.url), "utf8");

/** The mesh, or its refusal; anything else that is thrown fails the test. */
function outcome(text: string): Mesh | MeshError {
  try {
    return parseMesh(text, { file: "mesh.yaml" });
  } catch (error) {
    if (error instanceof MeshError) return error;
    throw error;
  }
}

/** Positions inside the file and in its order, no problem twice, no sentence that only a program would write. */
function isWellTold(text: string): boolean {
  const refused = outcome(text) instanceof MeshError;
  const problems = findProblems(text);
  const lines = text.split("\n").length;
  const told = problems.every(
    ({ line, column, message }) =>
      line >= 1 && line <= lines && column >= 1 && message !== "" && !/\p{Cc}|undefined|\[object/u.test(message),
  );
  const ordered = problems.every(({ line }, index) => index === 0 || line >= (problems[index - 1]?.line ?? 0));
  const distinct = new Set(problems.map(({ line, column, message }) => `${line}:${column} ${message}`));
  return told && ordered && distinct.size === problems.length && refused === problems.length > 0;
}

test("any text is a mesh or a refusal with its problems told", ({ expect }) => {
  fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), isWellTold), { numRuns: 100 });
  expect(outcome("\0").constructor).toBe(MeshError);
});

const fragments = [
  "",
  " ",
  "\n",
  "\t",
  ":",
  ": ",
  "- ",
  "{",
  "}",
  "[",
  "]",
  "*",
  "&a ",
  "*a",
  "!x ",
  "? ",
  "null",
  "3",
];

test("any damage to a good text is a mesh or a refusal with its problems told", ({ expect }) => {
  const instead = fc.oneof(fc.constantFrom(...fragments), fc.string({ maxLength: 4 }));
  const damage = fc.record({ at: fc.nat(good.length), length: fc.nat(12), instead });
  const damaged = fc
    .array(damage, { minLength: 1, maxLength: 4 })
    .map((damages) =>
      damages.reduce((text, { at, length, instead: put }) => text.slice(0, at) + put + text.slice(at + length), good),
    );
  fc.assert(fc.property(damaged, isWellTold), { numRuns: 150 });
  expect(isWellTold(good)).toBe(true);
});

const keys = [
  "broker",
  "a.example",
  "spiffeId",
  "app",
  "node",
  "calls",
  "allow",
  "timeout",
  "ttl",
  "ca",
  "federatesWith",
];
const oddKeys = ["external", "publish", "name", "__proto__", "constructor", "toString", "<<", "é", "a b"];
const scalars = [
  "spiffe://a.example/x",
  "GET /x",
  "127.0.0.1:80",
  "a.ts",
  "24h",
  "0s",
  "",
  "..",
  "\u001B[31m",
  "broker",
];

test("any data under any key is a mesh or a refusal with its problems told", ({ expect }) => {
  const key = fc.constantFrom(...keys, ...oddKeys);
  const { tree } = fc.letrec<{ tree: unknown; leaf: unknown }>((tie) => ({
    leaf: fc.oneof(fc.constantFrom(...scalars), fc.integer(), fc.boolean(), fc.constant(null)),
    tree: fc.oneof(
      { maxDepth: 5 },
      tie("leaf"),
      fc.dictionary(key, tie("tree"), { maxKeys: 4 }),
      fc.array(tie("tree"), { maxLength: 3 }),
    ),
  }));
  const file = fc.record({ trustDomains: tree, workloads: fc.dictionary(key, tree, { maxKeys: 3 }) });
  fc.assert(
    fc.property(
      file.map((data) => stringify(data)),
      isWellTold,
    ),
    { numRuns: 150 },
  );
  expect(isWellTold(good.replace("{node: a.ts}", "{node: a.ts, protocol: {toString: 3}}"))).toBe(true);
  expect(isWellTold("trustDomains: {__proto__: {name: a}}\nworkloads: {constructor: {app: []}}\n")).toBe(true);
});

test("a NUL anywhere in the shipped mesh is refused, or stands in a comment", ({ expect }) => {
  const mesh = JSON.stringify(outcome(shipped));
  const spoilt = fc.nat(shipped.length).map((at) => `${shipped.slice(0, at)}\0${shipped.slice(at)}`);
  fc.assert(
    fc.property(spoilt, (text) => {
      const result = outcome(text);
      expect(result instanceof MeshError || JSON.stringify(result) === mesh).toBe(true);
    }),
  );
});
