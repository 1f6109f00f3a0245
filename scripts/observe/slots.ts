// What a sidecar knows of the slots of its app: what each has under way, and how it has answered so far (Envoy, "Cluster
// manager: Statistics", per service zone; the zone of a slot is render/clusters.ts's).

import type { SidecarPlan } from "../plan/plan.ts";
import type { SlotNumber } from "../plan/slots.ts";
import { sidecarZone } from "../render/bootstrap.ts";
import { appCluster, slotZone } from "../render/clusters.ts";
import { type Admin, counter, parseStats } from "./envoy-admin.ts";

/** Since the sidecar started. */
export interface SlotAnswers {
  readonly requests: number;
  /** 5xx, resets and connections that failed among them. */
  readonly failures: number;
  /** How many answers took from so many milliseconds up, ascending. */
  readonly times: readonly { readonly fromMs: number; readonly count: number }[];
}

/** Requests that a slot has under way, or is about to be sent. @throws a system error when the sidecar does not answer */
export async function underWay(admin: Admin, sidecar: SidecarPlan, slot: SlotNumber): Promise<number> {
  const hosts = hostsOf(await admin("/clusters?format=json"), appCluster(sidecar));
  const own = hosts.find(({ locality }) => locality?.zone === slotZone(slot));
  const gauge = (name: string): number => Number(own?.stats.find((stat) => stat.name === name)?.value ?? 0);
  return gauge("rq_active") + gauge("rq_pending_active");
}

/** @throws a system error when the sidecar does not answer */
export async function slotAnswers(admin: Admin, sidecar: SidecarPlan, slot: SlotNumber): Promise<SlotAnswers> {
  const zone = `cluster.${appCluster(sidecar)}.zone.${sidecarZone}.${slotZone(slot)}`;
  const filter = `^${RegExp.escape(zone)}\\.upstream_rq_`;
  const [text, histogram] = await Promise.all([
    admin(`/stats?filter=${encodeURIComponent(filter)}`),
    admin(`/stats?filter=${encodeURIComponent(`${filter}time$`)}&format=json&histogram_buckets=detailed`),
  ]);
  const stats = parseStats(text);
  return {
    requests: counter(stats, `${zone}.upstream_rq_completed`),
    failures: counter(stats, `${zone}.upstream_rq_5xx`),
    times: timesOf(histogram),
  };
}

/** What came after `before`. */
export function answersSince(before: SlotAnswers, now: SlotAnswers): SlotAnswers {
  const had = new Map(before.times.map(({ fromMs, count }) => [fromMs, count]));
  return {
    requests: now.requests - before.requests,
    failures: now.failures - before.failures,
    times: now.times
      .map(({ fromMs, count }) => ({ fromMs, count: count - (had.get(fromMs) ?? 0) }))
      .filter(({ count }) => count > 0),
  };
}

/** The time within which that share of the answers came, in milliseconds; undefined: there were none. */
export function percentile({ times }: SlotAnswers, share: number): number | undefined {
  const all = times.reduce((sum, { count }) => sum + count, 0);
  let seen = 0;
  for (const { fromMs, count } of times) {
    seen += count;
    if (seen >= all * share) return fromMs;
  }
  return undefined;
}

interface HostStatus {
  readonly locality?: { readonly zone?: string };
  readonly stats: readonly { readonly name: string; readonly value?: string }[];
}

function hostsOf(json: string, cluster: string): readonly HostStatus[] {
  const dump: { cluster_statuses?: { name: string; host_statuses?: HostStatus[] }[] } = JSON.parse(json);
  return dump.cluster_statuses?.find(({ name }) => name === cluster)?.host_statuses ?? [];
}

/** Envoy's bins of one histogram: lower bound, width and count (`histogram_buckets=detailed`). */
function timesOf(json: string): SlotAnswers["times"] {
  const dump: {
    stats?: { histograms?: { details?: { totals?: { lower_bound: number; count: number }[] }[] } }[];
  } = JSON.parse(json);
  const totals = dump.stats?.flatMap(({ histograms }) => histograms?.details ?? []).flatMap((one) => one.totals ?? []);
  return (totals ?? [])
    .map(({ lower_bound: fromMs, count }) => ({ fromMs, count }))
    .toSorted((one, other) => one.fromMs - other.fromMs);
}
