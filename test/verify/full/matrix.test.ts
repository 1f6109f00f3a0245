// ./mesh verify --full: every row of the matrix under every mutation. It takes the better part of an hour: part of the soak.

import { loadClaims } from "../claims/all.ts";
import { test } from "../fixture.ts";
import { everyRowTests } from "./every-row.ts";

everyRowTests(test, { claims: loadClaims(), withController: ["G22"] });
