// docs/threat-model.md is what the claims and the protections say.

import { join } from "node:path";

import { test } from "vitest";

import { loadClaims } from "../../verify/claims/all.ts";
import { threatModel } from "../../verify/threat-model.ts";
import { protections } from "../../../scripts/render/protections.ts";
import { repositoryDir } from "./markdown.ts";

test("the threat model is as generated", async ({ expect }) => {
  await expect(threatModel(loadClaims())).toMatchFileSnapshot(join(repositoryDir, "docs/threat-model.md"));
});

test("every protection is guarded by rows that are there", ({ expect }) => {
  const ids = new Set(loadClaims().map(({ id }) => id));
  for (const { id, guardedBy } of protections)
    expect(
      guardedBy.some((row) => ids.has(row)),
      id,
    ).toBe(true);
});
