// clusters.yaml (CDS): the peers this sidecar calls, and its own app. endpoints.yaml (EDS): where the app is now.

import { isIP } from "node:net";

import type { Outbound, SidecarPlan } from "../plan/plan.ts";
import type { SlotNumber } from "../plan/slots.ts";
import { fileSource } from "./listeners.ts";
import { upstreamTls } from "./tls.ts";
import { address, seconds, typed, type Fields } from "./types.ts";

const clusterType = "envoy.config.cluster.v3.Cluster";
const assignmentType = "envoy.config.endpoint.v3.ClusterLoadAssignment";
const bufferBytes = 32_768;

export function clusters(sidecar: SidecarPlan): Fields[] {
  return [...sidecar.outbound.map((callee) => peer(sidecar, callee)), app(sidecar)];
}

/** A callee's sidecar: mTLS with exactly that SPIFFE ID, over kept-alive HTTP/1.1 connections. */
function peer(sidecar: SidecarPlan, { callee, address: at, spiffeId, validationContext }: Outbound): Fields {
  return typed(clusterType, {
    name: callee,
    type: isIP(at.host) === 0 ? "STRICT_DNS" : "STATIC",
    connect_timeout: "2s",
    per_connection_buffer_limit_bytes: bufferBytes,
    circuit_breakers: { thresholds: [{ max_connections: 256, max_pending_requests: 256, max_requests: 1024 }] },
    transport_socket: upstreamTls({ spiffeId: sidecar.spiffeId, validationContext, peers: [spiffeId] }),
    ...httpOptions({
      // Shorter than the callee's, so that a request never meets a closing connection.
      max_connection_duration: seconds(sidecar.maxConnectionSeconds.outbound),
      max_stream_duration: seconds(sidecar.maxConnectionSeconds.outbound),
      idle_timeout: "30s",
    }),
    load_assignment: assignment(callee, address(at)),
  });
}

function app(sidecar: SidecarPlan): Fields {
  return typed(clusterType, {
    name: appCluster(sidecar),
    type: "EDS",
    eds_cluster_config: { eds_config: fileSource(sidecar, "endpoints.yaml") },
    connect_timeout: "1s",
    per_connection_buffer_limit_bytes: bufferBytes,
    circuit_breakers: { thresholds: [{ max_connections: 256, max_pending_requests: 256, max_requests: 1024 }] },
    // An app that drains gets nothing, also while it is one of two.
    common_lb_config: { healthy_panic_threshold: { value: 0 } },
    // Shorter than the keep-alive of common HTTP servers, so that a request never meets a closing connection.
    ...httpOptions({ idle_timeout: "3s" }),
  });
}

/**
 * Each slot is a locality of its own: Envoy keeps its answers and their times apart (Envoy, "Cluster stats: Per service
 * zone dynamic HTTP statistics"). One that drains gets no new request, and Envoy still says what it has under way.
 */
export function endpoints(sidecar: SidecarPlan): Fields[] {
  const localities = sidecar.apps.map(({ slot, address: at, weight }) => ({
    locality: { zone: slotZone(slot) },
    lb_endpoints: [
      {
        endpoint: { address: address(at) },
        ...(weight === 0 ? { health_status: "DRAINING" } : {}),
        ...(weight > 1 ? { load_balancing_weight: weight } : {}),
      },
    ],
  }));
  return [typed(assignmentType, { cluster_name: appCluster(sidecar), endpoints: localities })];
}

/** By what Envoy's statistics name a slot. */
export function slotZone(slot: SlotNumber): string {
  return `slot-${slot}`;
}

export function appCluster({ workload }: SidecarPlan): string {
  return `${workload}_app`;
}

function assignment(cluster: string, at: Fields): Fields {
  return { cluster_name: cluster, endpoints: [{ lb_endpoints: [{ endpoint: { address: at } }] }] };
}

function httpOptions(common: Fields): Fields {
  return {
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        { explicit_http_config: { http_protocol_options: {} }, common_http_protocol_options: common },
      ),
    },
  };
}
