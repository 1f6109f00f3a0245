// The attack matrix: one test per claim.

import { isChosen } from "./chosen.ts";
import { allOfTls13, tlsCounted } from "./handshakes.ts";
import { whyNotHere } from "./claim.ts";
import { loadClaims } from "./claims/all.ts";
import { test } from "./fixture.ts";
import { resultOf } from "./results.ts";
import { claimTests } from "./rows.ts";

const claims = loadClaims().filter(({ id }) => isChosen(id));

claimTests(
  test,
  claims.filter(({ attempts }) => attempts.length > 0),
);

test("rows that cannot apply say why, and no row is left out", async ({ mesh, task, expect }) => {
  const absent = claims.filter(({ attempts }) => attempts.length === 0);
  Object.assign(task.meta, {
    claims: absent.map((claim) => resultOf(claim, [], whyNotHere(claim, mesh))),
    edge: `${mesh.edge.caller} → ${mesh.edge.callee}`,
  });
  for (const claim of absent) expect(whyNotHere(claim, mesh), claim.id).toBeTruthy();
  const ids = loadClaims().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted(inOrder)).toEqual(wholeMatrix);
});

/** A1 … G25. */
const wholeMatrix = Object.entries({ A: 33, B: 12, C: 17, D: 13, E: 10, F: 13, G: 25 }).flatMap(([group, count]) =>
  Array.from({ length: count }, (_, index) => `${group}${index + 1}`),
);

function inOrder(one: string, other: string): number {
  return wholeMatrix.indexOf(one) - wholeMatrix.indexOf(other);
}

test("the hostile partner's bundle came over its bundle endpoint", async ({ mesh, expect }) => {
  expect(mesh.hostile.polls()).toBeGreaterThan(0);
});

test("every handshake of both sidecars was of TLS 1.3, and none resumed a session", async ({ mesh, expect }) => {
  expect(await tlsCounted(mesh)).toEqual(allOfTls13(mesh));
});
