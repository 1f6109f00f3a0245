// Why a row, or a part of it, is not tried on a mesh that serves.

import type { Claim } from "./claim.ts";

const certificate = "it takes a certificate by a CA of the mesh, whose key is its SPIRE Server's alone";
const callersSvid = "it takes the caller's SVID, whose key is its sidecar's alone";
const place = "it takes the callee's place between the two sidecars";
const burden = "it costs a sidecar that serves connections, memory or time";
const workloadsKey = "its control would put a workload's private key into the attacker's hands";
const partner = "it takes the place of a partner's bundle endpoint";
const change = "it would change the mesh if it succeeded, or does";

/** By row, else by group. */
const reasons: Readonly<Record<string, string>> = {
  A: certificate,
  A1: place,
  A2: place,
  A3: place,
  A4: place,
  A5: place,
  A10: place,
  A33: callersSvid,
  B: certificate,
  C: callersSvid,
  C11: burden,
  C12: burden,
  C14: burden,
  C15: place,
  C16: place,
  C17: place,
  D: callersSvid,
  E: callersSvid,
  F: burden,
  G: change,
  G4: callersSvid,
  G5: callersSvid,
  G7: workloadsKey,
  G8: workloadsKey,
  G9: workloadsKey,
  G10: workloadsKey,
  G11: workloadsKey,
  G13: certificate,
  G17: certificate,
  G18: partner,
  G19: partner,
  G20: partner,
  G21: partner,
  G22: partner,
  G23: burden,
  R: change,
};

/** Undefined: all of it is tried. */
export function whyNotLive({ id, attempts, live = [], notHere }: Claim): string | undefined {
  const others = attempts.filter(({ tried }) => !live.some((one) => one.tried === tried));
  if (attempts.length > 0 && others.length === 0) return undefined;
  return (
    (attempts.length === 0 && typeof notHere === "string" ? notHere : undefined) ??
    reasons[id] ??
    reasons[id.slice(0, 1)]
  );
}
