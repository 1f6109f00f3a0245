// One sidecar's facts: what Envoy says now, joined with what the controller remembers and last asked of it.

import { subscriptionPrefixes, type SidecarObservation } from "../observe/envoy.ts";
import type { ConfigurationFacts, SidecarFacts } from "../observe/facts.ts";
import type { SidecarPlan } from "../plan/plan.ts";
import { dynamicFileNames } from "../render/dynamic.ts";
import type { Memory } from "./memory.ts";
import type { SidecarUpdates } from "./updates.ts";

export interface Remembered {
  readonly now: Date;
  readonly memory: Pick<Memory, "holdsSvid">;
  readonly updates: Pick<SidecarUpdates, "versions" | "rejection" | "pastRejections">;
}

export function sidecarFacts(
  sidecar: SidecarPlan,
  { health, svid, bundles, subscriptions, inbound }: SidecarObservation,
  { now, memory, updates }: Remembered,
): SidecarFacts {
  const { workload, process, spiffeId } = sidecar;
  const rotated = svid === undefined ? undefined : memory.holdsSvid(process, svid.serial, now);
  return {
    workload,
    process,
    spiffeId,
    health,
    ...(svid === undefined || rotated === undefined
      ? {}
      : { svid: { ...svid, rotations: rotated.rotations, rotationsSince: rotated.since } }),
    bundles,
    configuration: health.state === "down" ? [] : configuration(sidecar, subscriptions, updates),
    ...(inbound === undefined ? {} : { inbound }),
  };
}

function configuration(
  sidecar: SidecarPlan,
  subscriptions: SidecarObservation["subscriptions"],
  updates: Remembered["updates"],
): ConfigurationFacts[] {
  const wanted = updates.versions(sidecar);
  const rejection = updates.rejection(sidecar);
  const read = subscriptionPrefixes(sidecar);
  return dynamicFileNames
    .filter((file) => read[file] !== undefined)
    .map((file): ConfigurationFacts => {
      const subscription = subscriptions[file];
      const known = { file, ...(subscription?.version === undefined ? {} : { version: subscription.version }) };
      if (rejection?.file === file) {
        const { reason } = rejection;
        return { ...known, state: "rejected", ...(reason === undefined ? {} : { reason }) };
      }
      // Envoy reports the version of an update also when it rejected it: only the counters tell.
      const past = updates.pastRejections(sidecar, file);
      if (subscription !== undefined && past !== undefined && subscription.rejected > past)
        return { ...known, state: "rejected" };
      return { ...known, state: subscription?.version === wanted[file] ? "in-sync" : "behind" };
    });
}
