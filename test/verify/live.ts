// The rows that are tried on the mesh that is up: what of each claim is harmless there, how it is judged, and what is said of the
// rest.

import type { ClaimResult } from "../../scripts/output/verify-report.ts";
import type { Claim, Evidence } from "./claim.ts";
import type { OpenLiveMesh } from "./instance/open-live.ts";
import { type Court, judgeIn } from "./judge.ts";
import { resultOf } from "./results.ts";
import { whyNotLive } from "./why-not-live.ts";

/** @param crossed what became of the rightful request before the first attempt; it is one for all, and another follows the last */
export function liveCourt(crossed: string): Court<OpenLiveMesh> {
  return {
    received: () => undefined,
    control: async () => crossed,
    controlled: "a rightful request crossed before the first attempt",
    // Envoy writes its log once in a second.
    witnessMs: 4000,
  };
}

/** Carries out what is harmless of a claim, and says why the rest is not tried. */
export async function tryLive(
  mesh: OpenLiveMesh,
  court: Court<OpenLiveMesh>,
  claim: Claim,
): Promise<{ readonly result: ClaimResult; readonly evidence: readonly Evidence[] }> {
  const evidence: Evidence[] = [];
  for (const attempt of claim.live ?? []) evidence.push(await judgeIn(court, mesh, attempt));
  return { result: liveResultOf(claim, evidence), evidence };
}

/** A claim of which nothing is tried is `not-here`. */
export function liveResultOf(claim: Claim, evidence: readonly Evidence[]): ClaimResult {
  const rest = whyNotLive(claim);
  const tried = { ...claim, attempts: claim.live ?? [] };
  if (evidence.length === 0) return resultOf({ ...tried, attempts: [] }, [], rest);
  const result = resultOf(tried, evidence);
  if (rest === undefined || result.state === "not-here") return result;
  return { ...result, inPart: rest };
}
