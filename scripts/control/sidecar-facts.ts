// One sidecar's facts: what Envoy says now, joined with what the controller remembers and last asked of it.

import { subscriptionPrefixes, type SidecarObservation } from "../observe/envoy.ts";
import type { ConfigurationFacts, Health, SidecarFacts } from "../observe/facts.ts";
import type { SidecarPlan } from "../plan/plan.ts";
import { dynamicFileNames } from "../render/dynamic.ts";
import type { Memory } from "./memory.ts";
import { takenAddress } from "./take-up.ts";
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
    health: health.state === "live" ? (cannotListen(sidecar, updates) ?? health) : health,
    ...(svid === undefined || rotated === undefined
      ? {}
      : { svid: { ...svid, rotations: rotated.rotations, rotationsSince: rotated.since } }),
    bundles,
    configuration: health.state === "down" ? [] : configuration(sidecar, subscriptions, updates),
    ...(inbound === undefined ? {} : { inbound }),
  };
}

/** A listener that is not there asks for no SVID: what it then seems to wait for is not the cause. */
function cannotListen(sidecar: SidecarPlan, updates: Remembered["updates"]): Health | undefined {
  const rejection = updates.rejection(sidecar);
  const address = rejection === undefined ? undefined : takenAddress(rejection);
  if (address === undefined) return undefined;
  const reason = `it cannot listen on ${address}, where somebody else listens; it is tried again every few seconds`;
  return { state: "live", reason };
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
