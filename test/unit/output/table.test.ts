import { test } from "vitest";

import { alignColumns, formatSeconds } from "../../../scripts/output/table.ts";

test("columns are aligned whatever their colour, and no line ends in spaces", ({ expect }) => {
  const lines = alignColumns([
    ["NAME", "IS", "AGE"],
    ["broker-sidecar", "\u001B[32mready\u001B[39m", ""],
    ["quotes", "down", "3 s"],
  ]);
  expect(lines).toEqual([
    "NAME            IS     AGE",
    "broker-sidecar  \u001B[32mready\u001B[39m",
    "quotes          down   3 s",
  ]);
});

test.for([
  [0, "0 s"],
  [59.9, "59 s"],
  [60, "1 m"],
  [3599, "59 m 59 s"],
  [3600, "1 h"],
  [86_399, "23 h 59 m"],
  [90_000, "1 d 1 h"],
  [-5, "0 s"],
] as const)("%d seconds read as %s", ([seconds, words], { expect }) => {
  expect(formatSeconds(seconds)).toBe(words);
});
