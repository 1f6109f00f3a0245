import * as fc from "fast-check";
import { test } from "vitest";

import { formatDuration, parseDuration } from "../../../scripts/model/duration.ts";
import { readers } from "../../../scripts/model/syntax.ts";

test("a duration is the same after spelling and reading", ({ expect }) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 ** 10 }), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBe(ms);
    }),
  );
  expect(["250ms", "10s", "5m", "24h", "1h30m", "90m"].map(parseDuration)).toEqual([
    250, 10_000, 300_000, 86_400_000, 5_400_000, 5_400_000,
  ]);
  expect(
    ["", "5", "1d", "1m1h", "1.5h", "-1s", " 1s", "1s1s"].filter((text) => parseDuration(text) !== undefined),
  ).toEqual([]);
});

const slips = [
  "spiffe://",
  "SPIFFE",
  "a",
  "B",
  ".",
  "/",
  "//",
  "..",
  "*",
  "?",
  "#",
  "%",
  ":",
  "80",
  " ",
  "h",
  "GET",
  "-",
  "_",
  "@",
];

test("what is suggested for an ill-formed scalar is itself well-formed", ({ expect }) => {
  const text = fc.array(fc.constantFrom(...slips), { maxLength: 7 }).map((parts) => parts.join(""));
  const names = fc.constantFrom(...Object.keys(readers)).filter((name) => Object.hasOwn(readers, name));
  fc.assert(
    fc.property(names, text, (name, written) => {
      const read = Object.entries(readers).find(([format]) => format === name)?.[1].read;
      const result = read?.(written);
      if (read === undefined || result === undefined || result.ok) return;
      const meant = /^write `([^`…]+)`(?: or `[^`]+`)?$/.exec(result.suggestion)?.[1];
      expect(meant === undefined || read(meant).ok, `${name}: ${written} → ${meant}`).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test("names of workloads never share an environment variable", ({ expect }) => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
  fc.assert(
    fc.property(name, name, (left, right) => {
      expect(upstreamVariable(left) === upstreamVariable(right)).toBe(left === right);
    }),
  );
});

/** `UPSTREAM_<NAME>` of the app contract. */
function upstreamVariable(name: string): string {
  return `UPSTREAM_${name.toUpperCase().replaceAll("-", "_")}`;
}
