// docs/threat-model.md is what the claims and the protections say.

import { join } from "node:path";

import { test } from "vitest";

import { loadClaims } from "./claims/all.ts";
import { revocation } from "./claims/r-revocation.ts";
import { attemptsInContainers, whyNotInContainers } from "./why-not-in-containers.ts";
import { whyNotLive } from "./why-not-live.ts";
import { whyNeverTaken } from "./weakenings.ts";
import { threatModel } from "./threat-model.ts";
import { protections } from "../../scripts/render/protections.ts";
import { repositoryDir } from "./chosen.ts";

const claims = [...loadClaims(), ...revocation];

test("the threat model is as generated", async ({ expect }) => {
  await expect(threatModel(claims)).toMatchFileSnapshot(join(repositoryDir, "docs/threat-model.md"));
});

test("every protection is guarded by rows that are there", ({ expect }) => {
  const ids = new Set(claims.map(({ id }) => id));
  for (const { id, guardedBy } of protections)
    if (whyNeverTaken({ id }) === undefined)
      expect(
        guardedBy.every((row) => ids.has(row)),
        id,
      ).toBe(true);
});

test("every row is tried on a mesh that serves, or says why it is not, in whole or in part", ({ expect }) => {
  for (const claim of claims)
    if (claim.live === undefined) expect(whyNotLive(claim), claim.id).toMatch(/^\S.*\S$/);
    else expect(claim.live.length, claim.id).toBeGreaterThan(0);
});

test("every row is tried in containers, or says why it is not, in whole or in part", ({ expect }) => {
  for (const claim of claims)
    if (attemptsInContainers(claim).length === 0) expect(whyNotInContainers(claim), claim.id).toMatch(/^\S.*\S$/);
});
