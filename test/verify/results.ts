// Claims and mutations as the report has them.

import type { AttemptResult, ClaimResult, MutationOutcome } from "../../scripts/output/verify-report.ts";
import { protections } from "../../scripts/render/protections.ts";
import type { Claim, Evidence } from "./claim.ts";
import type { MutationResult } from "./mutations.ts";

/** Everything that is wrong with an attempt; empty: all witnesses agree, and the control succeeded. */
export function problemsOf({ problem, uncontrolled }: Evidence): string[] {
  return [problem, uncontrolled].filter((one) => one !== undefined);
}

/** @param notHere why the row was not tried */
export function resultOf(
  { id, title, clause, attempts: planned }: Claim,
  attempts: readonly Evidence[],
  notHere?: string,
): ClaimResult {
  const whys = planned.flatMap(({ expected }) => (expected.kind === "admitted" ? [expected.why] : []));
  const untried = attempts.flatMap(({ untried: reason }) => (reason === undefined ? [] : [reason]));
  const isUntried = attempts.length === untried.length;
  const reasons = isUntried ? untried : whys;
  const why = notHere ?? (reasons.length === 0 ? undefined : [...new Set(reasons)].join("; "));
  const failed = attempts.some((evidence) => problemsOf(evidence).length > 0);
  const asPlanned = whys.length < planned.length ? "refused" : "admitted";
  const state = isUntried ? "not-here" : failed ? "failed" : asPlanned;
  return { id, title, clause, state, ...(why === undefined ? {} : { why }), attempts: attempts.map(inReport) };
}

function inReport(evidence: Evidence): AttemptResult {
  const { problem: _problem, uncontrolled: _uncontrolled, untried: _untried, ...said } = evidence;
  const problems = problemsOf(evidence);
  return { ...said, ...(problems.length === 0 ? {} : { problem: problems.join("; ") }) };
}

/** Of the claims that turned red, in the order of the matrix. */
export function idsOf({ red }: MutationResult): string[] {
  const ids = red.map(({ claim }) => claim);
  return ids.toSorted((one, other) => one.localeCompare(other, "en", { numeric: true }));
}

export function outcomeOf({ protection, change, red, notApplied, milliseconds }: MutationResult): MutationOutcome {
  const guards = protections.find(({ id }) => id === protection)?.guardedBy ?? [];
  const by = red.find(({ claim }) => guards.includes(claim));
  const taken = by === undefined ? "unnoticed" : "noticed";
  const state = notApplied === undefined ? taken : notApplied.isExpected ? "not-applied" : "failed";
  return {
    protection,
    change,
    state,
    milliseconds,
    ...(notApplied === undefined ? {} : { why: notApplied.reason }),
    ...(by === undefined ? {} : { by }),
  };
}
