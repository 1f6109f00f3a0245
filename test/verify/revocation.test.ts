// What ends, on a mesh whose connections live for seconds; and that its end is the protection's doing.

import { protections } from "../../scripts/render/protections.ts";
import { chosen, isChosen } from "./chosen.ts";
import { revocation } from "./claims/r-revocation.ts";
import { shortLivedTest as test } from "./fixture.ts";
import { claimTests, mutationTests } from "./rows.ts";

claimTests(
  test,
  revocation.filter(({ id }) => isChosen(id)),
);

const ids = new Set(revocation.map(({ id }) => id));
const guarded = protections.filter(({ guardedBy }) => guardedBy.some((id) => ids.has(id)));

if (chosen.mutations) mutationTests(test, guarded, revocation);
