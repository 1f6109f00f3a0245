import { test } from "vitest";

import { jsonPointer, listed, nearest, quote } from "../../../scripts/model/problem.ts";

test("what a person wrote is quoted without control characters, and cut when long", ({ expect }) => {
  expect(quote("a\u001B[31m\n\u202Eb")).toBe("`a\\u{1b}[31m\\u{a}\\u{202e}b`");
  expect(quote("")).toBe('`""`');
  expect(quote("x".repeat(100))).toBe(`\`${"x".repeat(80)}…\``);
});

test("the nearest word is near, whatever its case and dashes", ({ expect }) => {
  expect(nearest("publsh", ["address", "publish"])).toBe("publish");
  expect(nearest("spiffe_id", ["spiffeId"])).toBe("spiffeId");
  expect(nearest("clals", ["calls"])).toBe("calls");
  expect(nearest("ap", ["app"])).toBe("app");
  expect(nearest("xy", ["app"])).toBeUndefined();
  expect(nearest("replicas", ["app", "publish", "calls"])).toBeUndefined();
  expect(nearest("x".repeat(10_000), ["app"])).toBeUndefined();
});

test("words are listed as in a sentence", ({ expect }) => {
  expect([[], ["a"], ["a", "b"], ["a", "b", "c"]].map((words) => listed(words, "or"))).toEqual([
    "",
    "a",
    "a or b",
    "a, b or c",
  ]);
});

test("a path is a JSON pointer", ({ expect }) => {
  expect(jsonPointer(["trustDomains", "a/b~c", "federatesWith", 0])).toBe("/trustDomains/a~1b~0c/federatesWith/0");
  expect(jsonPointer([])).toBe("");
});
