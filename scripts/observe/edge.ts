// Probes one edge: a GET through the caller's outbound socket, i.e. as the caller's app would call. A failure is told
// as a sentence that names what failed and where, from the answer and from what the caller's sidecar counted.

import { systemErrorCode } from "../errors.ts";
import type { HostPort } from "../model/mesh.ts";
import type { EdgePlan } from "../plan/plan.ts";
import { counter, fetchStats, type Stats } from "./envoy-admin.ts";
import type { EdgeProbe } from "./facts.ts";
import { requestUnix, unreachable, type UnixResponse } from "./unix-http.ts";

export interface ProbeOptions {
  /** Admin socket of the caller's sidecar; asked only when the probe fails, to learn why. */
  readonly adminSocket?: string;
  /** Where the callee's sidecar listens, for the reason. */
  readonly address?: HostPort;
  /** Milliseconds for one exchange; 2000 unless given. */
  readonly deadlineMs?: number;
}

/** What went wrong and where. `local`: on this side of the callee's sidecar, so the caller's counters know more. */
interface Failure {
  readonly reason: string;
  readonly local: boolean;
  readonly status?: number;
}

/** Sends the probe. Never throws: whatever happens is the fact that was asked for. */
export async function probeEdge(edge: EdgePlan, options: ProbeOptions = {}): Promise<EdgeProbe> {
  const path = edge.probePath;
  if (path === undefined) return { kind: "not-probed" };
  const first = await exchange(edge, path, options);
  if (!("reason" in first)) return { kind: "answered", path, ...first };
  if (!first.local || options.adminSocket === undefined) return failed(path, first);
  // A 503 of Envoy does not say why. Asked again, between two looks at what the caller's sidecar counts.
  const before = await cluster(options.adminSocket, edge);
  const second = await exchange(edge, path, options);
  if (!("reason" in second)) return { kind: "answered", path, ...second };
  const after = await cluster(options.adminSocket, edge);
  return failed(path, { ...second, reason: explained(edge, options, { before, after }) ?? second.reason });
}

/**
 * Whether a probe proves its edge: the request went through both sidecars, and the app answered without an error of its
 * own. What it thinks of the caller (401, say) is between the apps; but what mesh.yaml says is called must be there.
 */
export function isCrossed(probe: EdgeProbe): boolean {
  return probe.kind === "answered" && probe.status < 500 && ![404, 405].includes(probe.status);
}

function failed(path: string, { reason, status }: Failure): EdgeProbe {
  return { kind: "failed", path, reason, ...(status === undefined ? {} : { status }) };
}

type Exchange = { readonly status: number; readonly ms: number } | Failure;

async function exchange(edge: EdgePlan, path: string, { deadlineMs = 2000 }: ProbeOptions): Promise<Exchange> {
  const start = performance.now();
  try {
    const headers = { host: edge.callee.workload, "user-agent": "mesh-probe" };
    const response = await requestUnix({ socket: edge.socket, path, headers, deadlineMs });
    const ms = Math.round((performance.now() - start) * 10) / 10;
    return failureOf(edge, response) ?? { status: response.status, ms };
  } catch (error) {
    const code = systemErrorCode(error);
    const socket = `the outbound socket of ${edge.caller.workload}-sidecar`;
    if (code === "ABORT_ERR") return { reason: `no answer within ${deadlineMs} ms`, local: false };
    if (code === "ENOENT" || code === "ECONNREFUSED")
      return {
        reason: `${socket} is not open: the sidecar does not run, or waits for its SVID or a bundle`,
        local: true,
      };
    return { reason: unreachable(error, socket), local: true };
  }
}

/**
 * Says whether an answer is a sidecar's own and not the app's. The caller's sidecar writes the callee's SPIFFE ID into
 * every answer that came over a verified connection, so its absence places the failure before the callee's sidecar.
 */
function failureOf({ callee, caller }: EdgePlan, { status, headers, body }: UnixResponse): Failure | undefined {
  const reached = headers["x-callee-spiffe-id"] === callee.spiffeId;
  const sidecar = `${callee.workload}-sidecar`;
  if (!isEnvoysOwn(status, body)) return undefined;
  if (!reached)
    return {
      status,
      local: true,
      reason: `${caller.workload}-sidecar could not reach ${sidecar}: ${resetReason(body)}`,
    };
  if (status === 403)
    return {
      status,
      local: false,
      reason: `${sidecar} refused the request: its policy has no such rule for ${caller.spiffeId}`,
    };
  if (status === 504) return { status, local: false, reason: `${callee.workload} did not answer ${sidecar} in time` };
  // A connection that ends after the handshake is the callee's app's, or in TLS 1.3 the refusal of our certificate.
  const local = body.includes("connection termination");
  return { status, local, reason: `${sidecar} could not reach its app ${callee.workload}: ${resetReason(body)}` };
}

/** Bodies of Envoy's local replies (source/common/http/codes and the RBAC filter). */
function isEnvoysOwn(status: number, body: string): boolean {
  if (status === 403) return body === "RBAC: access denied";
  if (status === 504) return body === "upstream request timeout" || body === "stream timeout";
  return status === 503 && /^(upstream connect error|no healthy upstream|upstream connection)/.test(body);
}

function resetReason(body: string): string {
  return /reset reason: (.+)$/s.exec(body)?.[1]?.trim() ?? body.trim();
}

async function cluster(adminSocket: string, edge: EdgePlan): Promise<Stats> {
  try {
    return await fetchStats(
      adminSocket,
      `^cluster\\.${RegExp.escape(edge.callee.workload)}\\.(upstream_cx|ssl)[._a-z]+$`,
    );
  } catch {
    return new Map(); // The caller's sidecar does not answer: then nothing more is known than the exchange told.
  }
}

/** What the caller's sidecar counted while the probe failed, in words; undefined when that tells no more. */
function explained(
  { callee, caller }: EdgePlan,
  { address }: ProbeOptions,
  { before, after }: { readonly before: Stats; readonly after: Stats },
): string | undefined {
  const grew = (name: string): boolean =>
    counter(after, `cluster.${callee.workload}.${name}`) > counter(before, `cluster.${callee.workload}.${name}`);
  const [ours, theirs] = [`${caller.workload}-sidecar`, `${callee.workload}-sidecar`];
  const at = address === undefined ? theirs : `${theirs} at ${address.host}:${address.port}`;
  if (grew("ssl.fail_verify_san"))
    return `${ours} refused ${at}: what it presents is a valid SVID, but not that of ${callee.spiffeId}`;
  if (grew("ssl.fail_verify_error"))
    return `${ours} refused ${at}: what it presents does not verify against the bundle of ${callee.trustDomain}`;
  if (grew("ssl.connection_error"))
    return `the TLS handshake of ${ours} with ${at} failed: is it a sidecar of this mesh?`;
  if (grew("upstream_cx_connect_fail"))
    return `nothing answers as ${at}: it does not run, or waits for its SVID or a bundle`;
  if (grew("upstream_cx_destroy_remote_with_active_rq"))
    return `${at} ended the connection after the handshake: it refuses the SVID of ${caller.spiffeId}`;
  return undefined;
}
