// ./mesh verify --full: what must end, under every mutation, on a mesh whose connections live for seconds.

import { revocation } from "../claims/r-revocation.ts";
import { shortLivedTest as test } from "../fixture.ts";
import { everyRowTests } from "./every-row.ts";

everyRowTests(test, { claims: revocation, withController: ["R3"] });
