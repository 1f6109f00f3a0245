// docs/errors.md and the catalogue of scripts/errors.ts say the same, both ways.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { test } from "vitest";

import { errorCatalogue, exitStatus } from "../../../scripts/errors.ts";

const page = readFileSync(resolve(import.meta.dirname, "../../../docs/errors.md"), "utf8");
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf("\n")), section] as const),
);
const catalogue = Object.entries(errorCatalogue);

test("docs/errors.md has every code of the catalogue, in its order, and no other", ({ expect }) => {
  expect([...sections.keys()]).toEqual(catalogue.map(([code]) => code));
});

test.for(catalogue)(
  "%s: the page says its title and exit status, the usual cause and how to mend it",
  ([code, { exit, title }], { expect }) => {
    const [, statement, cause, mend, ...rest] = (sections.get(code) ?? "").trim().split("\n\n");
    expect(statement).toBe(`${title}. Exit status ${exit}.`);
    expect(cause).toMatch(/^\*\*Usual cause\.\*\* \S/);
    expect(mend).toMatch(/^\*\*Mend\.\*\* \S/);
    expect(rest).toEqual([]);
  },
);

test("docs/errors.md lists every exit status", ({ expect }) => {
  const listed = [...page.matchAll(/^\| (\d+)\s+\|/gm)].map(([, status]) => Number(status));
  expect(listed).toEqual(Object.values(exitStatus));
});
