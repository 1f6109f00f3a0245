// Each protection taken away, alone: at least one claim that guards it turns red, and the rightful caller is served on.

import { protections } from "../../scripts/render/protections.ts";
import { loadClaims } from "./claims/all.ts";
import { revocation } from "./claims/r-revocation.ts";
import { test } from "./fixture.ts";
import { mutationTests } from "./rows.ts";

const elsewhere = new Set(revocation.map(({ id }) => id));

// What revocation guards is taken away there: it takes a mesh whose connections live for seconds.
const here = protections.filter(({ guardedBy }) => !guardedBy.some((id) => elsewhere.has(id)));

mutationTests(test, here, loadClaims());
