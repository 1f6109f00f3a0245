import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Ajv } from "ajv";
import { test } from "vitest";

import { domainFactsShape } from "../../../scripts/control/facts-shape.ts";
import { readyReport } from "./fixtures.ts";

const status: { properties: { trustDomains: { items: { properties: { facts: object } } } } } = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../docs/schemas/status.json"), "utf8"),
);
const published = new Ajv({ strict: false }).compile(status.properties.trustDomains.items.properties.facts);

const recorded = readyReport().trustDomains.map(({ facts }) => JSON.stringify(facts));

/** The facts with one value replaced, or left out, at a time: every one of them. */
function bentFacts(text: string, replacement: unknown): { readonly path: string; readonly facts: unknown }[] {
  const paths: string[][] = [];
  const walk = (value: unknown, path: string[]): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      paths.push([...path, key]);
      walk(inner, [...path, key]);
    }
  };
  walk(JSON.parse(text), []);
  return paths.map((path) => {
    const facts: unknown = JSON.parse(text);
    let at: unknown = facts;
    for (const key of path.slice(0, -1)) at = typeof at === "object" && at !== null ? Reflect.get(at, key) : at;
    if (typeof at === "object" && at !== null) Reflect.set(at, path.at(-1) ?? "", replacement);
    // As it crosses the socket: what is undefined is left out.
    return { path: path.join("."), facts: JSON.parse(JSON.stringify(facts)) };
  });
}

test("recorded facts have the shape", ({ expect }) => {
  for (const text of recorded) expect(domainFactsShape(JSON.parse(text), "")).toBeUndefined();
});

test.for([undefined, null, [], {}, true])(
  "every value that is replaced by %j is judged as the published schema does",
  (replacement, { expect }) => {
    const bent = recorded.flatMap((text) => bentFacts(text, replacement));
    expect(bent.length).toBeGreaterThan(100);
    const verdicts = (accepts: (facts: unknown) => boolean): string[] =>
      bent.filter(({ facts }) => accepts(facts)).map(({ path }) => path);
    expect(verdicts((facts) => domainFactsShape(facts, "") === undefined)).toEqual(
      verdicts((facts) => published(facts)),
    );
  },
);
