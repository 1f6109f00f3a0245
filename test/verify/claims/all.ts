// Every claim, in the order of the matrix.

import type { Claim } from "../claim.ts";
import { idConfusion } from "./b-id-confusion.ts";
import { clientAuthentication } from "./a-client-authentication.ts";

export function loadClaims(): readonly Claim[] {
  return [...clientAuthentication, ...idConfusion];
}
