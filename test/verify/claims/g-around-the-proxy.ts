// G: what an attacker tries who does not go through a sidecar. All rows, in their order.

import type { Claim } from "../claim.ts";
import { attestation } from "./g-attestation.ts";
import { trustFiles } from "./g-secrets.ts";
import { localSockets } from "./g-sockets.ts";
import { serverApi } from "./g-spire-server.ts";
import { workloadApi } from "./g-workload-api.ts";

export const aroundTheProxy: readonly Claim[] = [
  ...localSockets,
  ...workloadApi,
  ...serverApi,
  ...attestation,
  ...trustFiles,
];
