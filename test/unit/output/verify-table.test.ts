import { test } from "vitest";

import type { Paint } from "../../../scripts/output/print.ts";
import type { ClaimResult, VerifyReport } from "../../../scripts/output/verify-report.ts";
import { formatVerify } from "../../../scripts/output/verify-table.ts";
import { inShort } from "../../../scripts/output/verify-untried.ts";

const plain: Paint = (_, text) => text;

function claim(id: string, more: Partial<ClaimResult> = {}): ClaimResult {
  const sidecar = { counters: {}, reason: "no trust bundle store" };
  const attempt = { tried: "x", attacker: "closed", sidecar, app: "", control: "200", milliseconds: 3 };
  return { id, title: `title of ${id}`, clause: "RFC 5280 6", state: "refused", attempts: [attempt], ...more };
}

function report(more: Partial<VerifyReport>): VerifyReport {
  const about = { version: 1, startedAt: "2026-11-28T06:00:00Z", seconds: 1.5, holds: true, mesh: "private" } as const;
  return { ...about, edge: "broker → quotes", versions: {}, claims: [], mutations: [], ...more };
}

const absent = (id: string, why: string): ClaimResult => claim(id, { state: "not-here", why, attempts: [] });

test("live, what is not tried is told by its reason, rows that are tried in part among them", ({ expect }) => {
  const claims = [
    claim("A1", { inPart: "it takes the callee's place" }),
    claim("A2"),
    absent("A6", "it takes a key"),
    absent("A7", "it takes a key"),
    absent("A8", "it takes a key"),
    absent("C15", "it takes the callee's place"),
  ];
  expect(formatVerify(report({ mesh: "live", claims }), plain)).toBe(`A  Who may call
  A1  refused  title of A1  no trust bundle store  3 ms
  A2  refused  title of A2  no trust bundle store  3 ms

Not tried live, but by ./mesh verify on a private instance
  it takes the callee's place  C15, a part of A1
  it takes a key               A6–A8

holds: broker → quotes, the mesh that is up: 2 refused, 0 admitted as stated, 4 not tried live, 0 failed, 1.5 s`);
});

test("on a private instance a row that cannot apply stands in its place", ({ expect }) => {
  const claims = [claim("A1"), absent("A6", "no client can")];
  expect(formatVerify(report({ claims }), plain)).toBe(`A  Who may call
  A1  refused   title of A1  no trust bundle store  3 ms
  A6  not here  title of A6  no client can

holds: broker → quotes: 1 refused, 0 admitted as stated, 1 cannot apply, 0 failed, 1.5 s`);
});

test.for([
  [["A1", "A2", "A3", "B4"], "A1–A3, B4"],
  [["A9", "B1"], "A9, B1"],
  [["G22"], "G22"],
  [[], ""],
] as const)("%s is %s in short", ([ids, words], { expect }) => {
  expect(inShort(ids)).toBe(words);
});
