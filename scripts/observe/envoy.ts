// One sidecar as its Envoy sees itself: SVID, bundles, configuration, counters. Facts by the full SPIFFE ID, never
// "a port is open": a sidecar is ready when it holds its own SVID and its peers' bundles.

import type { X509Certificate } from "node:crypto";

import type { Probe, SidecarPlan, ValidationContext } from "../plan/plan.ts";
import type { DynamicFileName } from "../render/dynamic.ts";
import { policyName } from "../render/policy.ts";
import { bundleDigest } from "../spiffe/bundle.ts";
import {
  counter,
  fetchSecrets,
  fetchStats,
  sdsPrefix,
  serialOf,
  sumOf,
  type Secret,
  type Stats,
} from "./envoy-admin.ts";
import type { Health, InboundCounters, OutboundCounters, SvidFacts, ValidationFacts } from "./facts.ts";
import { unreachable } from "./unix-http.ts";

/** What Envoy says now. What needs a memory (rotations, whether the last update was taken) is the controller's. */
export interface SidecarObservation {
  readonly health: Health;
  readonly svid?: SvidFacts & { readonly loadedAt: string };
  readonly bundles: readonly ValidationFacts[];
  /** By file; a file that Envoy has not been told to read yet is absent. */
  readonly subscriptions: Partial<Record<DynamicFileName, Subscription>>;
  readonly inbound?: InboundCounters;
  /** By callee. */
  readonly outbound: Readonly<Record<string, OutboundCounters>>;
}

/** Counters of one filesystem subscription. Envoy counts an attempt for every rename in the folder, for all files. */
export interface Subscription {
  readonly attempts: number;
  readonly accepted: number;
  readonly rejected: number;
  /** `version_info` that Envoy read last; it may name an update that was rejected. */
  readonly version?: string;
}

const wantedStats = [
  String.raw`sds\..+\.update_(success|rejected)`,
  String.raw`(listener_manager\.lds|cluster_manager\.cds|extension_config_discovery\..+|cluster\.[^.]+)\.(update_(attempt|success|rejected|failure)|version_text)`,
  String.raw`listener\..+\.ssl\.(handshake|connection_error|fail_verify_(no_cert|error|san))`,
  String.raw`http\.inbound\.(downstream_rq_total|rbac\.denied)`,
  String.raw`cluster\.[^.]+\.(upstream_rq_(total|2xx|5xx)|upstream_cx_connect_fail|ssl\.(handshake|fail_verify_(error|san)))`,
  String.raw`listener_manager\.total_listeners_warming|cluster_manager\.warming_clusters`,
];
const statsFilter = `^(${wantedStats.join("|")})$`;

/** Looks at a sidecar once. Never throws: a sidecar that does not answer is `down`, with the reason. */
export async function observeSidecar(sidecar: SidecarPlan, now = new Date()): Promise<SidecarObservation> {
  try {
    const [stats, secrets] = await Promise.all([
      fetchStats(sidecar.adminSocket, statsFilter),
      fetchSecrets(sidecar.adminSocket),
    ]);
    return sidecarObservation(sidecar, { stats, secrets, now });
  } catch (error) {
    const reason = unreachable(error, `${sidecar.process}'s admin socket`);
    return { health: { state: "down", reason }, bundles: [], subscriptions: {}, outbound: {} };
  }
}

/** What the answers of the admin interface say of this sidecar. */
export function sidecarObservation(
  sidecar: SidecarPlan,
  { stats, secrets, now }: { readonly stats: Stats; readonly secrets: readonly Secret[]; readonly now: Date },
): SidecarObservation {
  const svid = secrets.find((secret) => secret.kind === "svid" && secret.name === sidecar.spiffeId);
  const bundles = validationContexts(sidecar).map((context) => validationFacts(context, secrets));
  return {
    health: healthOf(sidecar, { stats, bundles, holdsSvid: svid !== undefined }),
    ...(svid?.kind === "svid"
      ? { svid: { ...svidFacts(sidecar.spiffeId, svid.certificate, now), loadedAt: svid.lastUpdated } }
      : {}),
    bundles,
    subscriptions: subscriptionsOf(sidecar, stats),
    ...(sidecar.inbound === undefined ? {} : { inbound: inboundCounters(stats) }),
    outbound: Object.fromEntries(sidecar.outbound.map(({ callee }) => [callee, outboundCounters(stats, callee)])),
  };
}

/**
 * True when Envoy holds every secret of the probe and nothing waits for one. False also while the admin socket is not
 * there yet.
 */
export async function isSidecarReady(probe: Extract<Probe, { readonly kind: "sidecar" }>): Promise<boolean> {
  try {
    const stats = await fetchStats(probe.adminSocket, statsFilter);
    return probe.secrets.every((name) => isLoaded(stats, name)) && warming(stats) === 0;
  } catch {
    return false; // The socket is not there, or Envoy is starting: not ready.
  }
}

/** Validation contexts that the plan has this sidecar ask for. */
export function validationContexts({ inbound, outbound }: SidecarPlan): ValidationContext[] {
  const wanted = [inbound?.validationContext, ...outbound.map((peer) => peer.validationContext)];
  return [...new Set(wanted.filter((context) => context !== undefined))];
}

