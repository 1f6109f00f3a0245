import * as fc from "fast-check";
import { test } from "vitest";

import { parseSpiffeId, trustDomainProblem } from "../../../scripts/spiffe/spiffe-id.ts";

const valid: [text: string, trustDomain: string, path: string][] = [
  ["spiffe://broker.example/webapp", "broker.example", "/webapp"],
  ["spiffe://broker.example", "broker.example", ""],
  ["spiffe://stockmarket.example/ns/quotes/sa/Default_1.2-x", "stockmarket.example", "/ns/quotes/sa/Default_1.2-x"],
  ["spiffe://a_b-c.1/...", "a_b-c.1", "/..."],
  ["spiffe://127.0.0.1/x", "127.0.0.1", "/x"],
  [`spiffe://${"d".repeat(255)}/x`, "d".repeat(255), "/x"],
  [`spiffe://td/${"p".repeat(2036)}`, "td", `/${"p".repeat(2036)}`],
];

test.for(valid)("accepts %s", ([uri, trustDomain, path], { expect }) => {
  expect(parseSpiffeId(uri)).toEqual({ ok: true, id: { uri, trustDomain, path } });
});

// The rows S19–S25 of the threat model: spellings that a prefix, a regular expression or a URL parser would let pass.
const refused: [text: string, problem: string][] = [
  ["", "a SPIFFE ID must not be empty"],
  ["webapp", "a SPIFFE ID must begin with `spiffe://`"],
  ["https://broker.example/webapp", "a SPIFFE ID must begin with `spiffe://`"],
  ["spiffe:/broker.example/webapp", "a SPIFFE ID must begin with `spiffe://`"],
  [" spiffe://broker.example/webapp", "a SPIFFE ID must begin with `spiffe://`"],
  ["SPIFFE://broker.example/webapp", "the scheme must be written in lower case, `spiffe://`"],
  ["spiffe://BROKER.example/webapp", "a trust domain must be lower-case"],
  ["spiffe://", "the trust domain is missing"],
  ["spiffe:///webapp", "the trust domain is missing"],
  ["spiffe://user@broker.example/webapp", "a trust domain must not carry user information (`@`)"],
  ["spiffe://user:secret@broker.example/webapp", "a trust domain must not carry user information (`@`)"],
  ["spiffe://broker.example:8443/webapp", "a trust domain must not carry a port (`:`)"],
  ["spiffe://broker.example:/webapp", "a trust domain must not carry a port (`:`)"],
  ["spiffe://[::1]/webapp", "a trust domain must not carry a port (`:`)"],
  ["spiffe://broker%2eexample/webapp", "a SPIFFE ID must not contain percent-encoding (`%`)"],
  ["spiffe://broker.example/%77ebapp", "a SPIFFE ID must not contain percent-encoding (`%`)"],
  ["spiffe://broker.example?x/webapp", "a SPIFFE ID must not have a query (`?`)"],
  ["spiffe://broker.example/webapp?x", "a SPIFFE ID must not have a query (`?`)"],
  ["spiffe://broker.example/webapp?", "a SPIFFE ID must not have a query (`?`)"],
  ["spiffe://broker.example/webapp#f", "a SPIFFE ID must not have a fragment (`#`)"],
  ["spiffe://broker.example#f?q", "a SPIFFE ID must not have a fragment (`#`)"],
  ["spiffe://broker.example/", "the path must not end with a slash"],
  ["spiffe://broker.example/webapp/", "the path must not end with a slash"],
  ["spiffe://broker.example//webapp", "the path must not contain empty segments (`//`)"],
  ["spiffe://broker.example/./webapp", "the path must not contain dot segments (`.`, `..`)"],
  ["spiffe://broker.example/x/../webapp", "the path must not contain dot segments (`.`, `..`)"],
  ["spiffe://broker.example/..", "the path must not contain dot segments (`.`, `..`)"],
  ["spiffe://broker.example/web app", "path segments may contain letters, digits, dots, dashes and underscores only"],
  ["spiffe://broker.example/webapp\0", "path segments may contain letters, digits, dots, dashes and underscores only"],
  ["spiffe://broker.example/webapp\n", "path segments may contain letters, digits, dots, dashes and underscores only"],
  ["spiffe://broker.example/a,b", "path segments may contain letters, digits, dots, dashes and underscores only"],
  ["spiffe://broker.example/a;b", "path segments may contain letters, digits, dots, dashes and underscores only"],
  ["spiffe://broker.example/a:b@c", "path segments may contain letters, digits, dots, dashes and underscores only"],
  ["spiffe://broker.example/wébapp", "path segments may contain letters, digits, dots, dashes and underscores only"],
  [
    "spiffe://bröker.example/webapp",
    "a trust domain may contain lower-case letters, digits, dots, dashes and underscores only",
  ],
  [
    "spiffe://broker.example\n/webapp",
    "a trust domain may contain lower-case letters, digits, dots, dashes and underscores only",
  ],
  [`spiffe://${"d".repeat(256)}/x`, "a trust domain must not be longer than 255 bytes"],
  [`spiffe://td/${"p".repeat(2037)}`, "a SPIFFE ID must not be longer than 2048 bytes"],
];

test.for(refused)("refuses %j", ([text, problem], { expect }) => {
  expect(parseSpiffeId(text)).toEqual({ ok: false, problem });
});

test("a trust domain name is the bare host of a SPIFFE ID", ({ expect }) => {
  expect(trustDomainProblem("broker.example")).toBeUndefined();
  for (const text of ["spiffe://broker.example", "broker.example/", ""]) expect(trustDomainProblem(text)).toBeDefined();
});

const label = fc.stringMatching(/^[a-z0-9._-]{1,60}$/);
const segment = fc.stringMatching(/^[A-Za-z0-9._-]{1,40}$/).filter((text) => text !== "." && text !== "..");

test("every ID built from the standard's grammar is accepted and taken apart again", ({ expect }) => {
  fc.assert(
    fc.property(label, fc.array(segment, { maxLength: 8 }), (trustDomain, segments) => {
      const path = segments.map((text) => `/${text}`).join("");
      const uri = `spiffe://${trustDomain}${path}`;
      expect(parseSpiffeId(uri)).toEqual({ ok: true, id: { uri, trustDomain, path } });
    }),
  );
});

test("whatever is accepted is the same bytes, and nothing but the standard's grammar", ({ expect }) => {
  const oracle = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)*$/; // SPIFFE-ID.md 2.1–2.3
  const nearMiss = fc
    .array(
      fc.constantFrom(
        "spiffe://",
        "td",
        "/",
        "a",
        ".",
        "..",
        "%2e",
        "?",
        "#",
        "@",
        ":",
        "A",
        "_",
        "\0",
        "\n",
        "é",
        ",",
      ),
      { maxLength: 9 },
    )
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(
      fc.oneof(
        nearMiss,
        nearMiss.map((text) => `spiffe://${text}`),
        fc.string(),
      ),
      (text) => {
        const parsed = parseSpiffeId(text);
        const oracleAccepts = oracle.test(text);
        expect(parsed.ok, JSON.stringify(text)).toBe(oracleAccepts);
        if (parsed.ok) expect(`spiffe://${parsed.id.trustDomain}${parsed.id.path}`).toBe(text);
      },
    ),
    { numRuns: 2000 },
  );
});
