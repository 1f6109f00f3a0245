// What is said of an app that was held to the contract, and of one that was swapped in.

import type { Verdict } from "../contract/verdict.ts";
import { paintResult } from "./print.ts";
import { alignColumns } from "./table.ts";

const colours = { passed: "green", failed: "red", "not checked": "yellow" } as const;

/** A line per rule: verdict, what the contract asks, what was seen. */
export function formatVerdicts(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ verdict, title, seen }) => [paintResult(colours[verdict], verdict), title, seen]);
  const count = (wanted: Verdict["verdict"]): number => verdicts.filter(({ verdict }) => verdict === wanted).length;
  const sum = `${count("passed")} passed, ${count("failed")} failed, ${count("not checked")} not checked`;
  return [...alignColumns(rows), "", sum].join("\n");
}

export interface SwappedInWords {
  readonly workload: string;
  readonly app: string;
  readonly was: string;
  readonly verdicts: readonly Verdict[];
  readonly canary?: string;
  readonly abandoned: number;
}

export function formatSwapped({ workload, app, was, verdicts, canary, abandoned }: SwappedInWords): string {
  const unchecked = verdicts.filter(({ verdict }) => verdict === "not checked").map(({ rule }) => rule);
  return [
    `${workload} is served by ${app}, no longer by ${was}`,
    ...(canary === undefined ? [] : [`canary: ${canary}`]),
    ...(unchecked.length === 0 ? [] : [`not checked: ${unchecked.join(", ")}`]),
    ...(abandoned === 0 ? [] : [`the old app still had ${abandoned} requests when its time was up`]),
  ].join("\n");
}