/** The dynamic files that Envoy reads, given what the sidecar is for, by the prefix of their subscription's stats. */
export function subscriptionPrefixes(sidecar: SidecarPlan): Partial<Record<DynamicFileName, string>> {
  return {
    "endpoints.yaml": `cluster.${sidecar.workload}_app`,
    ...(sidecar.inbound === undefined ? {} : { "policy.yaml": `extension_config_discovery.http_filter.${policyName}` }),
    "clusters.yaml": "cluster_manager.cds",
    "listeners.yaml": "listener_manager.lds",
  };
}

/** Counters of one subscription; undefined: Envoy has not been told of it. */
export function subscriptionOf(stats: Stats, prefix: string): Subscription | undefined {
  if (!stats.has(`${prefix}.update_attempt`)) return undefined;
  const version = stats.get(`${prefix}.version_text`);
  return {
    attempts: counter(stats, `${prefix}.update_attempt`),
    accepted: counter(stats, `${prefix}.update_success`),
    rejected: counter(stats, `${prefix}.update_rejected`) + counter(stats, `${prefix}.update_failure`),
    ...(typeof version === "string" && version !== "" ? { version } : {}),
  };
}

function subscriptionsOf(sidecar: SidecarPlan, stats: Stats): Partial<Record<DynamicFileName, Subscription>> {
  const found = Object.entries(subscriptionPrefixes(sidecar)).map(([file, prefix]) => [
    file,
    subscriptionOf(stats, prefix),
  ]);
  return Object.fromEntries(found.filter(([, subscription]) => subscription !== undefined));
}

function healthOf(
  sidecar: SidecarPlan,
  seen: { readonly stats: Stats; readonly bundles: readonly ValidationFacts[]; readonly holdsSvid: boolean },
): Health {
  const waits = [
    ...(seen.holdsSvid || seen.bundles.length === 0 ? [] : [`its SVID ${sidecar.spiffeId}`]),
    ...seen.bundles
      .filter(({ trustDomains }) => trustDomains.length === 0)
      .map(({ context }) => (context === "ALL" ? "its peers' bundles" : `the bundle ${context}`)),
  ];
  if (waits.length > 0) return { state: "live", reason: `it waits for ${waits.join(" and ")} from its agent` };
  if (warming(seen.stats) > 0) return { state: "live", reason: "a new listener or cluster waits for its secrets" };
  return { state: "ready" };
}

function isLoaded(stats: Stats, secretName: string): boolean {
  return counter(stats, `${sdsPrefix(secretName)}.update_success`) > 0;
}

function warming(stats: Stats): number {
  return (
    counter(stats, "listener_manager.total_listeners_warming") + counter(stats, "cluster_manager.warming_clusters")
  );
}

/** Facts of an X.509-SVID. A negative rest of life is an expired SVID. */
function svidFacts(spiffeId: string, certificate: X509Certificate, now: Date): SvidFacts {
  const notAfter = new Date(certificate.validTo);
  return {
    spiffeId,
    serial: serialOf(certificate),
    notBefore: new Date(certificate.validFrom).toISOString(),
    notAfter: notAfter.toISOString(),
    secondsLeft: Math.floor((notAfter.getTime() - now.getTime()) / 1000),
  };
}

function validationFacts(context: ValidationContext, secrets: readonly Secret[]): ValidationFacts {
  const secret = secrets.find(({ kind, name }) => kind === "bundles" && name === context);
  const bundles = secret?.kind === "bundles" ? secret.bundles : [];
  return {
    context,
    trustDomains: bundles.map(({ trustDomain, authorities }) => ({
      trustDomain,
      digest: bundleDigest({ x509Authorities: authorities.map(({ raw }) => raw) }),
    })),
  };
}

function inboundCounters(stats: Stats): InboundCounters {
  return {
    handshakes: sumOf(stats, /^listener\..+\.ssl\.handshake$/),
    requests: counter(stats, "http.inbound.downstream_rq_total"),
    refused: {
      noCertificate: sumOf(stats, /^listener\..+\.ssl\.fail_verify_no_cert$/),
      verification: sumOf(stats, /^listener\..+\.ssl\.fail_verify_error$/),
      spiffeId: sumOf(stats, /^listener\..+\.ssl\.fail_verify_san$/),
      connection: sumOf(stats, /^listener\..+\.ssl\.connection_error$/),
      rule: counter(stats, "http.inbound.rbac.denied"),
    },
  };
}

/** Counters of the cluster that stands for a callee. */
export function outboundCounters(stats: Stats, callee: string): OutboundCounters {
  const of = (name: string): number => counter(stats, `cluster.${callee}.${name}`);
  return {
    requests: of("upstream_rq_total"),
    responses2xx: of("upstream_rq_2xx"),
    responses5xx: of("upstream_rq_5xx"),
    handshakes: of("ssl.handshake"),
    connectFailures: of("upstream_cx_connect_fail"),
    refused: of("ssl.fail_verify_error") + of("ssl.fail_verify_san"),
  };
}
