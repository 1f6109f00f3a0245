import { test } from "vitest";

import type { Paint } from "../../../scripts/output/print.ts";
import type { ClaimResult, MutationOutcome, VerifyReport } from "../../../scripts/output/verify-report.ts";
import { verifyJunit } from "../../../scripts/output/verify-junit.ts";
import { formatVerify } from "../../../scripts/output/verify-table.ts";
import { inShort } from "../../../scripts/output/verify-untried.ts";

const plain: Paint = (_, text) => text;

function claim(id: string, more: Partial<ClaimResult> = {}): ClaimResult {
  const sidecar = { counters: {}, reason: "no trust bundle store" };
  const attempt = { tried: "x", attacker: "closed", sidecar, app: "", control: "200", milliseconds: 3 };
  return { id, title: `title of ${id}`, clause: "RFC 5280 6", state: "refused", attempts: [attempt], ...more };
}

function report(more: Partial<VerifyReport>): VerifyReport {
  const about = {
    version: 1,
    startedAt: "2026-11-28T06:00:00Z",
    seconds: 1.5,
    holds: true,
    mesh: "private",
    runtime: "native",
  } as const;
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

test("in containers it is as live", ({ expect }) => {
  const claims = [claim("A1"), absent("F3", "it takes a sidecar's own files: natively")];
  expect(formatVerify(report({ runtime: "docker", claims }), plain)).toBe(`A  Who may call
  A1  refused  title of A1  no trust bundle store  3 ms

Not tried in containers, but by ./mesh verify --runtime native
  it takes a sidecar's own files: natively  F3

holds: broker → quotes, in containers: 1 refused, 0 admitted as stated, 1 not tried in containers, 0 failed, 1.5 s`);
});

test("a protection that was not taken away never counts as one that was missed", ({ expect }) => {
  const about = { change: "x removed", milliseconds: 2 } as const;
  const mutations: MutationOutcome[] = [
    {
      ...about,
      protection: "tls",
      state: "noticed",
      by: { claim: "C1", tried: "TLS 1.1", problem: "200" },
      red: ["C1", "C2", "A3"],
    },
    { ...about, protection: "limit", state: "not-applied", why: "it is read at start" },
    { ...about, protection: "names", state: "failed", why: "no sidecar of this edge has it" },
    { ...about, protection: "age", state: "unnoticed" },
  ];
  expect(formatVerify(report({ holds: false, mutations }), plain)).toBe(`Protections taken away, each alone
  tls    noticed         x removed  C1: TLS 1.1, of 3 that turned red: C1–C2, A3  2 ms
  limit  not taken away  x removed  it is read at start                           2 ms
  names  NOT TAKEN AWAY  x removed  no sidecar of this edge has it                2 ms
  age    UNNOTICED       x removed  no claim turned red                           2 ms

DOES NOT HOLD: broker → quotes: 0 refused, 0 admitted as stated, 0 cannot apply, 0 failed; 1 protections missed when taken away, 1 not, 1 cannot be taken away, 1 could not, 1.5 s`);
  const xml = verifyJunit(report({ mutations }));
  expect(xml).toContain('tests="4" failures="2" skipped="1"');
  expect(xml).toContain("it could not be taken away: no sidecar of this edge has it");
});

test.for([
  [["A1", "A2", "A3", "B4"], "A1–A3, B4"],
  [["A9", "B1"], "A9, B1"],
  [["G22"], "G22"],
  [[], ""],
] as const)("%s is %s in short", ([ids, words], { expect }) => {
  expect(inShort(ids)).toBe(words);
});
