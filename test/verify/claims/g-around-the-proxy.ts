// G: what an attacker tries who does not go through a sidecar. All rows, in their order.

import type { Claim } from "../claim.ts";
import { trustFiles } from "./g-secrets.ts";
import { localSockets } from "./g-sockets.ts";

export const aroundTheProxy: readonly Claim[] = [...localSockets, ...trustFiles];
