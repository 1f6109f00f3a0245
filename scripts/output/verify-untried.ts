// What `./mesh verify --live` leaves out, for a terminal: most rows of the matrix, and for a few reasons.

import type { VerifyReport } from "./verify-report.ts";

/** A row for each reason. */
export function untriedRows({ claims }: Pick<VerifyReport, "claims">): string[][] {
  const parts = claims.flatMap(({ id, state, why = "", inPart }) => {
    if (state === "not-here") return [{ id, reason: why, isWhole: true }];
    return inPart === undefined ? [] : [{ id, reason: inPart, isWhole: false }];
  });
  const byReason = Map.groupBy(parts, ({ reason }) => reason);
  return [...byReason].map(([reason, some]) => {
    const idsOf = (whole: boolean): string =>
      inShort(some.filter(({ isWhole }) => isWhole === whole).map(({ id }) => id));
    const [wholly, partly] = [idsOf(true), idsOf(false)];
    return ["", reason, [wholly, partly === "" ? "" : `a part of ${partly}`].filter((one) => one !== "").join(", ")];
  });
}

/** `A6, A7, A8` is `A6–A8`. */
export function inShort(ids: readonly string[]): string {
  const runs: { readonly first: string; last: string }[] = [];
  for (const id of ids) {
    const run = runs.at(-1);
    if (run !== undefined && id === `${run.last.slice(0, 1)}${Number(run.last.slice(1)) + 1}`) run.last = id;
    else runs.push({ first: id, last: id });
  }
  return runs.map(({ first, last }) => (first === last ? first : `${first}–${last}`)).join(", ");
}
