// The report of `./mesh verify` as JUnit XML: a test suite per group of the matrix, a test case per attempt.

import { escapeXml } from "./markup.ts";
import type { VerifyReport } from "./verify-report.ts";
import { groups } from "./verify-table.ts";

export function verifyJunit({ claims, mutations, edge, startedAt }: VerifyReport): string {
  const byGroup = Map.groupBy(claims, ({ id }) => id.slice(0, 1));
  const suites = [...byGroup].map(([group, some]) =>
    suite(
      groups[group] ?? group,
      startedAt,
      some.flatMap(({ id, title, state, why, attempts }) =>
        state === "not-here"
          ? [testCase(`${id} ${title}`, { skipped: why ?? "" })]
          : attempts.map(({ tried, milliseconds, problem }) =>
              testCase(`${id} ${title}: ${tried}`, { milliseconds, problem }),
            ),
      ),
    ),
  );
  if (mutations.length > 0)
    suites.push(
      suite(
        "Protections taken away",
        startedAt,
        mutations.map(({ protection, change, state, why, milliseconds }) =>
          testCase(`${protection}: ${change}`, {
            milliseconds,
            ...(state === "unnoticed" ? { problem: "no claim turned red" } : {}),
            ...(state === "failed" ? { problem: `it could not be taken away: ${why ?? ""}` } : {}),
            ...(state === "not-applied" ? { skipped: why ?? "" } : {}),
          }),
        ),
      ),
    );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${escapeXml(edge)}">\n${suites.join("")}</testsuites>\n`;
}

interface Case {
  readonly milliseconds?: number;
  readonly problem?: string | undefined;
  readonly skipped?: string;
}

function testCase(name: string, { milliseconds = 0, problem, skipped }: Case): string {
  const open = `    <testcase name="${escapeXml(name)}" time="${(milliseconds / 1000).toFixed(3)}"`;
  if (problem !== undefined) return `${open}><failure message="${escapeXml(problem)}"/></testcase>\n`;
  if (skipped !== undefined) return `${open}><skipped message="${escapeXml(skipped)}"/></testcase>\n`;
  return `${open}/>\n`;
}

function suite(name: string, timestamp: string, cases: readonly string[]): string {
  const failures = cases.filter((one) => one.includes("<failure")).length;
  const skipped = cases.filter((one) => one.includes("<skipped")).length;
  const counts = `tests="${cases.length}" failures="${failures}" skipped="${skipped}"`;
  return `  <testsuite name="${escapeXml(name)}" timestamp="${timestamp}" ${counts}>\n${cases.join("")}  </testsuite>\n`;
}
