// G: what an attacker tries who does not go through a sidecar. All rows, in their order.

import type { Claim } from "../claim.ts";
import { attestation } from "./g-attestation.ts";
import { bundleEndpoints } from "./g-bundle-endpoint.ts";
import { ownEndpoint } from "./g-own-endpoint.ts";
import { partnerBundles } from "./g-partner-bundle.ts";
import { trustFiles } from "./g-secrets.ts";
import { localSockets } from "./g-sockets.ts";
import { serverApi } from "./g-spire-server.ts";
import { workloadApi } from "./g-workload-api.ts";

export const aroundTheProxy: readonly Claim[] = [
  ...localSockets,
  ...workloadApi,
  ...serverApi,
  ...attestation,
  ...bundleEndpoints,
  ...partnerBundles,
  ...ownEndpoint,
  ...trustFiles,
].toSorted((one, other) => Number(one.id.slice(1)) - Number(other.id.slice(1)));
