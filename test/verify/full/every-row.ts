// Every row under every mutation: what turns red besides the claims that guard a protection, and whether those do at all. No
// controller runs meanwhile: it would put back what is taken away.

import { protections } from "../../../scripts/render/protections.ts";
import { isChosen } from "../chosen.ts";
import type { Claim } from "../claim.ts";
import type { test as meshTest } from "../fixture.ts";
import { control } from "../instance/control.ts";
import { mutate, redAmong } from "../mutations.ts";
import { idsOf, outcomeOf } from "../results.ts";
import { controllersStop, mustBeTaken, notTaken } from "../rows.ts";
import { whyNeverTaken } from "../weakenings.ts";

interface Suite {
  readonly claims: readonly Claim[];
  /** Rows of these that a controller is part of. */
  readonly withController: readonly string[];
}

/** A test for each protection; where no claim of this suite guards it, what turns red is told and need not be anything. */
export function everyRowTests(test: typeof meshTest, { claims, withController }: Suite): void {
  const heard = claims.filter(
    ({ id, attempts }) => attempts.length > 0 && !withController.includes(id) && isChosen(id),
  );
  const isGuarded = ({ guardedBy }: { readonly guardedBy: readonly string[] }): boolean =>
    claims.some(({ id }) => guardedBy.includes(id));
  // Those whose guards are all there to notice.
  const wanted = protections.filter(({ guardedBy }) => guardedBy.every(isChosen));
  controllersStop(test);
  test("with nothing taken away no row is red", async ({ mesh, expect }) => {
    expect(await redAmong(mesh, heard, { most: heard.length })).toEqual([]);
  });
  notTaken(test, wanted.filter(isGuarded));
  for (const protection of wanted.filter((one) => whyNeverTaken(one) === undefined))
    test(`without ${protection.id}, every row`, async ({ mesh, task, expect, skip }) => {
      const result = await mutate(mesh, protection, { claims: heard, all: true });
      const red = idsOf(result);
      Object.assign(
        task.meta,
        isGuarded(protection)
          ? { mutations: [{ ...outcomeOf(result), red }] }
          : { alsoRed: { protection: protection.id, red } },
      );
      mustBeTaken(result, skip);
      if (isGuarded(protection))
        expect(
          red.filter((id) => protection.guardedBy.includes(id)),
          `nothing that guards it noticed: ${result.change}; but ${red.join(", ")}`,
        ).not.toEqual([]);
      expect(await control(mesh)).toBe("");
    });
}
