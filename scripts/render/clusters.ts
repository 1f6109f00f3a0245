// clusters.yaml (CDS): the peers this sidecar calls, and its own app. endpoints.yaml (EDS): where the app is now.

import { isIP } from "node:net";

import type { Outbound, SidecarPlan } from "../plan/plan.ts";
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
    // Shorter than the keep-alive of common HTTP servers, so that a request never meets a closing connection.
    ...httpOptions({ idle_timeout: "3s" }),
  });
}

export function endpoints(sidecar: SidecarPlan): Fields[] {
  return [typed(assignmentType, assignment(appCluster(sidecar), address(sidecar.app.address)))];
}

function appCluster({ workload }: SidecarPlan): string {
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
