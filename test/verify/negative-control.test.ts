// Would the matrix notice a proxy that is configured as most are: one pool of CAs, nobody's name looked at? The rows that
// tell such a proxy from ours must all turn red, and the rightful caller must be served by it as by ours.

import { protections } from "../../scripts/render/protections.ts";
import { loadClaims } from "./claims/all.ts";
import { test } from "./fixture.ts";
import { control } from "./instance/control.ts";
import { judge } from "./judge.ts";
import { without } from "./mutations.ts";

const gone = [
  "bundle-per-trust-domain",
  "callee-bundle",
  "inbound-spiffe-id",
  "outbound-spiffe-id",
  "whole-uri-san-list",
];
/** Who may call, and who may answer: wrong CA, wrong ID, two IDs, in both directions. */
const rows = ["A7", "A8", "A9", "A12", "C15"];

/** Of nobody in the pool, out of date, of no use as a leaf: any TLS refuses these. */
const refusedByAnyTls = [
  "C15 the callee's ID by an unknown CA",
  "C15 an expired SVID of the callee",
  "C15 the callee's CA certificate itself",
];

test("against pooled CAs and no look at names every attempt at another's identity succeeds", async ({
  mesh,
  expect,
}) => {
  // They would put back what is taken away.
  await mesh.runtime.stop(mesh.plan.domains.map(({ controller }) => controller.process));
  const claims = loadClaims().filter(({ id }) => rows.includes(id));
  const taken = protections.filter(({ id }) => gone.includes(id));
  expect([claims.length, taken.length]).toEqual([rows.length, gone.length]);
  const judged = await without(mesh, taken, async () => {
    const green: string[] = [];
    for (const { id, attempts } of claims)
      for (const attempt of attempts.filter(({ expected }) => expected.kind === "refused")) {
        const { problem, uncontrolled } = await judge(mesh, attempt);
        expect(uncontrolled, `${id} ${attempt.tried}`).toBeUndefined();
        if (problem === undefined) green.push(`${id} ${attempt.tried}`);
      }
    return green;
  });
  if ("notApplied" in judged) throw new Error(judged.notApplied);
  expect(judged.heard).toEqual(refusedByAnyTls);
  expect(await control(mesh)).toBe("");
});
