// An edge inside one trust domain: its callee holds that domain's bundle alone, so nobody of another gets as far as its policy. The
// rows in which it matters who vouches for whom, and the protection that makes the difference.

import { protections } from "../../scripts/render/protections.ts";
import { loadClaims } from "./claims/all.ts";
import { insideTest as test } from "./fixture.ts";
import { claimTests, mutationTests } from "./rows.ts";

const claims = loadClaims().filter(({ id, attempts }) => /^([AB]|C1[57]$)/.test(id) && attempts.length > 0);

claimTests(test, claims);

const differing = protections.filter(({ id }) => id === "one-bundle");

mutationTests(test, differing, claims);
