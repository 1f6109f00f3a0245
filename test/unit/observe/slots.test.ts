import { test } from "vitest";

import { answersSince, percentile } from "../../../scripts/observe/slots.ts";

const before = {
  requests: 100,
  failures: 1,
  times: [
    { fromMs: 1, count: 90 },
    { fromMs: 5, count: 10 },
  ],
};
const now = {
  requests: 300,
  failures: 4,
  times: [
    { fromMs: 1, count: 90 },
    { fromMs: 5, count: 207 },
    { fromMs: 80, count: 3 },
  ],
};

test("what came since is counted alone", ({ expect }) => {
  const since = answersSince(before, now);
  expect(since).toEqual({
    requests: 200,
    failures: 3,
    times: [
      { fromMs: 5, count: 197 },
      { fromMs: 80, count: 3 },
    ],
  });
  expect(percentile(since, 0.98)).toBe(5);
  expect(percentile(since, 0.99)).toBe(80);
  expect(percentile(answersSince(now, now), 0.99)).toBeUndefined();
});
