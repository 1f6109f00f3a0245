// Evidence and mutations as the report has them.

import type { AttemptResult, MutationOutcome } from "../../scripts/output/verify-report.ts";
import type { Evidence } from "./claim.ts";
import type { MutationResult } from "./mutations.ts";

export function inReport({ problem, uncontrolled, ...evidence }: Evidence): AttemptResult {
  const all = [problem, uncontrolled].filter((one) => one !== undefined);
  return { ...evidence, ...(all.length === 0 ? {} : { problem: all.join("; ") }) };
}

export function outcomeOf({ protection, change, red, notApplied, milliseconds }: MutationResult): MutationOutcome {
  const [by] = red;
  const state = notApplied !== undefined ? "not-applied" : by === undefined ? "unnoticed" : "noticed";
  return {
    protection,
    change,
    state,
    milliseconds,
    ...(notApplied === undefined ? {} : { why: notApplied }),
    ...(by === undefined ? {} : { by }),
  };
}
