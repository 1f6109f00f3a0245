// Why a row, or a part of it, is not tried on a private instance in containers.

import type { Attempt, Claim } from "./claim.ts";
import type { KeyedMesh } from "./instance/keyed-mesh.ts";

const place = "it takes the callee's place between the two sidecars: natively";
const appsWord = "the app has to say what it received, and nobody stands in for it in containers: natively";
const files = "it takes a sidecar's own files or sockets away from its controller: natively";
const around = "mounts, users and networks of containers are proven by test/docker/isolation";
const server = "SPIRE's own ports and partners' bundle endpoints do not depend on the runtime: natively";

/** By row, else by group. */
const reasons: Readonly<Record<string, string>> = {
  A: place,
  B: place,
  B11: appsWord,
  C: place,
  C6: appsWord,
  C11: appsWord,
  C12: appsWord,
  C13: appsWord,
  C14: appsWord,
  D: appsWord,
  E: appsWord,
  F: files,
  G: around,
  G4: appsWord,
  G14: server,
  G15: server,
  G16: server,
  G17: server,
  G18: server,
  G19: server,
  G20: server,
  G21: server,
  G22: server,
  G23: server,
  R: files,
};

/** With certificates of the mesh's CAs, and without any. */
export function attemptsInContainers({ attempts, live = [] }: Claim): readonly Attempt<KeyedMesh>[] {
  const keyed = attempts.flatMap((attempt) => (attempt.keyed === undefined ? [] : [attempt.keyed]));
  return [...live.filter(({ tried }) => !keyed.some((one) => one.tried === tried)), ...keyed];
}

/** Undefined: all of it is tried. */
export function whyNotInContainers(claim: Claim): string | undefined {
  const { id, attempts, notHere } = claim;
  if (attempts.length === 0 && typeof notHere === "string") return notHere;
  const tried = new Set(attemptsInContainers(claim).map((one) => one.tried));
  if (attempts.length > 0 && attempts.every((one) => tried.has(one.tried))) return undefined;
  return reasons[id] ?? reasons[id.slice(0, 1)];
}
