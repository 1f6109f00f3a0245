// Proves that one process is ready, by the probe its plan names. A port that is open proves nothing.

import type { Probe } from "../plan/plan.ts";
import { isSidecarReady } from "./envoy.ts";
import { statusOf } from "./spire.ts";
import { requestUnix } from "./unix-http.ts";

const deadlineMs = 500;

/** Looks once; a process that does not answer is not ready, one without a probe has nothing to show. Never throws. */
export async function isReady(probe: Probe | undefined): Promise<boolean> {
  if (probe === undefined) return true;
  if (probe.kind === "sidecar") return isSidecarReady(probe);
  try {
    return (await healthStatus(probe)) === 200;
  } catch {
    return false; // No socket, nobody listening, no answer in time: not ready.
  }
}

async function healthStatus(probe: Exclude<Probe, { readonly kind: "sidecar" }>): Promise<number> {
  if (probe.kind === "http") return statusOf(probe.address, probe.path, deadlineMs);
  return (await requestUnix({ socket: probe.socket, path: probe.path, deadlineMs })).status;
}
