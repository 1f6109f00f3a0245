// What `./mesh verify --live`, and in containers, leaves out, in words: many rows of the matrix, and for a few reasons.

import type { VerifyReport } from "./verify-report.ts";

type Which = Pick<VerifyReport, "mesh" | "runtime">;

/** Undefined: whatever can apply is tried. */
export function untriedHeading({ mesh, runtime }: Which): string | undefined {
  if (mesh === "live") return "Not tried live, but by ./mesh verify on a private instance";
  return runtime === "docker" ? "Not tried in containers, but by ./mesh verify --runtime native" : undefined;
}

export function untriedWord({ mesh, runtime }: Which): string {
  if (mesh === "live") return "not tried live";
  return runtime === "docker" ? "not tried in containers" : "cannot apply";
}

/** Nothing of a private instance natively: that is what is usual. */
export function whichMesh({ mesh, runtime }: Which): string {
  if (mesh === "live") return ", the mesh that is up";
  return runtime === "docker" ? ", in containers" : "";
}

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
